"""Changes of an instance's certificate that wait: for the window, for a restart, for nobody."""

from datetime import datetime, timedelta, timezone

from common import QUICK, client, creation, refused

FIRST, SECOND, THIRD = "rds-ca-rsa2048-g1", "rds-ca-ecc384-g1", "rds-ca-rsa4096-g1"
rds = client()
available = rds.get_waiter("db_instance_available")


def instance():
    return rds.describe_db_instances(DBInstanceIdentifier="db")["DBInstances"][0]


def authority():
    return instance()["CertificateDetails"]["CAIdentifier"]


def wait_authority(expected):
    available.wait(DBInstanceIdentifier="db", WaiterConfig=QUICK)
    assert authority() == expected == instance()["CACertificateIdentifier"], instance()


def pending(**filters):
    resources = rds.describe_pending_maintenance_actions(**filters)["PendingMaintenanceActions"]
    assert all(it["ResourceIdentifier"] == ARN for it in resources)
    return [action for it in resources for action in it["PendingMaintenanceActionDetails"]]


def apply(action, opt_in):
    answer = rds.apply_pending_maintenance_action(
        ResourceIdentifier=ARN, ApplyAction=action, OptInType=opt_in)
    return answer["ResourcePendingMaintenanceActions"]["PendingMaintenanceActionDetails"]


def choose(identifier, **more):
    return rds.modify_db_instance(
        DBInstanceIdentifier="db", CACertificateIdentifier=identifier, **more)["DBInstance"]


def issued():
    events = rds.describe_events(SourceIdentifier="db", SourceType="db-instance")["Events"]
    return sum("Issued a new server certificate" in it["Message"] for it in events)


soon = datetime.now(timezone.utc) + timedelta(days=3)
day = soon.strftime("%a").lower()
ARN = rds.create_db_instance(**creation(
    "db", PreferredMaintenanceWindow=f"{day}:04:00-{day}:05:00"))["DBInstance"]["DBInstanceArn"]
available.wait(DBInstanceIdentifier="db", WaiterConfig=QUICK)
assert pending() == []

# Another authority waits for the window, and is called off.
answer = choose(SECOND)
assert answer["PendingModifiedValues"]["CACertificateIdentifier"] == SECOND
(waits,) = pending(ResourceIdentifier=ARN)
assert waits["Action"] == "ca-certificate-rotation" and SECOND in waits["Description"]
assert waits["OptInStatus"] == "next-maintenance"
opens = waits["CurrentApplyDate"]
assert opens == waits["AutoAppliedAfterDate"] and (opens.hour, opens.minute) == (4, 0), waits
assert opens.strftime("%a").lower() == day
assert pending(Filters=[{"Name": "db-instance-id", "Values": ["db"]}]) == [waits]
assert pending(Filters=[{"Name": "db-instance-id", "Values": ["other"]}]) == []
assert apply("ca-certificate-rotation", "next-maintenance") == [waits]
assert apply("ca-certificate-rotation", "undo-opt-in") == [] == pending()
assert instance()["PendingModifiedValues"] == {} and authority() == FIRST

# At once, without a word of what else waits.
choose(SECOND)
assert apply("ca-certificate-rotation", "immediate") == []
wait_authority(SECOND)

# At the next restart, whatever ApplyImmediately says.
answer = choose(THIRD, CertificateRotationRestart=False, ApplyImmediately=True)
assert answer["DBInstanceStatus"] == "available" and authority() == SECOND
(waits,) = pending()
assert "CurrentApplyDate" not in waits and "OptInStatus" not in waits, waits
# What is applied meanwhile leaves it waiting.
rds.modify_db_instance(
    DBInstanceIdentifier="db", AllocatedStorage=30, ApplyImmediately=True)
available.wait(DBInstanceIdentifier="db", WaiterConfig=QUICK)
assert instance()["AllocatedStorage"] == 30 and pending() == [waits] and authority() == SECOND
rds.reboot_db_instance(DBInstanceIdentifier="db")
wait_authority(THIRD)
assert pending() == []
choose(FIRST, CertificateRotationRestart=False)
rds.stop_db_instance(DBInstanceIdentifier="db")
while instance()["DBInstanceStatus"] != "stopped":
    pass
rds.start_db_instance(DBInstanceIdentifier="db")
wait_authority(FIRST)

# A new certificate by the same authority, without waiting for half of the life of this one.
before = issued()
assert apply("server-certificate-rotation", "next-maintenance") == []
assert apply("server-certificate-rotation", "immediate") == []
while issued() == before:
    pass
wait_authority(FIRST)
assert issued() == before + 1

unknown = ARN.replace(":db:db", ":db:other")
refused(404, "ResourceNotFoundFault", "…other…", rds.apply_pending_maintenance_action,
        ResourceIdentifier=unknown, ApplyAction="ca-certificate-rotation", OptInType="immediate")
refused(404, "ResourceNotFoundFault", "…other…", rds.describe_pending_maintenance_actions,
        ResourceIdentifier=unknown)
for action in ("ca-certificate-rotation", "system-update"):
    refused(400, "InvalidParameterCombination", f"…{action}…",
            rds.apply_pending_maintenance_action,
            ResourceIdentifier=ARN, ApplyAction=action, OptInType="immediate")
refused(400, "InvalidParameterValue", "…later…", rds.apply_pending_maintenance_action,
        ResourceIdentifier=ARN, ApplyAction="server-certificate-rotation", OptInType="later")
refused(400, "InvalidParameterValue", "…filter…", rds.describe_pending_maintenance_actions,
        Filters=[{"Name": "engine", "Values": ["postgres"]}])

rds.delete_db_instance(DBInstanceIdentifier="db", SkipFinalSnapshot=True)
rds.get_waiter("db_instance_deleted").wait(DBInstanceIdentifier="db", WaiterConfig=QUICK)
assert pending() == []
