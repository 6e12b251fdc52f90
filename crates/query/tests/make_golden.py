"""Makes data/signed_requests.json with botocore 1.44.5: `python3 make_golden.py OPERATION...`,
the operations being those of IMPLEMENTED. Nothing goes over the network.

Each request is what a client of botocore would send at NOW. For every operation there is one
request `full` that sets each member of its input, so that a wrong or missing wire name shows.
"""

import datetime
import json
import pathlib
import sys

import botocore.auth
import botocore.awsrequest
import botocore.config
import botocore.session

NOW = datetime.datetime(2026, 11, 24, 12, 0, 0, tzinfo=datetime.timezone.utc)
ACCESS_KEY, SECRET = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"

SPECIAL = [
    ("minimal", "DescribeDBInstances", {}),
    ("escapes", "AddTagsToResource", {
        "ResourceName": "arn:aws:rds:us-east-1:123456789012:db:a",
        "Tags": [
            {"Key": "a b+c&d=e", "Value": "100 % — ß 漢 \U0001f512\r\n\t~"},
            {"Key": "empty", "Value": ""},
        ],
    }),
    ("empty_list", "ModifyDBInstance", {
        "DBInstanceIdentifier": "a", "VpcSecurityGroupIds": [], "ApplyImmediately": False,
    }),
    ("many_items", "RemoveTagsFromResource", {
        "ResourceName": "r", "TagKeys": [f"k{n}" for n in range(1, 13)],
    }),
    ("filters", "DescribeDBInstances", {
        "Filters": [
            {"Name": "dbi-resource-id", "Values": ["db-A", "db-B"]},
            {"Name": "engine", "Values": []},
        ],
    }),
]


def sample(shape, name):
    """A value of the shape: texts are the member's name, numbers 7, flags true, lists two items."""
    kind = shape.type_name
    if kind == "structure":
        return {member: sample(of, member) for member, of in shape.members.items()}
    if kind == "list":
        return [sample(shape.member, name), sample(shape.member, name)]
    return {"string": name, "integer": 7, "long": 7, "boolean": True, "timestamp": NOW}[kind]


def capture(session, operation, params, token=None):
    client = session.create_client(
        "rds", region_name="us-east-1", endpoint_url="http://rds.localhost:7432",
        aws_access_key_id=ACCESS_KEY, aws_secret_access_key=SECRET, aws_session_token=token,
        config=botocore.config.Config(parameter_validation=False, user_agent="golden"),
    )
    sent = []

    def before_send(request, **_):
        sent.append(request)
        return botocore.awsrequest.AWSResponse(request.url, 200, {}, Raw(operation))

    client.meta.events.register("before-send.rds.*", before_send)
    client._make_api_call(operation, params)
    request = sent[0]
    headers = [[k, v.decode() if isinstance(v, bytes) else v] for k, v in request.headers.items()]
    headers.append(["Host", "rds.localhost:7432"])
    body = request.body or b""
    return {
        "method": request.method, "path": "/", "query": "", "headers": headers,
        "body": body.decode() if isinstance(body, bytes) else body,
    }


class Raw:
    """An empty answer, so that the client is content."""

    def __init__(self, operation):
        self.operation = operation

    def stream(self, **_):
        yield f"<R><{self.operation}Result/><ResponseMetadata/></R>".encode()


def presign(session):
    url = "http://rds.localhost:7432/?Action=DescribeEvents&Version=2014-10-31&Marker=a%20b%2Fc%2Bd"
    request = botocore.awsrequest.AWSRequest("GET", url)
    credentials = botocore.credentials.Credentials(ACCESS_KEY, SECRET)
    botocore.auth.SigV4QueryAuth(credentials, "rds", "us-east-1", expires=3600).add_auth(request)
    query = request.url.partition("?")[2]
    return {"method": "GET", "path": "/", "query": query,
            "headers": [["Host", "rds.localhost:7432"]], "body": ""}


def main():
    botocore.auth.get_current_datetime = lambda *_, **__: NOW
    session = botocore.session.Session()
    model = session.get_service_model("rds")
    golden = []
    for operation in sys.argv[1:]:
        params = sample(model.operation_model(operation).input_shape, operation)
        request = capture(session, operation, params)
        golden.append({"name": "full", "operation": operation, **request})
    for name, operation, params in SPECIAL:
        golden.append({"name": name, "operation": operation, **capture(session, operation, params)})
    with_token = capture(session, "DescribeDBInstances", {}, token="token/of+a=session")
    golden.append({"name": "token", "operation": "DescribeDBInstances", **with_token})
    golden.append({"name": "presigned", "operation": "DescribeEvents", **presign(session)})
    for request in golden:
        dropped = {"user-agent", "amz-sdk-invocation-id", "amz-sdk-request", "content-length"}
        request["headers"] = [h for h in request["headers"] if h[0].lower() not in dropped]
    path = pathlib.Path(__file__).parent / "data" / "signed_requests.json"
    path.write_text(json.dumps(golden, indent=1, ensure_ascii=False) + "\n")


main()
