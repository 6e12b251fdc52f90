#!/usr/bin/env python3
"""Makes db_instance_classes.tsv: the DB instance classes of RDS for PostgreSQL.

Sources, both public packages of PyPI:
- cfn-lint (MIT-0): which classes the service offers for the engine postgres, in any region.
- moto (Apache-2.0): vCPUs and memory of the EC2 instance type behind each class.

Run: python3 -m venv v && v/bin/pip install cfn-lint moto && v/bin/python make_classes.py
The table is checked in: a build needs neither Python nor a network. Last made with
cfn-lint 1.58.0 and moto 5.2.5. The output depends on the versions only, so a diff shows what
the service added.
"""

import gzip
import importlib.util
import json
import pathlib

# db.x2g runs on the EC2 type x2gd: the same processors and memory, there with local disks.
EC2_FAMILY = {"x2g": "x2gd"}


def package(name):
    return pathlib.Path(importlib.util.find_spec(name).origin).parent


def offered_classes():
    path = "data/schemas/extensions/aws_rds_dbinstance/dbinstanceclass_enum.json"
    regions = json.loads((package("cfnlint") / path).read_text())
    return {
        name
        for region in regions.values()
        for rule in region.get("allOf", [])
        if rule["if"]["properties"].get("Engine", {}).get("const") == "postgres"
        for name in rule["then"]["properties"]["DBInstanceClass"]["enum"]
    }


def main():
    types = json.loads(
        gzip.decompress((package("moto") / "ec2/resources/instance_types.json.gz").read_bytes())
    )
    lines = ["# class\tvCPU\tMiB; made by make_classes.py, do not edit"]
    for name in sorted(offered_classes()):
        _, family, size = name.split(".")
        ec2 = types[f"{EC2_FAMILY.get(family, family)}.{size}"]
        vcpu, memory = ec2["VCpuInfo"]["DefaultVCpus"], ec2["MemoryInfo"]["SizeInMiB"]
        lines.append(f"{name}\t{vcpu}\t{memory}")
    output = pathlib.Path(__file__).with_name("db_instance_classes.tsv")
    output.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
