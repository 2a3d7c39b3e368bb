"""Rules and dashboards ask for metrics that exist; alerts are complete; the checks work."""

import copy
import json
import re
import unittest

import metrics_catalogue
import monitoring_checks as checks
import promql
import tree
import yaml

METRICS = metrics_catalogue.load(tree.ROOT)
SERIES = metrics_catalogue.series_of({**METRICS, **metrics_catalogue.BY_PROMETHEUS})
RULES = checks.rules_of([yaml.safe_load(path.read_text()) for path in tree.RULE_FILES])
RECORDED = {rule["record"] for rule in RULES if "record" in rule}
ALERTS = [rule for rule in RULES if "alert" in rule]
DASHBOARDS = [
    json.loads(path.read_text()) for path in sorted((tree.MONITORING / "dashboards").glob("*.json"))
]


class Rules(unittest.TestCase):

    def test_queries_ask_for_what_exists(self):
        self.assertTrue(RULES)
        for rule in RULES:
            found = list(checks.query_problems(rule["expr"], SERIES, RECORDED))
            self.assertEqual(found, [], rule)

    def test_recorded_series_are_used(self):
        queries = [query for dashboard in DASHBOARDS for _, query in checks.queries_of(dashboard)]
        queries += [rule["expr"] for rule in RULES]
        used = {name for query in queries for name, _ in promql.selectors(query)}
        self.assertEqual(RECORDED - used, set())

    def test_alerts_are_complete_and_tested(self):
        self.assertTrue(ALERTS)
        runbooks = {path.stem for path in (tree.ROOT / "docs/runbooks").glob("*.md")}
        self.assertEqual(runbooks, {alert["alert"] for alert in ALERTS})
        for alert in ALERTS:
            name = alert["alert"]
            self.assertEqual(list(checks.alert_problems(alert, runbooks)), [])
            test = tree.ROOT / f"tests/deploy/alerts/{name}_test.yaml"
            found = list(checks.alert_test_problems(name, yaml.safe_load(test.read_text())))
            self.assertEqual(found, [])


class Dashboards(unittest.TestCase):

    def test_all_are_there(self):
        self.assertEqual([d["uid"] for d in DASHBOARDS],
                         ["weft-dependencies", "weft-fleet", "weft-overload", "weft-runtime",
                          "weft-service"])

    def test_runbooks_name_panels_and_dashboards_that_exist(self):
        panels = [panel["title"] for dashboard in DASHBOARDS for panel in dashboard["panels"]]
        titles = {dashboard["title"] for dashboard in DASHBOARDS}
        for path in sorted((tree.ROOT / "docs/runbooks").glob("*.md")):
            text = path.read_text()
            for name in re.findall(r"(?<!\*)\*([A-Z][^*]+)\*(?!\*)", text):
                found = any(title == name or title.startswith(name + ",") for title in panels)
                self.assertTrue(found, f"{path.name}: no panel {name}")
            self.assertLessEqual(set(re.findall(r'"(Weft \w+)"', text)), titles, path.name)

    def test_descriptions_name_alerts_that_exist(self):
        names = {alert["alert"] for alert in ALERTS}
        for dashboard in DASHBOARDS:
            for panel in dashboard["panels"]:
                named = set(re.findall(r"\bWeft[A-Z]\w+", panel.get("description", "")))
                self.assertLessEqual(named, names, panel["title"])

    def test_structure(self):
        for dashboard in DASHBOARDS:
            self.assertEqual(list(checks.dashboard_problems(dashboard)), [])
            variables = [variable["name"] for variable in dashboard["templating"]["list"]]
            self.assertEqual(variables[:6],
                             ["datasource", "logs", "traces", "namespace", "service", "pod"])
            self.assertIn(variables[6:], ([], ["method"]))

    def test_queries_ask_for_what_exists(self):
        for dashboard in DASHBOARDS:
            queries = checks.queries_of(dashboard)
            self.assertTrue(queries)
            for title, query in queries:
                found = list(checks.query_problems(checks.with_values(query), SERIES, RECORDED))
                self.assertEqual(found, [], title)

    def test_variables_ask_for_what_exists(self):
        for dashboard in DASHBOARDS:
            for variable in dashboard["templating"]["list"]:
                if variable["type"] == "query":
                    query = variable["query"]["query"]
                    asked = re.match(r"label_values\((\w+)(?:\{[^}]*\})?, (\w+)\)$", query)
                    self.assertTrue(asked, query)
                    self.assertIn(asked[2], checks.TARGET_LABELS | set(METRICS[asked[1]].labels))

    def test_every_metric_is_shown(self):
        # Production builds look for no blocking calls. Calls in flight are shown by method, from
        # the metrics of calls.
        elsewhere = {"weft_blocking_calls_found_total", "weft_calls_in_flight"}
        shown = {name for dashboard in DASHBOARDS for _, query in checks.queries_of(dashboard)
                 for name, _ in promql.selectors(checks.with_values(query))}
        for name, metric in METRICS.items():
            names = metrics_catalogue.series_of({name: metric})
            self.assertEqual(bool(shown & set(names)), name not in elsewhere, name)


class Catalogue(unittest.TestCase):

    def test_reads_the_table_of_the_page(self):
        page = "\n".join([
            "# Metrics", "| a | b |", "| - | - |", "| 1 | 2 |", "",
            "| name | type | labels | help |", "| --- | :-- | --- | --- |",
            "| `a_total` | counter | `shard`, `state` | Some. |",
            "| b_seconds | histogram | – | Some. |",
        ])
        self.assertEqual(metrics_catalogue.parse(page), {
            "a_total": metrics_catalogue.Metric("counter", ("shard", "state")),
            "b_seconds": metrics_catalogue.Metric("histogram", ()),
        })

    def test_refuses_a_page_without_it(self):
        for page in ("", "| name | type |\n| - | - |\n| a | counter |"):
            with self.assertRaises(ValueError):
                metrics_catalogue.parse(page)

    def test_a_histogram_is_three_series(self):
        histogram = {"a": metrics_catalogue.Metric("histogram", ("x",))}
        self.assertEqual(metrics_catalogue.series_of(histogram),
                         {"a_bucket": ("x", "le"), "a_sum": ("x",), "a_count": ("x",)})


class Checks(unittest.TestCase):
    """The checks themselves: what is wrong is caught."""

    def problems(self, query):
        return list(checks.query_problems(query, {"a_total": ("shard",), "up": ()}, {"x:y"}))

    def test_a_sound_query_passes(self):
        query = 'sum by (pod, shard) (rate(a_total{job="w",shard!="(b{c"}[5m] offset 1h)) > 1.5e3'
        self.assertEqual(self.problems(query), [])
        self.assertEqual(self.problems("x:y unless on (anything) up == bool 0"), [])

    def test_an_unknown_metric_is_caught(self):
        self.assertEqual(self.problems("rate(b_total[5m])"), ["no such metric: b_total"])
        self.assertEqual(self.problems("a_total / z:y"), ["no such metric: z:y"])

    def test_an_unknown_label_is_caught(self):
        self.assertEqual(self.problems('a_total{state=~"x"}'), ["a_total has no label state"])
        self.assertRegex(self.problems("sum by (state) (a_total)")[0], "has the label state")

    def test_a_query_without_a_metric_is_caught(self):
        self.assertRegex(self.problems("vector(1)")[0], "selects no metric")

    def test_operands_are_the_sides_of_comparisons_and_joins(self):
        for query, operands in (
                ("a_total", ["a_total"]),
                ('sum(a{b=">or<"} > 1) / c', ['sum(a{b=">or<"} > 1) / c']),
                ("(a > bool 1) unless on (x, y) group_left (z) (b offset 1h)",
                 ["a", "1", "b offset 1h"]),
                ("(a) / (b) > 2 and (c >= (d == e))", ["(a) / (b)", "2", "c", "d", "e"]),
                ("order and random", ["order", "random"])):
            self.assertEqual(promql.operands(query), operands)

    def test_selector_texts_are_those_of_the_query(self):
        query = 'sum by (x) (rate(a{b="c(d"}[5m])) / on (x) (e offset 1h) or vector(0)'
        self.assertEqual(promql.selector_texts(query), ['a{b="c(d"}', "e"])

    def test_an_incomplete_alert_is_caught(self):
        name = ALERTS[0]["alert"]
        for edit, words in ((lambda a: a.pop("for"), "no for"),
                            (lambda a: a["labels"].update(severity="page"), "no severity"),
                            (lambda a: a["annotations"].pop("summary"), "no summary"),
                            (lambda a: a["annotations"].update(runbook_url="x"), "another page")):
            alert = copy.deepcopy(ALERTS[0])
            edit(alert)
            self.assertRegex(" ".join(checks.alert_problems(alert, {name})), words)
        self.assertRegex(" ".join(checks.alert_problems(ALERTS[0], set())), "is not there")

    def test_an_alert_test_of_one_kind_is_caught(self):
        fires = {"name": "f", "alert_rule_test": [{"alertname": "A", "exp_alerts": [{}]}]}
        quiet = {"name": "q", "alert_rule_test": [{"alertname": "A", "exp_alerts": []}]}
        for tests, found in (([fires], ["A: no case stays quiet throughout"]),
                             ([quiet], ["A: no case fires"]), ([fires, quiet], [])):
            self.assertEqual(list(checks.alert_test_problems("A", {"tests": tests})), found)

    def test_a_broken_dashboard_is_caught(self):
        for edit, words in ((lambda p: p[1].update(id=p[2]["id"]), "is there twice"),
                            (lambda p: p[1]["gridPos"].update(x=20), "over the edge"),
                            (lambda p: p[1].update(gridPos=p[2]["gridPos"]), "lies on"),
                            (lambda p: p[1].pop("description"), "no description"),
                            (lambda p: p[1].update(targets=[]), "asks for nothing"),
                            (lambda p: p[1]["fieldConfig"]["defaults"].pop("unit"), "no unit"),
                            (lambda p: p[1]["targets"][0]["datasource"].update(uid="x"), "source"),
                            (lambda p: p[1]["targets"][0].update(expr="up{x='$shard'}"), "shard")):
            dashboard = copy.deepcopy(DASHBOARDS[0])
            edit(dashboard["panels"])
            self.assertRegex(" ".join(checks.dashboard_problems(dashboard)), words)


if __name__ == "__main__":
    unittest.main()
