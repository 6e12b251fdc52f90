"""Holds JSON documents, an array on the input, against a schema; says what does not hold."""

import json
import sys

from jsonschema import Draft202012Validator

with open(sys.argv[1], encoding="utf-8") as file:
    schema = json.load(file)
Draft202012Validator.check_schema(schema)
validator = Draft202012Validator(schema)
for place, document in enumerate(json.load(sys.stdin)):
    for error in validator.iter_errors(document):
        print(f"{place}: {error.json_path}: {error.message}")
