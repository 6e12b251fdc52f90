"""What the API refuses: the status, the code and the words of each case.

The words are the service's own where they are publicly known.
"""

import datetime
import http.client
import os
import re
from unittest import mock
from urllib.parse import urlencode, urlsplit

import botocore.auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from common import QUICK, client, creation, refused

VALUE, COMBINATION = (400, "InvalidParameterValue"), (400, "InvalidParameterCombination")
STATE = (400, "InvalidDBInstanceState")
NO_INSTANCE = (404, "DBInstanceNotFound", "DBInstance absent not found.")
NOT_AN_IDENTIFIER = (
    "The parameter {} is not a valid identifier. Identifiers must begin with a letter; must "
    "contain only ASCII letters, digits, and hyphens; and must not end with a hyphen or contain "
    "two consecutive hyphens."
)
NOT_A_PASSWORD = (
    "The parameter MasterUserPassword is not a valid password. Only printable ASCII characters "
    "besides '/', '@', '\"', ' ' may be used."
)
NOT_A_LENGTH = (
    "The parameter MasterUserPassword is not a valid password because it is {} characters."
)
RESERVED = "MasterUsername {} cannot be used as it is a reserved word used by the engine"
NOT_A_NAME = "DBName must begin with a letter and contain only alphanumeric characters."

# Each an instance that would be created but for one change.
CREATIONS = [
    (*VALUE, NOT_AN_IDENTIFIER.format("DBInstanceIdentifier"), {"DBInstanceIdentifier": "1db"}),
    (*VALUE, NOT_AN_IDENTIFIER.format("DBInstanceIdentifier"), {"DBInstanceIdentifier": "db-"}),
    (*VALUE, NOT_AN_IDENTIFIER.format("DBInstanceIdentifier"), {"DBInstanceIdentifier": "d--b"}),
    (*VALUE, "The parameter DBInstanceIdentifier is not a valid identifier…",
     {"DBInstanceIdentifier": "d" * 64}),
    (400, "DBInstanceAlreadyExists", "DB instance already exists",
     {"DBInstanceIdentifier": "Taken"}),
    (*VALUE, RESERVED.format("admin"), {"MasterUsername": "admin"}),
    (*VALUE, RESERVED.format("rdsadmin"), {"MasterUsername": "rdsadmin"}),
    (*VALUE, "MasterUsername pg_dba cannot be used because role names starting with \"pg_\" are "
     "reserved by the PostgreSQL engine", {"MasterUsername": "pg_dba"}),
    (*VALUE, "MasterUsername must begin with a letter…", {"MasterUsername": "1master"}),
    (*VALUE, NOT_A_PASSWORD, {"MasterUserPassword": "with space"}),
    (*VALUE, NOT_A_PASSWORD, {"MasterUserPassword": "with/slash"}),
    (*VALUE, NOT_A_PASSWORD, {"MasterUserPassword": "with@sign"}),
    (*VALUE, NOT_A_PASSWORD, {"MasterUserPassword": 'with"quote'}),
    (*VALUE, NOT_A_LENGTH.format("shorter than 8"), {"MasterUserPassword": "shorter"}),
    (*VALUE, NOT_A_LENGTH.format("longer than 128"), {"MasterUserPassword": "x" * 129}),
    (*VALUE, NOT_A_NAME, {"DBName": "1db"}),
    (*VALUE, NOT_A_NAME, {"DBName": "my-db"}),
    (*COMBINATION, "Cannot find version 9.6 for postgres", {"EngineVersion": "9.6"}),
    (*COMBINATION, "Cannot find version 16.999 for postgres", {"EngineVersion": "16.999"}),
    (*VALUE, "Invalid DB engine: mysql", {"Engine": "mysql"}),
    (*VALUE, "Invalid DB Instance class: db.t9.enormous", {"DBInstanceClass": "db.t9.enormous"}),
    (*VALUE, "…1149…", {"Port": 1149}),
    (*VALUE, "…65536…", {"Port": 65536}),
    (*VALUE, "Invalid backup retention period: 36. Retention period must be between 0 and 35.",
     {"BackupRetentionPeriod": 36}),
    (*VALUE, "…license-included…", {"LicenseModel": "license-included"}),
    (404, "CertificateNotFound", "…rds-ca-2019…", {"CACertificateIdentifier": "rds-ca-2019"}),
    (404, "DBParameterGroupNotFound", "DBParameterGroup not found: absent",
     {"DBParameterGroupName": "absent"}),
    (400, "MissingParameter", "…MasterUsername…", {"MasterUsername": None}),
    (400, "MissingParameter", "…MasterUserPassword…", {"MasterUserPassword": None}),
    (400, "MissingParameter", "…Engine…", {"Engine": None}),
]

# Each a call about the available instance `taken`, or about one that is not there.
CALLS = [
    (*NO_INSTANCE, "describe_db_instances", {"DBInstanceIdentifier": "absent"}),
    (*NO_INSTANCE, "modify_db_instance", {"DBInstanceIdentifier": "absent", "DBPortNumber": 5433}),
    (*NO_INSTANCE, "delete_db_instance",
     {"DBInstanceIdentifier": "absent", "SkipFinalSnapshot": True}),
    (*NO_INSTANCE, "reboot_db_instance", {"DBInstanceIdentifier": "absent"}),
    (*NO_INSTANCE, "stop_db_instance", {"DBInstanceIdentifier": "absent"}),
    (*NO_INSTANCE, "start_db_instance", {"DBInstanceIdentifier": "absent"}),
    (*NO_INSTANCE, "describe_db_log_files", {"DBInstanceIdentifier": "absent"}),
    (*COMBINATION, "No modifications were requested", "modify_db_instance",
     {"DBInstanceIdentifier": "taken"}),
    (*COMBINATION, "Cannot upgrade postgres from {version} to 15", "modify_db_instance",
     {"DBInstanceIdentifier": "taken", "EngineVersion": "15"}),
    (*VALUE, NOT_AN_IDENTIFIER.format("NewDBInstanceIdentifier"), "modify_db_instance",
     {"DBInstanceIdentifier": "taken", "NewDBInstanceIdentifier": "1db"}),
    (*VALUE, NOT_A_PASSWORD, "modify_db_instance",
     {"DBInstanceIdentifier": "taken", "MasterUserPassword": "with space"}),
    (*VALUE, "…1149…", "modify_db_instance",
     {"DBInstanceIdentifier": "taken", "DBPortNumber": 1149}),
    (404, "CertificateNotFound", "…rds-ca-2019…", "modify_db_instance",
     {"DBInstanceIdentifier": "taken", "CACertificateIdentifier": "rds-ca-2019"}),
    (*COMBINATION, "CACertificateIdentifier is required to use the NoCertificateRotationRestart "
     "option.", "modify_db_instance",
     {"DBInstanceIdentifier": "taken", "CertificateRotationRestart": False}),
    (*COMBINATION, "FinalDBSnapshotIdentifier is required unless SkipFinalSnapshot is specified.",
     "delete_db_instance", {"DBInstanceIdentifier": "taken"}),
    (501, "NotImplemented", "…not deleted…", "delete_db_instance",
     {"DBInstanceIdentifier": "taken", "FinalDBSnapshotIdentifier": "last"}),
    (*STATE, "Instance taken is not stopped.", "start_db_instance",
     {"DBInstanceIdentifier": "taken"}),
    (*VALUE, "Invalid resource name: nonsense", "list_tags_for_resource",
     {"ResourceName": "nonsense"}),
    (*VALUE, "Unrecognized filter name: colour", "describe_db_instances",
     {"Filters": [{"Name": "colour", "Values": ["red"]}]}),
    (*VALUE, "…19…", "describe_db_instances", {"MaxRecords": 19}),
    (*VALUE, "…101…", "describe_db_instances", {"MaxRecords": 101}),
    (404, "CertificateNotFound", "…absent…", "describe_certificates",
     {"CertificateIdentifier": "absent"}),
    (*COMBINATION, "…SourceType…", "describe_events", {"SourceIdentifier": "taken"}),
    (501, "NotImplemented", "…CreateDBSnapshot…", "create_db_snapshot",
     {"DBInstanceIdentifier": "taken", "DBSnapshotIdentifier": "s"}),
]


def values_and_names(rds):
    rds.create_db_instance(**creation("taken"))
    for status, code, message, change in CREATIONS:
        parameters = creation("fine", **change)
        refused(status, code, message, rds.create_db_instance, **parameters)
    rds.get_waiter("db_instance_available").wait(
        DBInstanceIdentifier="taken", WaiterConfig=QUICK
    )
    [before] = rds.describe_db_instances()["DBInstances"]
    for status, code, message, operation, parameters in CALLS:
        message = message.format(version=before["EngineVersion"])
        refused(status, code, message, getattr(rds, operation), **parameters)
    rds.modify_db_instance(DBInstanceIdentifier="taken", DeletionProtection=True)
    refused(
        *COMBINATION,
        "Cannot delete protected DB Instance, please disable deletion protection and try again.",
        rds.delete_db_instance,
        DBInstanceIdentifier="taken",
        SkipFinalSnapshot=True,
    )
    [after] = rds.describe_db_instances()["DBInstances"]
    assert after == {**before, "DeletionProtection": True}, "what is refused changes nothing"


def states(rds):
    """While an instance is made, initdb runs for longer than these calls take."""
    name = {"DBInstanceIdentifier": "young"}
    rds.create_db_instance(**creation("young"))
    refused(*STATE, "Instance young is not in available state.", rds.stop_db_instance, **name)
    refused(
        *STATE,
        "Instance cannot currently reboot due to an in-progress management operation.",
        rds.reboot_db_instance,
        **name,
    )
    refused(*STATE, "…", rds.modify_db_instance, **name, DBPortNumber=5433)
    rds.delete_db_instance(**name, SkipFinalSnapshot=True)
    for call, more in [
        (rds.delete_db_instance, {"SkipFinalSnapshot": True}),
        (rds.modify_db_instance, {"DBPortNumber": 5433}),
        (rds.reboot_db_instance, {}),
    ]:
        refused(*STATE, "…is already being deleted…", call, **name, **more)
    rds.get_waiter("db_instance_deleted").wait(**name, WaiterConfig=QUICK)


def signatures(rds):
    secret = {"aws_secret_access_key": "x" * 40}
    wrong = client(aws_access_key_id=os.environ["AWS_ACCESS_KEY_ID"], **secret)
    refused(403, "SignatureDoesNotMatch", "The request signature we calculated does not match…",
            wrong.describe_db_instances)
    unknown = client(aws_access_key_id="AKIAUNKNOWN", **secret)
    refused(403, "InvalidClientTokenId",
            "The security token included in the request is invalid.",
            unknown.describe_db_instances)
    elsewhere = client(region_name="eu-west-1")
    refused(403, "SignatureDoesNotMatch", "Credential should be scoped to…",
            elsewhere.describe_db_instances)
    for minutes in (-16, 16):
        with signed_at(minutes):
            refused(400, "RequestExpired", "…", rds.describe_db_instances)
    for minutes in (-14, 14):
        with signed_at(minutes):
            rds.describe_db_instances()


def signed_at(minutes):
    """Makes botocore sign for a time so many minutes from now."""
    then = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=minutes)
    return mock.patch.object(botocore.auth, "get_current_datetime", lambda **_: then)


def plain_requests():
    """What no SDK sends."""
    listing = {"Action": "DescribeDBInstances", "Version": "2014-10-31"}
    assert send(listing)[0] == 200
    for status, code, form, headers in [
        (400, "InvalidAction", {**listing, "Action": "DescribeWeather"}, {}),
        (400, "InvalidAction", {**listing, "Version": "1999-01-01"}, {}),
        (400, "MissingAction", {"Version": "2014-10-31"}, {}),
        (403, "MissingAuthenticationToken", listing, {"Authorization": None}),
        (400, "IncompleteSignature", listing, {"Authorization": "AWS4-HMAC-SHA256 nonsense"}),
        (400, "InvalidParameterValue", {**listing, "MaxRecords": "many"}, {}),
    ]:
        found = send(form, headers)
        assert found[0] == status and f"<Code>{code}</Code>" in found[1], (code, found)
        assert re.search("<ErrorResponse xmlns=.*<Type>Sender</Type>", found[1], re.S), found


def send(form, changes=None):
    """Posts a signed form, with headers replaced, or left out, after it was signed."""
    url = os.environ["AWS_ENDPOINT_URL_RDS"]
    request = AWSRequest("POST", url + "/", data=urlencode(form))
    request.headers["Content-Type"] = "application/x-www-form-urlencoded"
    keys = Credentials(os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"])
    botocore.auth.SigV4Auth(keys, "rds", os.environ["AWS_REGION"]).add_auth(request)
    headers = {**dict(request.headers.items()), **(changes or {})}
    headers = {name: value for name, value in headers.items() if value is not None}
    connection = http.client.HTTPConnection(urlsplit(url).netloc)
    connection.request("POST", "/", request.data, headers)
    answer = connection.getresponse()
    assert answer.headers["Content-Type"].startswith("text/xml")
    return answer.status, answer.read().decode()


# The client's own checks would hide the server's.
unchecked = client(config={"parameter_validation": False})
values_and_names(unchecked)
states(unchecked)
signatures(unchecked)
plain_requests()
unchecked.modify_db_instance(DBInstanceIdentifier="taken", DeletionProtection=False)
unchecked.delete_db_instance(DBInstanceIdentifier="taken", SkipFinalSnapshot=True)
unchecked.get_waiter("db_instance_deleted").wait(
    DBInstanceIdentifier="taken", WaiterConfig=QUICK
)
