"""Every panel and every rule gives data on the demo's services under load: what a service really
sends, through the scrape job's relabelling, in a real Prometheus.

"No data" is not taken for "all is well": an alert is a comparison and finds nothing while nothing
is wrong, so its operands are asked for; and "or vector(0)" hides a misspelt metric, so each
selector of each query is asked for as well.
"""

import contextlib
import json
import math
import os
import re
import shutil
import tempfile
import unittest
import urllib.error
import urllib.parse
import urllib.request

import discovery
import kustomization
import manifest_checks
import monitoring_checks as checks
import promql
import tree
import yaml

from deploy.demo import children, prometheus
from tests.deploy import live_shop
from tests.integration import shop

# No fixed time is waited: a query is asked again until it finds something, at most for so long.
BOUND_SECONDS = 50
SCRAPE = "1s"
RATE_INTERVAL = "15s"  # what Grafana makes of $__rate_interval at that scrape interval
OFFSET = "3s"  # in the place of an alert's "offset 1h": the services are not so old


class Query:
    """One query that must find something, and where it stands."""

    def __init__(self, place, text):
        self.place = place
        self.text = text
        self.problem = "not asked"


def queries_of_panels():
    for path in sorted((tree.MONITORING / "dashboards").glob("*.json")):
        for title, text in checks.queries_of(json.loads(path.read_text())):
            text = checks.with_values(text, RATE_INTERVAL)
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


def young(rule_file):
    """A rule file whose offsets fit services that have just been started."""
    content = yaml.safe_load(rule_file.read_text())
    for group in content["groups"]:
        for rule in group["rules"]:
            rule["expr"] = re.sub(r"\boffset \w+", f"offset {OFFSET}", rule["expr"])
    return content


class Live:
    """The services, the load, and a Prometheus that scrapes them; a context manager."""

    def __init__(self):
        self._stack = contextlib.ExitStack()

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            self.folder = tempfile.mkdtemp(prefix="live-", dir=os.environ.get("TEST_TMPDIR"))
            stack.callback(shutil.rmtree, self.folder)
            self.services = children.start_shop(shop.BIN_DIR, self.folder, live_shop.FLAGS)
            stack.callback(lambda: children.stop_all(self.services.values()))
            self.rules = [young(path) for path in tree.RULE_FILES]
            self.prometheus = prometheus.start_with(self.configuration(), self.folder)
            if self.prometheus is None:
                raise RuntimeError("Prometheus does not start: " + self.prometheus_log())
            stack.callback(self.prometheus.stop)
            load = live_shop.start_load(self.services, self.folder)
            stack.callback(load.stop)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_):
        self._stack.close()

    def configuration(self):
        """deploy/monitoring's own, with our processes as the pods of the rendered manifests."""
        deployments = manifest_checks.Model(kustomization.render(tree.OVERLAYS / "local"))
        targets = []
        for name, deployment in deployments.deployments.items():
            service = self.services[name]
            targets += discovery.discovered(deployment, service.host, service.ports[1])
        config = discovery.prometheus_config(targets)
        config["global"] = {"scrape_interval": SCRAPE, "evaluation_interval": SCRAPE}
        config["rule_files"] = []
        for number, content in enumerate(self.rules):
            path = os.path.join(self.folder, f"rules{number}.json")
            with open(path, "w", encoding="utf-8") as file:
                json.dump(content, file)
            config["rule_files"].append(path)
        return config

    def prometheus_log(self):
        with open(os.path.join(self.folder, "prometheus.stderr"), encoding="utf-8") as file:
            return file.read()

    def ask(self, path, **arguments):
        """The data of an answer of Prometheus' API; ValueError with its words when it refuses."""
        body = urllib.parse.urlencode(arguments).encode() if arguments else None
        try:
            with urllib.request.urlopen(f"{self.prometheus.url}/api/v1/{path}", data=body,
                                        timeout=shop.HANG_SECONDS) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            with error:
                raise ValueError(json.load(error)["error"]) from None

    def problem_of(self, text):
        """Why the query draws nothing, or None. NaN draws nothing either."""
        try:
            data = self.ask("query", query=text)
        except ValueError as error:
            return f"error: {error}"
        samples = [data] if data["resultType"] == "scalar" else data["result"]
        values = [sample["result"] if data["resultType"] == "scalar" else sample["value"]
                  for sample in samples]
        if not values:
            return "no data"
        return None if any(not math.isnan(float(value)) for _, value in values) else "only NaN"


@unittest.skipUnless(shutil.which("prometheus"),
                     "needs Prometheus: install Debian's package prometheus")
class LiveQueries(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        cls.live = cls.enterClassContext(Live())
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
