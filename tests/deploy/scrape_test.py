"""The scrape job finds every pod of the overlay, once, and labels it as rules and dashboard expect.

Debian's promtool is built without Kubernetes discovery. So the targets that discovery would offer
are made here from the rendered manifests, handed over as static ones, and Prometheus' own
relabelling says what becomes of them.
"""

import json
import pathlib
import re
import tempfile
import unittest

import kustomization
import manifest_checks
import tree
import yaml


def meta(text):
    return re.sub(r"[^a-zA-Z0-9_]", "_", text)


def discovered(deployment, address, phase="Running"):
    """The targets of a Deployment's pod as "role: pod" has them: one for each container port."""
    name = deployment["metadata"]["name"]
    metadata = deployment["spec"]["template"]["metadata"]
    for port_name, port in manifest_checks.ports_of(deployment).items():
        labels = {
            "__meta_kubernetes_namespace": deployment["metadata"]["namespace"],
            "__meta_kubernetes_pod_name": name + "-0",
            "__meta_kubernetes_pod_phase": phase,
            "__meta_kubernetes_pod_container_port_name": port_name,
            "__meta_kubernetes_pod_container_port_number": str(port),
        }
        for key, value in metadata["labels"].items():
            labels["__meta_kubernetes_pod_label_" + meta(key)] = value
        for key, value in metadata.get("annotations", {}).items():
            labels["__meta_kubernetes_pod_annotation_" + meta(key)] = value
        yield {"targets": [f"{address}:{port}"], "labels": labels}


def scraped(targets):
    """The targets that are left after relabelling, as sets of labels."""
    config = yaml.safe_load((tree.MONITORING / "prometheus.yaml").read_text())
    job = config["scrape_configs"][0]
    assert job.pop("kubernetes_sd_configs") == [{"role": "pod"}]
    job["static_configs"] = targets
    config["rule_files"] = [str(path) for path in tree.RULE_FILES]
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "prometheus.yaml")
        path.write_text(yaml.safe_dump(config))
        code, output = tree.promtool("check", "config", path)
        assert code == 0, output
        # Static targets are there at once; promtool waits out its time for later ones.
        code, output = tree.promtool("check", "service-discovery", "--timeout=1s", path, "weft")
        assert code == 0, output
    results = json.loads(output[output.index("["):])
    assert len(results) == len(targets), output
    return [result["labels"] for result in results if result["labels"]]


class Scrape(unittest.TestCase):

    def setUp(self):
        resources = kustomization.render(tree.OVERLAYS / "local")
        self.deployments = manifest_checks.Model(resources).deployments
        self.assertTrue(self.deployments)

    def test_each_pod_is_one_target_with_the_labels_of_the_rules(self):
        targets = []
        for index, deployment in enumerate(self.deployments.values()):
            targets += discovered(deployment, f"10.0.0.{index}")
        found = scraped(targets)
        self.assertEqual(sorted(labels["service"] for labels in found), sorted(self.deployments))
        for labels in found:
            name = labels["service"]
            self.assertRegex(labels["instance"], r":8080$")
            wanted = {"job": "weft", "namespace": "weft", "pod": name + "-0",
                      "__metrics_path__": "/metrics"}
            self.assertEqual({key: labels[key] for key in wanted}, wanted)

    def test_others_and_ended_pods_are_left_out(self):
        deployment = self.deployments["catalog"]
        ended = list(discovered(deployment, "10.0.0.1", phase="Succeeded"))
        silent = list(discovered(deployment, "10.0.0.2"))
        foreign = list(discovered(deployment, "10.0.0.3"))
        for target in silent:
            target["labels"].pop("__meta_kubernetes_pod_annotation_prometheus_io_scrape")
        for target in foreign:
            target["labels"]["__meta_kubernetes_pod_label_app_kubernetes_io_part_of"] = "other"
        self.assertEqual(scraped(ended + silent + foreign), [])


if __name__ == "__main__":
    unittest.main()
