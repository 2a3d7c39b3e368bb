"""Every panel and every rule gives data on the demo's services under load: what a service really
sends, through the scrape job's relabelling, in a real Prometheus.

"No data" is not taken for "all is well": an alert is a comparison and finds nothing while nothing
is wrong, so its operands are asked for; and "or vector(0)" hides a misspelt metric, so each
selector of each query is asked for as well. There are no exceptions: whatever a quiet service does
not show, live_shop.py provokes. (weft_blocking_calls_found_total is in no query: production builds
do not have it; monitoring_test keeps that list.)
"""

import contextlib
import json
import shutil
import unittest

import monitoring_checks as checks
import promql
import tree

from tests.deploy import live_monitoring, live_shop
from tests.integration import shop

# No fixed time is waited: a query is asked again until it finds something, at most for so long.
BOUND_SECONDS = 50


class Query:
    """One query that must find something, and where it stands."""

    def __init__(self, place, text):
        self.place = place
        self.text = text
        self.problem = "not asked"


def queries_of_panels():
    for path in sorted((tree.MONITORING / "dashboards").glob("*.json")):
        for title, text in checks.queries_of(json.loads(path.read_text())):
            text = checks.with_values(text, live_monitoring.RATE_INTERVAL)
            yield from parts(f"{path.name}: {title}", [text])


def queries_of_rules(rules):
    for rule in rules:
        if "record" in rule:
            yield from parts(rule["record"], [rule["expr"]])
            yield Query("recorded", rule["record"])
        else:
            yield from parts(rule["alert"], promql.operands(rule["expr"]))


def parts(place, texts):
    """The texts that ask for a metric, and each of their selectors."""
    for text in texts:
        selectors = promql.selector_texts(text)
        if selectors:
            yield Query(place, text)
        yield from (Query(place, selector) for selector in selectors if selector != text.strip())


@unittest.skipUnless(shutil.which("prometheus"),
                     "needs Prometheus: install Debian's package prometheus")
class LiveQueries(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        cls.live = cls.enterClassContext(live_monitoring.Live())
        cls.trouble = live_shop.Trouble(cls.live.services)

    def still_wrong(self, queries):
        """Asks until every query has found something, or the time is over; returns the others."""
        left = list(queries)

        def all_found():
            self.trouble.turn()
            for query in left:
                query.problem = self.live.problem_of(query.text)
            left[:] = [query for query in left if query.problem]
            return not left

        with contextlib.suppress(AssertionError):
            shop.wait_until(all_found, "every query finds something", BOUND_SECONDS)
        return [f"{query.place}: {query.problem}: {query.text}" for query in left]

    def test_every_panel_and_rule_gives_data(self):
        queries = list(queries_of_panels())
        queries += queries_of_rules(checks.rules_of(self.live.rules))
        wrong = self.still_wrong(queries)
        self.assertEqual(wrong, [], "\n" + "\n".join(wrong))

    def test_prometheus_evaluates_every_rule_without_error(self):
        def health():
            rules = [rule for group in self.live.ask("rules")["groups"] for rule in group["rules"]]
            return [(rule["name"], rule.get("lastError", "")) for rule in rules
                    if rule["health"] != "unknown"]

        count = len(checks.rules_of(self.live.rules))
        shop.wait_until(lambda: len(health()) == count, "all rules are evaluated")
        self.assertEqual([(name, error) for name, error in health() if error], [])

    def test_targets_have_the_labels_of_the_rules_and_are_up(self):
        shop.wait_until(
            lambda: self.live.problem_of('count(up == 1) == 3') is None, "three targets are up")
        found = {(labels["namespace"], labels["service"], labels["pod"]) for labels in
                 (sample["metric"] for sample in self.live.ask("query", query="up")["result"])}
        self.assertEqual(found, {("weft", name, name + "-0") for name in self.live.services})

    def test_what_finds_nothing_is_noticed(self):
        for text, problem in (("weft_fiber", "no data"), ('weft_fibers{state="asleep"}', "no data"),
                              ("0 * up / 0", "only NaN"), ("sum by (up", "error: ")):
            found = shop.wait_until(
                lambda: self.live.problem_of("up") is None and self.live.problem_of(text), text)
            self.assertIn(problem, found)
        hidden = [query.text for query in parts("a panel", ["sum(weft_fiber) or vector(0)"])]
        self.assertEqual(hidden, ["sum(weft_fiber) or vector(0)", "weft_fiber"])


if __name__ == "__main__":
    unittest.main()
