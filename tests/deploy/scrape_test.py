"""The scrape job finds every pod of the overlay, once, and labels it as rules and dashboard expect.

The targets are those of discovery.py, and Prometheus' own relabelling says what becomes of them.
"""

import json
import pathlib
import tempfile
import unittest

import discovery
import kustomization
import manifest_checks
import tree
import yaml


def scraped(targets):
    """The targets that are left after relabelling, as sets of labels."""
    config = discovery.prometheus_config(targets)
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
            targets += discovery.discovered(deployment, f"10.0.0.{index}")
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
        ended = list(discovery.discovered(deployment, "10.0.0.1", phase="Succeeded"))
        silent = list(discovery.discovered(deployment, "10.0.0.2"))
        foreign = list(discovery.discovered(deployment, "10.0.0.3"))
        for target in silent:
            target["labels"].pop("__meta_kubernetes_pod_annotation_prometheus_io_scrape")
        for target in foreign:
            target["labels"]["__meta_kubernetes_pod_label_app_kubernetes_io_part_of"] = "other"
        self.assertEqual(scraped(ended + silent + foreign), [])


if __name__ == "__main__":
    unittest.main()
