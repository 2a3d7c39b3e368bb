"""The targets that Kubernetes discovery would offer to deploy/monitoring/prometheus.yaml.

Debian's Prometheus is built without that discovery. So its targets are made here from the rendered
manifests and handed over as static ones; everything behind them is the configuration's own.
"""

import re

import manifest_checks
import tree
import yaml


def discovered(deployment, host, port=None, phase="Running"):
    """The targets of a Deployment's pod as "role: pod" has them: one for each container port.

    With `port` all of them lead there, for a process that listens where it likes.
    """
    name = deployment["metadata"]["name"]
    metadata = deployment["spec"]["template"]["metadata"]
    for port_name, port_number in manifest_checks.ports_of(deployment).items():
        labels = {
            "__meta_kubernetes_namespace": deployment["metadata"]["namespace"],
            "__meta_kubernetes_pod_name": name + "-0",
            "__meta_kubernetes_pod_phase": phase,
            "__meta_kubernetes_pod_container_port_name": port_name,
            "__meta_kubernetes_pod_container_port_number": str(port_number),
        }
        for key, value in metadata["labels"].items():
            labels["__meta_kubernetes_pod_label_" + _meta(key)] = value
        for key, value in metadata.get("annotations", {}).items():
            labels["__meta_kubernetes_pod_annotation_" + _meta(key)] = value
        yield {"targets": [f"{host}:{port or port_number}"], "labels": labels}


def prometheus_config(targets):
    """deploy/monitoring/prometheus.yaml with `targets` in the place of discovery."""
    config = yaml.safe_load((tree.MONITORING / "prometheus.yaml").read_text())
    job = config["scrape_configs"][0]
    assert job.pop("kubernetes_sd_configs") == [{"role": "pod"}]
    job["static_configs"] = list(targets)
    return config


def _meta(text):
    return re.sub(r"[^a-zA-Z0-9_]", "_", text)
