"""Says what a CI system reads in a JUnit XML file: the counts, and the state of each test case."""

import sys
import xml.etree.ElementTree as ElementTree

root = ElementTree.parse(sys.argv[1]).getroot()
for suite in [root, *root.findall("testsuite")]:
    print(*(suite.get(name) for name in ("tests", "failures", "errors", "skipped")))
for case in root.iter("testcase"):
    states = [child.tag for child in case if child.tag in ("failure", "skipped")] or ["passed"]
    print(case.get("name"), *states)
