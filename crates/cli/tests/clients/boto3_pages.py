"""More instances than fit a page, none of which can be made: their engine is out of reach."""

from common import QUICK, client, creation

rds = client()
names = [f"db-{number:02}" for number in range(45)]
for name in names:
    rds.create_db_instance(**creation(name))

paginator = rds.get_paginator("describe_db_instances")
pages = list(paginator.paginate(PaginationConfig={"PageSize": 20}))
assert [len(page["DBInstances"]) for page in pages] == [20, 20, 5]
instances = [instance for page in pages for instance in page["DBInstances"]]
assert [instance["DBInstanceIdentifier"] for instance in instances] == names
assert {instance["DBInstanceStatus"] for instance in instances} == {"creating"}
assert len({instance["DbiResourceId"] for instance in instances}) == len(names)

# A walk that pauses, and goes on where it was.
first = paginator.paginate(PaginationConfig={"PageSize": 20, "MaxItems": 30}).build_full_result()
rest = paginator.paginate(
    PaginationConfig={"PageSize": 20, "StartingToken": first["NextToken"]}
).build_full_result()
assert first["DBInstances"] + rest["DBInstances"] == instances

for name in names:
    rds.delete_db_instance(DBInstanceIdentifier=name, SkipFinalSnapshot=True)
deleted = rds.get_waiter("db_instance_deleted")
for name in names:
    deleted.wait(DBInstanceIdentifier=name, WaiterConfig=QUICK)
assert rds.describe_db_instances()["DBInstances"] == []
