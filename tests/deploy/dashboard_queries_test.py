"""Every panel of every dashboard draws something once a service has all of its metrics.

Prometheus itself evaluates the panels' queries, against one made-up series of each kind that the
catalogue allows. A query that is wrong in syntax, in a label or in how it joins two metrics finds
nothing and fails here.
"""

import itertools
import json
import pathlib
import tempfile
import unittest

import metrics_catalogue
import monitoring_checks as checks
import tree
import yaml

METRICS = metrics_catalogue.load(tree.ROOT)
TARGET = {
    "job": "weft",
    "instance": "a:8080",
    "namespace": "weft",
    "service": "storefront",
    "pod": "a",
}
VALUES = {
    "grpc_method": ["storefront.v1.Storefront/GetOffer", "grpc.health.v1.Health/Check"],
    "grpc_status": ["OK", "UNAVAILABLE"],
    "grpc_target": ["dns:///catalog:50051"],
    "shard": ["0", "1"],
    "state": ["running", "ready", "parked", "idle"],
    "cause": ["computes", "no_cpu"],
    "pool": ["database"],
    "size": ["default", "small", "large"],
    "le": ["0.1", "0.25", "1", "+Inf"],  # with the thresholds of objectives
}


def made_up_series():
    """One rising series for each combination of label values."""
    series = []
    for name, labels in sorted(metrics_catalogue.series_of(
            {**METRICS, **metrics_catalogue.BY_PROMETHEUS}).items()):
        # A label of a metric's own gives way to the target's, as in a scrape.
        own = [label for label in labels if label not in TARGET]
        for values in itertools.product(*(VALUES.get(label, ["any"]) for label in own)):
            pairs = {**TARGET, **dict(zip(own, values))}
            text = ",".join(f'{label}="{value}"' for label, value in pairs.items())
            rise = {"0.1": 10, "0.25": 15, "1": 20}.get(pairs.get("le"), 30)
            series.append({"series": f"{name}{{{text}}}", "values": f"1+{rise}x30"})
    return series


def evaluate(queries):
    """Asks promtool whether each query finds at least one series; returns its code and output."""
    found = [{"expr": f"count({query}) > bool 0", "eval_time": "20m",
              "exp_samples": [{"labels": "{}", "value": 1}]} for query in queries]
    test = {"rule_files": [str(path) for path in tree.RULE_FILES],
            "evaluation_interval": "1m", "tests": [
        {"interval": "1m", "input_series": made_up_series(), "promql_expr_test": found}]}
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "queries.yaml")
        path.write_text(yaml.safe_dump(test))
        return tree.promtool("test", "rules", path)


class Queries(unittest.TestCase):

    def test_each_panel_finds_data(self):
        for path in sorted((tree.MONITORING / "dashboards").glob("*.json")):
            queries = checks.queries_of(json.loads(path.read_text()))
            self.assertTrue(queries)
            code, output = evaluate([checks.with_values(query) for _, query in queries])
            self.assertEqual(code, 0, output)

    def test_a_query_that_finds_nothing_is_noticed(self):
        for broken in ('weft_fibers{state="asleep"}', "weft_fiber",
                       "weft_fibers / on (le) weft_fibers", "sum by (shard (weft_fibers)"):
            self.assertNotEqual(evaluate([broken])[0], 0, broken)


if __name__ == "__main__":
    unittest.main()
