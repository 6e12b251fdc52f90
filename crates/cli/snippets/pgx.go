// The password comes from PGPASSWORD or ~/.pgpass. With v5 only the import differs.
package main

import (
	"context"
	"fmt"
	"log"

	"github.com/jackc/pgx/v4"
)

func main() {
	ctx := context.Background()
	connection, err := pgx.Connect(ctx,
		"postgresql://{user}@{host}:{port}/{dbname}"+
			"?sslmode=verify-full&sslrootcert={bundle}")
	if err != nil {
		log.Fatal(err)
	}
	defer connection.Close(ctx)
	var version string
	query := "SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
	if err := connection.QueryRow(ctx, query).Scan(&version); err != nil {
		log.Fatal(err)
	}
	fmt.Println(version)
}
