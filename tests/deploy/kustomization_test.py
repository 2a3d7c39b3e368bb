"""The kustomizations are whole, and our own rendering of them is the one of the real tool."""

import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

import kustomization
import tree
import yaml


def overlays():
    return sorted(path.parent for path in tree.OVERLAYS.glob("*/kustomization.yaml"))


class Tree(unittest.TestCase):

    def test_there_is_an_overlay(self):
        self.assertTrue(overlays())

    def test_every_file_is_used_by_an_overlay(self):
        used = set().union(*(kustomization.files_of(overlay) for overlay in overlays()))
        for folder in ("base", "components", "overlays"):
            paths = (tree.ROOT / "deploy" / folder).rglob("*")
            present = [path for path in paths if path.is_file()]
            self.assertTrue(present, folder)
            for path in present:
                self.assertIn(path.resolve(), used, f"{path} is in no kustomization")


class Monitoring(unittest.TestCase):

    def setUp(self):
        self.maps = {resource["metadata"]["name"]: resource
                     for resource in kustomization.render(tree.MONITORING)}

    def test_each_dashboard_is_a_config_map_that_grafanas_sidecar_loads(self):
        dashboards = [resource for resource in self.maps.values()
                      if resource["metadata"].get("labels") == {"grafana_dashboard": "1"}]
        loaded = {name: text for resource in dashboards for name, text in resource["data"].items()}
        files = {path.name: path.read_text()
                 for path in (tree.MONITORING / "dashboards").glob("*.json")}
        self.assertEqual(loaded, files)
        for resource in dashboards:
            self.assertEqual(resource["metadata"]["annotations"], {"grafana_folder": "Weft"})
            # What kubectl apply writes into an annotation has to fit into it.
            self.assertLess(sum(map(len, resource["data"].values())), 200 << 10)

    def test_the_rules_are_those_that_prometheus_yaml_names(self):
        config = yaml.safe_load((tree.MONITORING / "prometheus.yaml").read_text())
        names = {"rules/" + name for name in self.maps["weft-prometheus-rules"]["data"]}
        self.assertEqual(names, set(config["rule_files"]))
        self.assertEqual(names, {f"rules/{path.name}" for path in tree.RULE_FILES})


class AgainstKustomize(unittest.TestCase):
    """Differential: the model in kustomization.py against the real tool."""

    def setUp(self):
        self.command = tree.kustomize_command()
        if self.command is None:
            print("SKIPPED: comparison with kustomize: " + tree.INSTALL_KUSTOMIZE)
            self.skipTest("no kustomize")

    def test_renders_the_same_resources(self):
        # A copy: kustomize refuses the symbolic links of which Bazel's runfiles are made.
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        copy = shutil.copytree(tree.ROOT / "deploy", pathlib.Path(folder.name, "deploy"))
        for directory in [tree.BASE, tree.MONITORING, *overlays()]:
            with self.subTest(directory=directory.name):
                copied = copy / directory.relative_to(tree.ROOT / "deploy")
                built = subprocess.run([*self.command, str(copied)], capture_output=True, text=True)
                self.assertEqual(built.returncode, 0, built.stderr)
                real = list(yaml.safe_load_all(built.stdout))
                if directory != tree.MONITORING:  # Its names have none.
                    real = [_without_hashes(document) for document in real]
                self.assertEqual(_by_identity(kustomization.render(directory)), _by_identity(real))


class Renderer(unittest.TestCase):

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.directory = pathlib.Path(folder.name)
        self.write("d.yaml", {
            "kind": "Deployment",
            "metadata": {"name": "d"},
            "spec": {"template": {"spec": {"containers": [{"name": "a", "image": "i"}]}}},
        })

    def write(self, name, content):
        (self.directory / name).write_text(yaml.safe_dump(content))

    def render(self, **spec):
        self.write("kustomization.yaml", {"resources": ["d.yaml"], **spec})
        return kustomization.render(self.directory)

    def patch(self, body):
        self.write("p.yaml", {"kind": "Deployment", "metadata": {"name": "any"}, **body})
        return [{"path": "p.yaml", "target": {"kind": "Deployment"}}]

    def test_refuses_a_field_it_does_not_know(self):
        with self.assertRaisesRegex(kustomization.KustomizationError, "namePrefix"):
            self.render(namePrefix="x-")

    def test_refuses_a_missing_resource(self):
        with self.assertRaisesRegex(kustomization.KustomizationError, "no such resource: gone"):
            self.render(resources=["gone.yaml"])

    def test_refuses_a_patch_that_matches_nothing(self):
        patches = self.patch({})
        patches[0]["target"]["name"] = "other"
        with self.assertRaisesRegex(kustomization.KustomizationError, "patches nothing"):
            self.render(patches=patches)

    def test_replaces_a_generated_config_map_and_nothing_else(self):
        (self.directory / "f").write_text("new")
        generator = {"name": "c", "behavior": "replace", "files": ["f"]}
        config_map = {"kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"f": "old"}}
        self.write("old.yaml", config_map)
        rendered = self.render(resources=["old.yaml"], configMapGenerator=[generator])
        self.assertEqual([resource["data"] for resource in rendered], [{"f": "new"}])
        with self.assertRaisesRegex(kustomization.KustomizationError, "replaces nothing"):
            self.render(configMapGenerator=[generator])

    def test_merges_containers_by_name_and_keeps_the_resource_name(self):
        containers = [{"name": "a", "tty": True}, {"name": "b"}]
        body = {"spec": {"template": {"spec": {"containers": containers}}}}
        rendered = self.render(patches=self.patch(body))[0]
        self.assertEqual(rendered["metadata"]["name"], "d")
        self.assertEqual(rendered["spec"]["template"]["spec"]["containers"],
                         [{"name": "a", "image": "i", "tty": True}, {"name": "b"}])

    def test_null_removes_a_field(self):
        body = {"spec": {"template": {"spec": {"containers": [{"name": "a", "image": None}]}}}}
        rendered = self.render(patches=self.patch(body))[0]
        self.assertEqual(rendered["spec"]["template"]["spec"]["containers"], [{"name": "a"}])


def _by_identity(resources):
    found = {(resource["kind"], resource["metadata"]["name"]): resource for resource in resources}
    assert len(found) == len(resources), "two resources of one name"
    return found


def _without_hashes(node):
    """Takes the content hash off the names of generated ConfigMaps; fails where there is none."""
    if isinstance(node, list):
        return [_without_hashes(item) for item in node]
    if not isinstance(node, dict):
        return node
    node = {key: _without_hashes(value) for key, value in node.items()}
    holder = node["metadata"] if node.get("kind") == "ConfigMap" else node.get("configMap")
    if isinstance(holder, dict):
        plain, count = re.subn(r"-[a-z0-9]{10}$", "", holder["name"])
        assert count == 1, f"ConfigMap {holder['name']} has no content hash"
        holder["name"] = plain
    return node


if __name__ == "__main__":
    unittest.main()
