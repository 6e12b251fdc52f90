// Answers cells with pgx; psql.sh says how cells and answers look.
package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"regexp"
	"runtime"
	"strings"

	"github.com/jackc/pgx/v4"
)

const query = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"

var (
	spaces  = regexp.MustCompile(`\s+`)
	release = regexp.MustCompile(`(?m)^(NAME|VERSION_ID)="?(\w+)`)
)

func ask(cell []string, user string) (ssl bool, err error) {
	url := fmt.Sprintf("postgresql://%s@%s:%s/postgres?", user, cell[0], cell[1])
	if cell[2] != "-" {
		url += "sslmode=" + cell[2] + "&"
	}
	if cell[3] != "-" {
		url += "sslrootcert=" + cell[3]
	}
	ctx := context.Background()
	session, err := pgx.Connect(ctx, url)
	if err != nil {
		return false, err
	}
	defer session.Close(ctx)
	err = session.QueryRow(ctx, query).Scan(&ssl)
	return ssl, err
}

func ground() string {
	text, _ := os.ReadFile("/etc/os-release")
	distribution := []string{}
	for _, field := range release.FindAllStringSubmatch(string(text), -1) {
		distribution = append(distribution, field[2])
	}
	version := strings.Join(strings.Split(runtime.Version(), ".")[:2], ".")
	return fmt.Sprintf("%s, of %s", version, strings.Join(distribution, " "))
}

func main() {
	fmt.Printf("pgx v4\t%s\n", ground())
	for cells := bufio.NewScanner(os.Stdin); cells.Scan(); {
		ssl, err := ask(strings.Split(cells.Text(), "\t"), os.Args[1])
		if err != nil {
			fmt.Printf("no\t%s\n", spaces.ReplaceAllString(err.Error(), " "))
		} else {
			fmt.Printf("ok\t%.1s\n", fmt.Sprint(ssl))
		}
	}
}
