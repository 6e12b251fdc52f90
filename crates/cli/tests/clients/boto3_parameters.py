"""The default parameter groups and all parameters of every family, engine installed or not."""

from common import client, refused

MAJORS = range(10, 19)
rds = client()

groups = rds.describe_db_parameter_groups()["DBParameterGroups"]
assert [group["DBParameterGroupName"] for group in groups] == [
    f"default.postgres{major}" for major in MAJORS
]
[group] = rds.describe_db_parameter_groups(DBParameterGroupName="Default.Postgres16")[
    "DBParameterGroups"
]
assert group == {
    "DBParameterGroupName": "default.postgres16",
    "DBParameterGroupFamily": "postgres16",
    "Description": "Default parameter group for postgres16",
    "DBParameterGroupArn": "arn:aws:rds:us-east-1:123456789012:pg:default.postgres16",
}

WORDS = {"boolean", "integer", "float", "string", "list"}


def every(operation, field, page_size=100, **parameters):
    pages = list(
        rds.get_paginator(operation).paginate(
            PaginationConfig={"PageSize": page_size}, **parameters
        )
    )
    found = [item for page in pages for item in page.get(field, page)["Parameters"]]
    assert all(len(page.get(field, page)["Parameters"]) == page_size for page in pages[:-1])
    names = [item["ParameterName"] for item in found]
    assert names == sorted(set(names)), "each once and in order"
    return {item["ParameterName"]: item for item in found}


for major in MAJORS:
    name = f"default.postgres{major}"
    own = every("describe_db_parameters", "-", DBParameterGroupName=name)
    defaults = every(
        "describe_engine_default_parameters",
        "EngineDefaults",
        page_size=20,
        DBParameterGroupFamily=f"postgres{major}",
    )
    assert {it.pop("ApplyMethod") for it in own.values()} == {"pending-reboot"}
    assert own == defaults and len(own) > 290
    assert {it["DataType"] for it in own.values()} <= WORDS
    assert {it["ApplyType"] for it in own.values()} == {"static", "dynamic"}
    by_source = {
        source: every(
            "describe_db_parameters", "-", DBParameterGroupName=name, Source=source
        )
        for source in ("user", "system", "engine-default")
    }
    assert by_source["user"] == {}
    assert set(by_source["system"]) | set(by_source["engine-default"]) == set(own)
    assert all("ParameterValue" in it for it in by_source["system"].values())
    assert not any("ParameterValue" in it for it in by_source["engine-default"].values())

    forced = own["rds.force_ssl"]
    assert forced["ParameterValue"] == str(int(major >= 15)) and forced["AllowedValues"] == "0,1"
    assert own["ssl_ciphers"]["IsModifiable"] == (major >= 16)
    assert own["max_connections"]["ParameterValue"] == "LEAST({DBInstanceClassMemory/9531392},5000)"
    assert not own["port"]["IsModifiable"] and own["port"]["AllowedValues"] == "1-65535"

[one] = rds.describe_db_parameters(
    DBParameterGroupName="default.postgres16",
    Filters=[{"Name": "parameter-name", "Values": ["shared_buffers"]}],
)["Parameters"]
assert one == {
    "ParameterName": "shared_buffers",
    "ParameterValue": "{DBInstanceClassMemory/32768}",
    "Description": "(8kB) Sets the number of shared memory buffers used by the server.",
    "Source": "system",
    "ApplyType": "static",
    "DataType": "integer",
    "AllowedValues": "16-1073741823",
    "IsModifiable": True,
    "ApplyMethod": "pending-reboot",
}, one

for operation in ("describe_db_parameter_groups", "describe_db_parameters"):
    refused(404, "DBParameterGroupNotFound", "DBParameterGroup not found: absent",
            getattr(rds, operation), DBParameterGroupName="absent")
refused(400, "InvalidParameterValue",
        "ParameterGroupFamily postgres9.6 is not a valid parameter group family",
        rds.describe_engine_default_parameters, DBParameterGroupFamily="postgres9.6")
refused(400, "InvalidParameterValue", "…customer…", rds.describe_db_parameters,
        DBParameterGroupName="default.postgres16", Source="customer")
refused(400, "InvalidParameterValue", "…19…", rds.describe_db_parameters,
        DBParameterGroupName="default.postgres16", MaxRecords=19)
