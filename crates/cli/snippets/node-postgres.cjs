// The password comes from PGPASSWORD or ~/.pgpass.
const { Client } = require("pg");

async function main() {
  const client = new Client({
    connectionString:
      "postgresql://{user}@{host}:{port}/{dbname}" +
      "?sslmode=verify-full&sslrootcert={bundle}",
  });
  await client.connect();
  const query = "SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
  console.log((await client.query(query)).rows[0].version);
  await client.end();
}

main();
