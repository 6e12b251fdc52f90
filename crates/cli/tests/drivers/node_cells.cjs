// Answers cells with node-postgres; psql.sh says how cells and answers look.

const { createInterface } = require("node:readline");
const { Client } = require("pg");
const { version } = require("pg/package.json");

const QUERY = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
const user = process.argv[2];

async function ask([host, port, sslmode, root]) {
  let url = `postgresql://${user}@${host}:${port}/postgres?`;
  if (sslmode !== "-") url += `sslmode=${sslmode}&`;
  if (root !== "-") url += `sslrootcert=${root}`;
  const client = new Client({ connectionString: url });
  // A server that closes late says so here; the refusal itself is the promise's.
  client.on("error", () => {});
  try {
    await client.connect();
    const { rows } = await client.query(QUERY);
    return `ok\t${rows[0].ssl ? "t" : "f"}`;
  } finally {
    await client.end().catch(() => {});
  }
}

async function main() {
  const openssl = process.versions.openssl.split(".").slice(0, 2).join(".");
  const node = process.versions.node.split(".")[0];
  console.log(`node-postgres ${version}\tNode ${node} with OpenSSL ${openssl}`);
  for await (const line of createInterface({ input: process.stdin })) {
    const words = (error) => `no\t${`${error.name}: ${error.message}`.replace(/\s+/g, " ")}`;
    console.log(await ask(line.split("\t")).catch(words));
  }
}

main();
