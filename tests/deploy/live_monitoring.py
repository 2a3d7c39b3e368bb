"""The demo's services under load, and a real Prometheus that scrapes them as in a cluster."""

import contextlib
import json
import math
import os
import re
import shutil
import tempfile
import urllib.error
import urllib.parse
import urllib.request

import discovery
import kustomization
import manifest_checks
import tree
import yaml

from deploy.demo import children, prometheus
from tests.deploy import live_shop
from tests.integration import shop

SCRAPE = "1s"
RATE_INTERVAL = "15s"  # what Grafana makes of $__rate_interval at about that scrape interval
OFFSET = "3s"  # in the place of an alert's "offset 1h": the services are not so old


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
