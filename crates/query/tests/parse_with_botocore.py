"""Parses rendered documents as a client of botocore does: JSON in, JSON out, no network."""

import json
import sys

import botocore.parsers
import botocore.session


def main():
    service = botocore.session.Session().get_service_model("rds")
    parser = botocore.parsers.create_parser(service.metadata["protocol"])
    answers = []
    for document in json.load(sys.stdin):
        shape = service.operation_model(document["operation"]).output_shape
        body = document["xml"].encode()
        response = {"status_code": document["status"], "headers": {}, "body": body}
        answers.append(parser.parse(response, shape))
    json.dump(answers, sys.stdout, default=lambda moment: moment.isoformat())


main()
