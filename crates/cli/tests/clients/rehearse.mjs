// An application of node-postgres: `verify`, `trust-anything`, or `plain`.
//
// PGKEEP_NODE_PATH is the folder of modules (node_modules) that holds pg.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const require = createRequire((process.env.PGKEEP_NODE_PATH ?? process.cwd()) + "/");
const { Client } = require("pg");

const ssl = {
  verify: { ca: readFileSync(process.env.PGSSLROOTCERT, "utf8") },
  "trust-anything": { rejectUnauthorized: false },
  plain: false,
}[process.argv[2]];

const client = new Client({ connectionString: process.env.DATABASE_URL, ssl });
try {
  await client.connect();
  const { rows } = await client.query("SELECT 'served' AS answer");
  await client.end();
  console.log(rows[0].answer);
} catch (error) {
  console.error(`refused: ${error.message}`);
  process.exitCode = 1;
}
