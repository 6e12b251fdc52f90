"""Asks the Prometheus of its argument every question of the Grafana dashboard that it reads. Each
must have an answer, and the answer each label that the panel shows or groups by."""

import json
import re
import sys
from urllib.parse import urlencode
from urllib.request import urlopen

(PROMETHEUS,) = sys.argv[1:]
# What Grafana puts in; the range holds some scrapes of the test's Prometheus.
VARIABLES = {"$__rate_interval": "1m", "$instance": ".+", "${datasource}": "prometheus"}


def ask(path, **parameters):
    with urlopen(f"{PROMETHEUS}/api/v1/{path}?{urlencode(parameters)}") as answer:
        answer = json.load(answer)
    assert answer["status"] == "success", answer
    return answer["data"]


def fill(text):
    for name, value in VARIABLES.items():
        text = text.replace(name, value)
    assert "$" not in text, f"a variable without a value: {text}"
    return text


def check(title, target):
    expression = fill(target["expr"])
    samples = ask("query", query=expression)["result"]
    assert samples, f"{title}: no data: {expression}"
    shown = set(re.findall(r"{{\s*(\w+)\s*}}", target.get("legendFormat", "")))
    for labels in re.findall(r"\bby\s*\(([^)]*)\)", expression):
        shown |= {label.strip() for label in labels.split(",")} - {"le"}
    for sample in samples:
        missing = shown - sample["metric"].keys()
        assert not missing, f"{title}: no label {missing} in {sample}"
    return set(re.findall(r"\bpgkeep_\w+", expression))


dashboard = json.load(sys.stdin)
(target,) = ask("targets")["activeTargets"]
assert target["health"] == "up" and not target["lastError"], target

used = set()
for panel in dashboard["panels"]:
    assert panel["datasource"]["uid"] == "${datasource}", panel["title"]
    for target in panel["targets"]:
        used |= check(panel["title"], target)
for variable in dashboard["templating"]["list"]:
    if variable["type"] == "query":
        metric, label = re.fullmatch(r"label_values\((\w+), (\w+)\)", variable["query"]).groups()
        assert ask(f"label/{label}/values", **{"match[]": metric}), variable["query"]

# Every metric is on some panel; those of a histogram by one of its series.
families = {name for name in ask("metadata") if name.startswith("pgkeep_")}
unused = {name for name in families if not any(one.startswith(name) for one in used)}
assert not unused, f"on no panel: {unused}"
print(f"{len(dashboard['panels'])} panels, {len(families)} metrics")
