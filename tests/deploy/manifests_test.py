"""The manifests fit each other and the binaries' contract; each check catches what it is for."""

import copy
import json
import unittest

import kustomization
import manifest_checks as checks
import tree


def deployment(resources, name="catalog"):
    return _find(resources, "Deployment", name)


def container(resources, name="catalog"):
    return deployment(resources, name)["spec"]["template"]["spec"]["containers"][0]


def pod(resources, name="catalog"):
    return deployment(resources, name)["spec"]["template"]["spec"]


def service(resources, name="catalog"):
    return _find(resources, "Service", name)


def edit_config(resources, edit, name="catalog"):
    data = _find(resources, "ConfigMap", f"{name}-config")["data"]
    config = json.loads(data[f"{name}.json"])
    edit(config)
    data[f"{name}.json"] = json.dumps(config)


def _find(resources, kind, name):
    return next(r for r in resources if (r["kind"], r["metadata"]["name"]) == (kind, name))


def remove(kind, name):
    return lambda r: r.remove(_find(r, kind, name))


# A way to break the manifests, the check that must notice, and words of what it must say.
BREAKAGES = [
    (remove("Service", "pricing"), checks.one_of_each, "pricing has no Service"),
    (remove("PodDisruptionBudget", "pricing"), checks.one_of_each, "no PodDisruptionBudget"),
    (remove("Deployment", "pricing"),
     checks.one_of_each, "Deployments are ['catalog', 'storefront']"),
    (lambda r: r.append(copy.deepcopy(service(r))), checks.one_of_each, "is there twice"),
    (remove("Namespace", "weft"), checks.namespaced, "no such namespace: weft"),
    (lambda r: service(r)["metadata"].pop("namespace"),
     checks.namespaced, "no such namespace: None"),
    (lambda r: checks.pod_labels(deployment(r)).pop("app.kubernetes.io/part-of"),
     checks.labelled, "pod catalog has no label app.kubernetes.io/part-of"),
    (lambda r: checks.pod_labels(deployment(r)).update({"app.kubernetes.io/name": "pricing"}),
     checks.selectors_match, "Deployment catalog selects []"),
    (lambda r: service(r)["spec"]["selector"].update({"app.kubernetes.io/name": "catalogue"}),
     checks.selectors_match, "Service catalog selects []"),
    (lambda r: service(r)["spec"].update(selector={"app.kubernetes.io/part-of": "weft"}),
     checks.selectors_match, "Service catalog selects ['catalog', 'pricing', 'storefront']"),
    (lambda r: pod(r).pop("topologySpreadConstraints"),
     checks.selectors_match, "spreads over nothing"),
    (lambda r: service(r)["spec"].pop("clusterIP"), checks.service_ports, "not headless"),
    (lambda r: service(r)["spec"]["ports"][0].update(targetPort="rpc"),
     checks.service_ports, "pods have no port rpc"),
    (lambda r: service(r)["spec"]["ports"][0].update(port=80),
     checks.service_ports, "cannot turn port 80 into 50051"),
    (remove("ConfigMap", "catalog-config"),
     checks.volumes_exist, "no such ConfigMap: catalog-config"),
    (lambda r: pod(r)["volumes"].pop(),
     checks.volumes_exist, "volume data is mounted but not there"),
    (lambda r: pod(r)["volumes"][1]["emptyDir"].pop("sizeLimit"), checks.volumes_exist, "no bound"),
    (lambda r: container(r).update(args=["--config=/etc/weft/weft.json"]),
     checks.volumes_exist, "--config=/etc/weft/weft.json is in no mounted ConfigMap"),
    (lambda r: container(r).pop("args"), checks.volumes_exist, "gets no --config"),
    (lambda r: container(r).update(command=["/usr/bin/catalog"]),
     checks.volumes_exist, "/app/catalog"),
    (lambda r: container(r).pop("startupProbe"),
     checks.probes_reach_the_admin_port, "no startupProbe"),
    (lambda r: container(r)["livenessProbe"]["httpGet"].update(port="grpc"),
     checks.probes_reach_the_admin_port, "asks port grpc"),
    (lambda r: container(r)["livenessProbe"]["httpGet"].update(path="/readyz"),
     checks.probes_reach_the_admin_port, "asks /readyz, not /livez"),
    (lambda r: pod(r).update(terminationGracePeriodSeconds=25),
     checks.drains_in_time, "killed after 25 s, but drains for 25 s"),
    (lambda r: edit_config(r, lambda c: c["drain"].update(timeout="2m")),
     checks.drains_in_time, "drains for 125 s"),
    (lambda r: edit_config(r, lambda c: c["drain"].update(grace="5")),
     checks.drains_in_time, "no durations"),
    (lambda r: container(r)["readinessProbe"].update(periodSeconds=10),
     checks.drains_in_time, "seen as not ready after 20 s"),
    (lambda r: pod(r).update(automountServiceAccountToken=True), checks.secure, "automountService"),
    (lambda r: pod(r)["securityContext"].update(runAsNonRoot=False), checks.secure, "runAsNonRoot"),
    (lambda r: pod(r)["securityContext"].update(runAsUser=0), checks.secure, "runAsUser is root"),
    (lambda r: pod(r)["securityContext"].pop("seccompProfile"), checks.secure, "seccompProfile"),
    (lambda r: pod(r).update(hostNetwork=True), checks.secure, "hostNetwork"),
    (lambda r: container(r).pop("securityContext"),
     checks.secure, "readOnlyRootFilesystem is None"),
    (lambda r: container(r)["securityContext"]["capabilities"].update(drop=["NET_RAW"]),
     checks.secure, "capabilities.drop"),
    (lambda r: container(r)["securityContext"]["capabilities"].update(add=["SYS_PTRACE"]),
     checks.secure, "adds capabilities"),
    (lambda r: container(r)["resources"]["limits"].pop("cpu"), checks.bounded, "no limit for cpu"),
    (lambda r: container(r)["resources"]["requests"].update(memory="1Gi"),
     checks.bounded, "requests more memory than its limit"),
    (lambda r: container(r).update(image="weft/catalog"), checks.images_are_tagged, "with a tag"),
    (lambda r: container(r).update(image="weft/catalog:latest"), checks.images_are_tagged, "tag"),
    (lambda r: container(r).update(image="weft/catalog:1.0"),
     checks.images_are_tagged, "version label"),
    (lambda r: pod(r)["containers"].append({"name": "catalog"}),
     checks.images_are_tagged, "one container"),
    (lambda r: deployment(r)["spec"]["template"]["metadata"].pop("annotations"),
     checks.scraped, "prometheus.io/scrape is None"),
    (lambda r: deployment(r)["spec"]["template"]["metadata"]["annotations"].update(
        {"prometheus.io/port": "50051"}), checks.scraped, "prometheus.io/port is 50051, not 8080"),
    (lambda r: edit_config(r, lambda c: c["catalog"].update(thread=1)),
     checks.configuration_known, "no service knows catalog.thread"),
    (lambda r: edit_config(r, lambda c: c["tracing"].pop("otlp_endpoint")),
     checks.configuration_known, "tracing.otlp_endpoint is missing"),
    (lambda r: edit_config(r, lambda c: c["admin"].update(listen="127.0.0.1:8080")),
     checks.configuration_known, "the pod's port admin would not answer"),
    (lambda r: edit_config(r, lambda c: c["storefront"].update(
        pricing_target="dns:///price:1"), "storefront"),
     checks.targets_resolve, "no Service answers at dns:///price:1"),
    (lambda r: edit_config(r, lambda c: c["storefront"].update(
        pricing_target="pricing:50051"), "storefront"),
     checks.targets_resolve, "no Service answers at pricing:50051"),
    (lambda r: edit_config(r, lambda c: c["catalog"].update(database="/data/catalog.db")),
     checks.data_is_writable, "/data/catalog.db is on no writable volume"),
    (lambda r: pod(r)["securityContext"].pop("fsGroup"),
     checks.data_is_writable, "without fsGroup"),
]


class Manifests(unittest.TestCase):

    def test_every_overlay_is_sound(self):
        overlays = sorted(tree.OVERLAYS.glob("*/kustomization.yaml"))
        self.assertTrue(overlays)
        for overlay in overlays:
            with self.subTest(overlay=overlay.parent.name):
                self.assertEqual(checks.problems(kustomization.render(overlay.parent)), [])

    def test_the_base_lacks_only_what_an_overlay_gives(self):
        # Namespace, instance and version labels, and image tags: the environment's part.
        rest = set(checks.CHECKS) - {checks.namespaced, checks.labelled, checks.images_are_tagged}
        model = checks.Model(kustomization.render(tree.BASE))
        self.assertEqual([p for check in checks.CHECKS if check in rest for p in check(model)], [])

    def test_the_base_survives_the_loss_of_a_pod(self):
        for name, deployed in checks.Model(kustomization.render(tree.BASE)).deployments.items():
            self.assertGreaterEqual(deployed["spec"]["replicas"], 2, name)
            rolling = deployed["spec"]["strategy"]["rollingUpdate"]
            self.assertEqual((rolling["maxSurge"], rolling["maxUnavailable"]), (1, 0), name)


class Checks(unittest.TestCase):
    """The checks themselves: a broken manifest is caught, by the check that is meant to."""

    def test_each_breakage_is_caught(self):
        sound = kustomization.render(tree.OVERLAYS / "local")
        for breakage, check, words in BREAKAGES:
            with self.subTest(words):
                broken = copy.deepcopy(sound)
                breakage(broken)
                found = list(check(checks.Model(broken)))
                self.assertTrue(any(words in problem for problem in found), found)
                self.assertTrue(set(found) <= set(checks.problems(broken)))

    def test_each_check_has_a_breakage(self):
        self.assertEqual({check for _, check, _ in BREAKAGES}, set(checks.CHECKS))

    def test_durations(self):
        self.assertEqual([checks.seconds(t) for t in ("5s", "1m30s", "250ms")], [5, 90, 0.25])
        self.assertEqual([checks.seconds(t) for t in ("5", "s", "5 s", None)], [None] * 4)

    def test_quantities(self):
        self.assertEqual([checks.quantity(t) for t in ("250m", "2", "64Mi")], [0.25, 2, 2**26])
        self.assertIsNone(checks.quantity("64MB"))


if __name__ == "__main__":
    unittest.main()
