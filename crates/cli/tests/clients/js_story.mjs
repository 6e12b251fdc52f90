// The life of an instance in the AWS SDK for JavaScript, and what is refused.
//
// PGKEEP_NODE_PATH is the folder of modules (node_modules) that holds @aws-sdk/client-rds.

import assert from "node:assert/strict";
import { createRequire } from "node:module";

const require = createRequire((process.env.PGKEEP_NODE_PATH ?? process.cwd()) + "/");
const sdk = require("@aws-sdk/client-rds");

// The endpoint comes from the environment, as it does for any program of a user. A test calls no
// other machine, wherever the SDK would send a request.
function newClient(settings) {
  const client = new sdk.RDSClient({ maxAttempts: 1, ...settings });
  const stay = (next) => (args) => {
    assert.equal(args.request.hostname, "127.0.0.1");
    return next(args);
  };
  client.middlewareStack.add(stay, { step: "finalizeRequest", name: "stayOnThisMachine" });
  return client;
}

const rds = newClient({});
const name = { DBInstanceIdentifier: "story" };
const quick = { client: rds, minDelay: 1, maxDelay: 1, maxWaitTime: 300 };
const waitAvailable = () => sdk.waitUntilDBInstanceAvailable(quick, name);

async function describe() {
  const { DBInstances } = await rds.send(new sdk.DescribeDBInstancesCommand(name));
  assert.equal(DBInstances.length, 1);
  return DBInstances[0];
}

async function refused(client, command, status, code, message) {
  await assert.rejects(client.send(command), (error) => {
    assert.equal(error.$metadata.httpStatusCode, status, error.message);
    assert.equal(error.Code ?? error.name, code);
    assert.match(error.message, message);
    return true;
  });
}

const created = await rds.send(
  new sdk.CreateDBInstanceCommand({
    ...name,
    DBInstanceClass: "db.t3.micro",
    Engine: "postgres",
    EngineVersion: "17",
    AllocatedStorage: 20,
    MasterUsername: "master",
    MasterUserPassword: "correct-horse=battery'staple",
    Tags: [{ Key: "stage", Value: "test" }],
  }),
);
assert.equal(created.DBInstance.DBInstanceStatus, "creating");
assert.equal((await waitAvailable()).state, "SUCCESS");

let instance = await describe();
assert.equal(instance.Endpoint.Port, 5432);
assert.ok(instance.InstanceCreateTime instanceof Date);
assert.ok(instance.CertificateDetails.ValidTill > new Date());
assert.deepEqual(instance.TagList, [{ Key: "stage", Value: "test" }]);
const found = [];
for await (const page of sdk.paginateDescribeDBInstances({ client: rds, pageSize: 20 }, {})) {
  found.push(...page.DBInstances);
}
assert.deepEqual(found, [instance]);
const Filters = [{ Name: "dbi-resource-id", Values: [instance.DbiResourceId] }];
const filtered = await rds.send(new sdk.DescribeDBInstancesCommand({ Filters }));
assert.deepEqual(filtered.DBInstances, [instance]);

const ResourceName = instance.DBInstanceArn;
await rds.send(
  new sdk.AddTagsToResourceCommand({ ResourceName, Tags: [{ Key: "cost", Value: "7" }] }),
);
await rds.send(new sdk.RemoveTagsFromResourceCommand({ ResourceName, TagKeys: ["stage"] }));
const { TagList } = await rds.send(new sdk.ListTagsForResourceCommand({ ResourceName }));
assert.deepEqual(TagList, [{ Key: "cost", Value: "7" }]);

const change = { DBPortNumber: 6543, CACertificateIdentifier: "rds-ca-ecc384-g1" };
await rds.send(new sdk.ModifyDBInstanceCommand({ ...name, ...change, ApplyImmediately: true }));
await waitAvailable();
instance = await describe();
assert.equal(instance.Endpoint.Port, 6543);
assert.equal(instance.CertificateDetails.CAIdentifier, "rds-ca-ecc384-g1");

await rds.send(new sdk.RebootDBInstanceCommand(name));
await waitAvailable();
await rds.send(new sdk.StopDBInstanceCommand(name));
while ((await describe()).DBInstanceStatus !== "stopped");
await rds.send(new sdk.StartDBInstanceCommand(name));
await waitAvailable();

const source = { SourceType: "db-instance", SourceIdentifier: "story" };
const { Events } = await rds.send(new sdk.DescribeEventsCommand(source));
const messages = Events.map((event) => event.Message);
assert.equal(messages[0], "DB instance created.");
assert.equal(messages.at(-1), "DB instance started.");

const listing = new sdk.DescribeDBInstancesCommand({});
const keys = {
  accessKeyId: process.env.AWS_ACCESS_KEY_ID,
  secretAccessKey: process.env.AWS_SECRET_ACCESS_KEY,
};
const as = (changes) => newClient({ credentials: { ...keys, ...changes } });
await refused(as({ secretAccessKey: "x".repeat(40) }), listing, 403, "SignatureDoesNotMatch", /^/);
await refused(as({ accessKeyId: "AKIAUNKNOWN" }), listing, 403, "InvalidClientTokenId", /^/);
// The SDK corrects its clock by the server's, but only after a refusal.
const stale = newClient({ systemClockOffset: -16 * 60 * 1000 });
await refused(stale, listing, 400, "RequestExpired", /^/);
await refused(
  rds,
  new sdk.CreateDBSnapshotCommand({ ...name, DBSnapshotIdentifier: "s" }),
  501,
  "NotImplemented",
  /CreateDBSnapshot/,
);
await refused(
  rds,
  new sdk.DeleteDBInstanceCommand(name),
  400,
  "InvalidParameterCombination",
  /^FinalDBSnapshotIdentifier is required unless SkipFinalSnapshot is specified\.$/,
);

await rds.send(new sdk.DeleteDBInstanceCommand({ ...name, SkipFinalSnapshot: true }));
assert.equal((await sdk.waitUntilDBInstanceDeleted(quick, name)).state, "SUCCESS");
await refused(
  rds,
  new sdk.DescribeDBInstancesCommand(name),
  404,
  "DBInstanceNotFound",
  /^DBInstance story not found\.$/,
);
