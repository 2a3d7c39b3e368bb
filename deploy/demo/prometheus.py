"""Starts a Prometheus for the demo, if one is installed. Standard library only."""

import json
import os
import shutil
import socket
import time
import urllib.error
import urllib.request

from deploy.demo import children

_RULES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "monitoring", "rules")
_START_SECONDS = 20.0


class Prometheus(children.Child):
    """Scrapes the three services and evaluates the rules of deploy/monitoring."""

    # Short windows: those of the recorded rules, 5 minutes, are longer than many a demo.
    QUERIES = (
        "sum by (service) (rate(grpc_server_call_started_total[15s]))",
        "histogram_quantile(0.99, rate(weft_loop_lag_seconds_bucket[15s]))",
        'sum by (service) (weft_fibers{state="parked"})',
    )

    def __init__(self, binary, port, config, temp_dir):
        self.url = f"http://127.0.0.1:{port}"
        argv = [binary, f"--config.file={config}", f"--web.listen-address=127.0.0.1:{port}",
                f"--storage.tsdb.path={os.path.join(temp_dir, 'prometheus')}",
                "--log.level=warn"]
        super().__init__("prometheus", argv, os.path.join(temp_dir, "prometheus.stderr"))

    def wait_ready(self):
        """False when it ended or does not answer."""
        deadline = time.monotonic() + _START_SECONDS
        while self.running() and time.monotonic() < deadline:
            try:
                with urllib.request.urlopen(self.url + "/-/ready", timeout=5):
                    return True
            except (urllib.error.URLError, OSError):
                time.sleep(0.05)
        return False


def start(services, temp_dir):
    """A running Prometheus, or None: the demo works without one."""
    if shutil.which("prometheus") is None:
        return None
    child = start_with(scrape_config(services), temp_dir)
    if child is None:
        print("demo: Prometheus does not start; the demo runs without it")
    return child


def start_with(config, temp_dir):
    """A Prometheus that runs with this configuration; None when it does not start."""
    path = os.path.join(temp_dir, "prometheus.json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump(config, file)  # JSON is YAML
    for _ in range(3):  # somebody else may take the free port first
        child = Prometheus(shutil.which("prometheus"), _free_port(), path, temp_dir)
        if child.wait_ready():
            return child
        child.stop()
    return None


def scrape_config(services):
    """With the labels that deploy/monitoring/prometheus.yaml sets in a cluster."""
    return {
        "global": {"scrape_interval": "2s", "evaluation_interval": "2s"},
        "rule_files": [os.path.join(os.path.abspath(_RULES), name)
                       for name in ("recording.yaml", "slo.yaml", "alerts.yaml")],
        "scrape_configs": [{
            "job_name": "weft",
            "static_configs": [{
                "targets": [f"{service.host}:{service.ports[1]}"],
                "labels": {"namespace": "demo", "service": name, "pod": f"{name}-demo"},
            } for name, service in services.items()],
        }],
    }


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
