# psql asks for the password, unless PGPASSWORD or ~/.pgpass has it.
psql "postgresql://{user}@{host}:{port}/{dbname}?sslmode=verify-full&sslrootcert={bundle}" \
  --command "SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
