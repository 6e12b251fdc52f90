"""The life of an instance in boto3, with its waiters and paginators."""

from common import PASSWORD, QUICK, client, creation

rds = client()
available = rds.get_waiter("db_instance_available")
deleted = rds.get_waiter("db_instance_deleted")


def describe(identifier):
    [instance] = rds.describe_db_instances(DBInstanceIdentifier=identifier)["DBInstances"]
    return instance


def wait_available(identifier):
    available.wait(DBInstanceIdentifier=identifier, WaiterConfig=QUICK)
    instance = describe(identifier)
    assert instance["DBInstanceStatus"] == "available"
    return instance


# Fields that mean nothing on one machine are kept and shown.
kept = {
    "BackupRetentionPeriod": 7,
    "PreferredBackupWindow": "03:00-03:30",
    "PreferredMaintenanceWindow": "sun:04:00-sun:04:30",
    "StorageType": "gp3",
    "StorageEncrypted": True,
    "KmsKeyId": "arn:aws:kms:us-east-1:123456789012:key/k",
    "MultiAZ": False,
    "PubliclyAccessible": True,
    "CopyTagsToSnapshot": True,
    "MaxAllocatedStorage": 100,
    "MonitoringInterval": 0,
    "AutoMinorVersionUpgrade": False,
    "LicenseModel": "postgresql-license",
}
tags = [{"Key": "stage", "Value": "test"}]
parameters = creation(
    "story",
    **kept,
    Tags=tags,
    DBName="orders",
    DBSubnetGroupName="private",
    CACertificateIdentifier="rds-ca-ecc384-g1",
)
made = rds.create_db_instance(**parameters)["DBInstance"]
assert made["DBInstanceStatus"] == "creating" and "Endpoint" not in made
assert {name: made[name] for name in kept} == kept
assert made["DBSubnetGroup"]["DBSubnetGroupName"] == "private"
assert made["TagList"] == tags and made["PendingModifiedValues"] == {}
assert made["DbInstancePort"] == 0
assert made["CertificateDetails"] == {"CAIdentifier": "rds-ca-ecc384-g1"}

instance = wait_available("story")
assert instance["Endpoint"]["Port"] == 5432
assert instance["Endpoint"]["Address"].startswith("story.")
assert {name: instance[name] for name in kept} == kept
assert instance["DBParameterGroups"] == [
    {"DBParameterGroupName": "default.postgres16", "ParameterApplyStatus": "in-sync"}
]
assert instance["OptionGroupMemberships"][0]["Status"] == "in-sync"
age = instance["CertificateDetails"]["ValidTill"] - instance["InstanceCreateTime"]
assert 364 <= age.days <= 366, "a leaf lives a year"

by_resource = [{"Name": "dbi-resource-id", "Values": [instance["DbiResourceId"]]}]
assert rds.describe_db_instances(Filters=by_resource)["DBInstances"] == [instance]
assert describe(instance["DBInstanceArn"]) == instance
pages = rds.get_paginator("describe_db_instances").paginate(PaginationConfig={"PageSize": 20})
assert [page["DBInstances"] for page in pages] == [[instance]]

arn = instance["DBInstanceArn"]
rds.add_tags_to_resource(ResourceName=arn, Tags=[{"Key": "a b", "Value": "ü = 1"}])
rds.remove_tags_from_resource(ResourceName=arn, TagKeys=["stage"])
tags = rds.list_tags_for_resource(ResourceName=arn)["TagList"]
assert tags == [{"Key": "a b", "Value": "ü = 1"}]

asked = rds.modify_db_instance(
    DBInstanceIdentifier="story",
    ApplyImmediately=True,
    MasterUserPassword=PASSWORD + "2",
    DBPortNumber=6543,
    CACertificateIdentifier="rds-ca-rsa2048-g1",
    BackupRetentionPeriod=0,
)["DBInstance"]
assert asked["PendingModifiedValues"]["MasterUserPassword"] == "****"
assert asked["PendingModifiedValues"]["Port"] == 6543
instance = wait_available("story")
assert instance["Endpoint"]["Port"] == 6543
assert instance["CertificateDetails"]["CAIdentifier"] == "rds-ca-rsa2048-g1"
assert instance["PendingModifiedValues"] == {} and instance["BackupRetentionPeriod"] == 0

asked = rds.reboot_db_instance(DBInstanceIdentifier="story")["DBInstance"]
assert asked["DBInstanceStatus"] == "rebooting"
wait_available("story")
rds.stop_db_instance(DBInstanceIdentifier="story")
while (status := describe("story")["DBInstanceStatus"]) != "stopped":
    assert status == "stopping"
rds.start_db_instance(DBInstanceIdentifier="story")
wait_available("story")

pages = rds.get_paginator("describe_events").paginate(
    SourceType="db-instance", SourceIdentifier="story", PaginationConfig={"PageSize": 20}
)
events = [event["Message"] for page in pages for event in page["Events"]]
milestones = [event for event in events if event.startswith(("DB instance", "Reset"))]
assert milestones == [
    "DB instance created.",
    "Reset master credentials.",
    "DB instance shutdown.",
    "DB instance restarted.",
    "DB instance stopped.",
    "DB instance started.",
], events

gone = rds.delete_db_instance(DBInstanceIdentifier="story", SkipFinalSnapshot=True)["DBInstance"]
assert gone["DBInstanceStatus"] == "deleting" and "CertificateDetails" not in gone
deleted.wait(DBInstanceIdentifier="story", WaiterConfig=QUICK)
assert rds.describe_db_instances()["DBInstances"] == []
