# The password comes from PGPASSWORD or ~/.pgpass.
import psycopg

url = (
    "postgresql://{user}@{host}:{port}/{dbname}"
    "?sslmode=verify-full&sslrootcert={bundle}"
)
with psycopg.connect(url) as connection:
    row = connection.execute("SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
    print(row.fetchone()[0])
