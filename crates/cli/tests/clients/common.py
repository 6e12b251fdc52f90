"""What the programs for boto3 share: a client that reaches nothing but this machine, and a check
of what is refused."""

import os
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

PASSWORD = "correct-horse=battery'staple"
# The service is polled every 30 s; here everything takes seconds.
QUICK = {"Delay": 1, "MaxAttempts": 300}


def client(config=None, **settings):
    """An RDS client as the environment describes it, without retries that would hide refusals."""
    config = Config(retries={"total_max_attempts": 1}, **(config or {}))
    rds = boto3.client("rds", config=config, **settings)
    assert urlsplit(rds.meta.endpoint_url).hostname == "127.0.0.1", rds.meta.endpoint_url
    assert rds.meta.endpoint_url == os.environ["AWS_ENDPOINT_URL_RDS"]
    return rds


def creation(identifier, **changes):
    """The parameters of an instance that can be created, but for the changes; `None` leaves one
    out."""
    parameters = {
        "DBInstanceIdentifier": identifier,
        "DBInstanceClass": "db.t3.micro",
        "Engine": "postgres",
        "EngineVersion": "16",
        "AllocatedStorage": 20,
        "MasterUsername": "master",
        "MasterUserPassword": PASSWORD,
    }
    parameters.update(changes)
    return {name: value for name, value in parameters.items() if value is not None}


def refused(status, code, message, call, **parameters):
    """Holds that a call is refused with a status, a code and a message; `…` at an end of the
    message stands for anything."""
    try:
        answer = call(**parameters)
    except ClientError as error:
        response = error.response
    else:
        raise AssertionError(f"accepted instead of {code}: {parameters}: {answer}")
    found = (response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"])
    said = response["Error"]["Message"]
    words = message.strip("…")
    fits = (
        words in said
        and (message.startswith("…") or said.startswith(words))
        and (message.endswith("…") or said.endswith(words))
    )
    assert found == (status, code) and fits, f"{found} {said!r} instead of {code} {message!r}"
    assert response["ResponseMetadata"]["RequestId"], "every answer has a request id"
