"""What must hold for rules and dashboards: every check yields one sentence a problem."""

import re

import promql

# What the scrape job in deploy/monitoring/prometheus.yaml puts on every series.
TARGET_LABELS = {"job", "instance", "namespace", "service", "pod"}
SEVERITIES = {"critical", "warning"}
ANNOTATIONS = ("summary", "description", "runbook_url")
PROVIDED_VARIABLES = {"__rate_interval", "__all"}


def rules_of(rule_files):
    groups = [group for content in rule_files for group in content["groups"]]
    return [rule for group in groups for rule in group["rules"]]


def query_problems(query, series, recorded=frozenset()):
    """Metrics and labels that do not exist. `series` maps names to labels; `recorded` are rules."""
    selected = promql.selectors(query)
    if not selected:
        yield f"selects no metric: {query}"
    known = set(TARGET_LABELS)
    for name, matched in selected:
        if name in recorded:
            continue
        if name not in series:
            yield f"no such metric: {name}"
            continue
        known |= set(series[name])
        for label in sorted(matched - TARGET_LABELS - set(series[name])):
            yield f"{name} has no label {label}"
    if not recorded & {name for name, _ in selected}:
        for label in sorted(promql.grouping_labels(query) - known):
            yield f"no metric of this query has the label {label}: {query}"


def alert_problems(alert, runbooks):
    """`runbooks` are the names of the pages that exist."""
    name = alert["alert"]
    if not alert.get("for"):
        yield f"{name} fires at once: it has no for"
    if alert.get("labels", {}).get("severity") not in SEVERITIES:
        yield f"{name} has no severity of {sorted(SEVERITIES)}"
    for annotation in ANNOTATIONS:
        if not alert.get("annotations", {}).get(annotation):
            yield f"{name} has no {annotation}"
    if alert.get("annotations", {}).get("runbook_url") != f"docs/runbooks/{name}.md":
        yield f"{name} links another page than docs/runbooks/{name}.md"
    if name not in runbooks:
        yield f"docs/runbooks/{name}.md is not there"


def alert_test_problems(alert, tests):
    """`tests` is the parsed promtool file: it must hold a firing and a quiet case of the alert."""
    cases = [case for test in tests["tests"] for case in test.get("alert_rule_test", [])
             if case["alertname"] == alert]
    if not any(case["exp_alerts"] for case in cases):
        yield f"{alert}: no case fires"
    quiet = [test["name"] for test in tests["tests"] if test.get("alert_rule_test") and
             not any(case["exp_alerts"] for case in test["alert_rule_test"])]
    if not quiet:
        yield f"{alert}: no case stays quiet throughout"


def queries_of(dashboard):
    """[(panel title, query)] of a dashboard's panels."""
    return [(panel["title"], target["expr"])
            for panel in dashboard["panels"] for target in panel.get("targets", [])]


def dashboard_problems(dashboard):
    """The dashboard's structure; its queries are for query_problems."""
    variables = {variable["name"] for variable in dashboard["templating"]["list"]}
    ids, taken = set(), {}
    for panel in dashboard["panels"]:
        title = panel.get("title")
        if panel["id"] in ids:
            yield f"panel id {panel['id']} is there twice"
        ids.add(panel["id"])
        grid = panel["gridPos"]
        for x in range(grid["x"], grid["x"] + grid["w"]):
            for y in range(grid["y"], grid["y"] + grid["h"]):
                if x >= 24:
                    yield f"{title} reaches over the edge"
                    break
                if taken.setdefault((x, y), title) != title:
                    yield f"{title} lies on {taken[x, y]}"
                    break
        if panel["type"] == "row":
            continue
        if not title or not panel.get("description"):
            yield f"panel {panel['id']} has no title or no description"
        if not panel.get("targets"):
            yield f"{title} asks for nothing"
        if not panel.get("fieldConfig", {}).get("defaults", {}).get("unit"):
            yield f"{title} has no unit"
        for target in panel.get("targets", []):
            if target.get("datasource", {}).get("uid") != "${datasource}":
                yield f"{title} does not use the data source variable"
            for name in re.findall(r"\$\{?(\w+)", target["expr"]):
                if name not in variables | PROVIDED_VARIABLES:
                    yield f"{title} uses the variable {name}, which is not there"


def with_values(query, rate_interval="5m"):
    """A panel's query with its variables replaced as for "all", so that Prometheus can read it."""
    query = query.replace("$__rate_interval", rate_interval)
    return re.sub(r'=~"\$\{?\w+\}?"', '=~".+"', query)
