"""What must hold between the manifests of deploy/: every check yields one sentence a problem.

A schema check sees one object at a time; these see that the objects fit each other and fit the
binaries' contract (ports, admin endpoints, configuration keys). The checks work on rendered
resources, so what they see is what a cluster would get.
"""

import json
import posixpath
import re

GRPC_PORT, ADMIN_PORT = "grpc", "admin"
ADMIN_PATHS = {"/livez", "/readyz", "/metrics", "/debug/fibers"}

# The configuration keys that a service understands. It refuses to start on any other.
COMMON_KEYS = {
    "grpc.listen", "admin.listen", "shards", "log.level", "drain.grace", "drain.timeout",
    "tracing.otlp_endpoint", "tracing.sample_ratio"
}
SERVICE_KEYS = {
    "storefront": {"storefront.catalog_target", "storefront.pricing_target",
                   "storefront.deadline"},
    "catalog": {"catalog.database", "catalog.products", "catalog.threads", "catalog.queue"},
    "pricing": {"pricing.think_time", "pricing.price_list_period"},
}
LABELS = {
    "app.kubernetes.io/" + label
    for label in ("name", "component", "part-of", "managed-by", "instance", "version")
}


def problems(resources):
    """Everything that is wrong with the rendered resources, as sentences."""
    model = Model(resources)
    return [problem for check in CHECKS for problem in check(model)]


class Model:
    """The rendered resources, by kind and name."""

    def __init__(self, resources):
        self.resources = resources
        self.deployments = self._named("Deployment")
        self.services = self._named("Service")
        self.budgets = self._named("PodDisruptionBudget")
        self.config_maps = self._named("ConfigMap")
        self.namespaces = self._named("Namespace")

    def _named(self, kind):
        return {r["metadata"]["name"]: r for r in self.resources if r["kind"] == kind}

    def selected_by(self, selector):
        return [name for name, deployment in sorted(self.deployments.items())
                if selector and selector.items() <= pod_labels(deployment).items()]

    def config(self, name):
        """The parsed configuration file of a Deployment, {} where it is missing or no JSON."""
        data = self.config_maps.get(f"{name}-config", {}).get("data", {})
        try:
            return json.loads(data.get(f"{name}.json", "{}"))
        except ValueError:
            return {}


def pod_labels(deployment):
    return deployment["spec"]["template"]["metadata"].get("labels", {})


def pod_spec(deployment):
    return deployment["spec"]["template"]["spec"]


def container_of(deployment):
    return pod_spec(deployment)["containers"][0]


def ports_of(deployment):
    ports = container_of(deployment).get("ports", [])
    return {port["name"]: port["containerPort"] for port in ports}


def one_of_each(model):
    """Each service is a Deployment with its Service, its budget and its configuration."""
    if set(model.deployments) != set(SERVICE_KEYS):
        yield f"Deployments are {sorted(model.deployments)}, services are {sorted(SERVICE_KEYS)}"
    for name in model.deployments:
        for kind, present in (("Service", model.services), ("PodDisruptionBudget", model.budgets)):
            if name not in present:
                yield f"{name} has no {kind}"
    seen = set()
    for resource in model.resources:
        identity = (resource["kind"], resource["metadata"]["name"])
        if identity in seen:
            yield f"{identity[0]} {identity[1]} is there twice"
        seen.add(identity)


def namespaced(model):
    for resource in model.resources:
        if resource["kind"] == "Namespace":
            continue
        namespace = resource["metadata"].get("namespace")
        if namespace not in model.namespaces:
            name = resource["metadata"]["name"]
            yield f"{resource['kind']} {name}: no such namespace: {namespace}"


def labelled(model):
    """Kubernetes' recommended labels, on objects and on pods."""
    for name, deployment in model.deployments.items():
        objects = [("Deployment", deployment["metadata"].get("labels", {})),
                   ("pod", pod_labels(deployment))]
        if name in model.services:
            objects.append(("Service", model.services[name]["metadata"].get("labels", {})))
        for kind, labels in objects:
            for label in sorted(LABELS - set(labels)):
                yield f"{kind} {name} has no label {label}"
            if labels.get("app.kubernetes.io/name") != name:
                yield f"{kind} {name} is named differently by app.kubernetes.io/name"


def selectors_match(model):
    for name, deployment in model.deployments.items():
        selectors = {
            "Deployment": deployment["spec"]["selector"]["matchLabels"],
            "Service": model.services.get(name, {}).get("spec", {}).get("selector"),
            "PodDisruptionBudget":
                model.budgets.get(name, {}).get("spec", {}).get("selector", {}).get("matchLabels"),
        }
        spreads = pod_spec(deployment).get("topologySpreadConstraints", [])
        if not spreads:
            yield f"{name} spreads over nothing"
        for spread in spreads:
            key = spread["topologyKey"]
            selectors["spread over " + key] = spread["labelSelector"]["matchLabels"]
        for kind, selector in selectors.items():
            if model.selected_by(selector) != [name]:
                yield f"{kind} {name} selects {model.selected_by(selector)}"


def service_ports(model):
    for name, service in model.services.items():
        if name not in model.deployments:
            yield f"Service {name} has no Deployment"
            continue
        if service["spec"].get("clusterIP") != "None":
            yield f"Service {name} is not headless: a client would stick to one pod"
        ports = ports_of(model.deployments[name])
        for port in service["spec"]["ports"]:
            target = port.get("targetPort", port["port"])
            number = ports.get(target, target)
            if number not in ports.values():
                yield f"Service {name}: pods have no port {target}"
            elif number != port["port"]:
                yield (f"Service {name}: a headless Service cannot turn port {port['port']} "
                       f"into {number}")


def volumes_exist(model):
    for name, deployment in model.deployments.items():
        container = container_of(deployment)
        volumes = {volume["name"]: volume for volume in pod_spec(deployment).get("volumes", [])}
        mounts = {mount["name"]: mount for mount in container.get("volumeMounts", [])}
        for missing in sorted(set(mounts) ^ set(volumes)):
            yield f"{name}: volume {missing} is mounted but not there, or there but not mounted"
        for volume in volumes.values():
            config_map = volume.get("configMap", {}).get("name")
            if config_map and config_map not in model.config_maps:
                yield f"{name}: no such ConfigMap: {config_map}"
            if "emptyDir" in volume and "sizeLimit" not in volume["emptyDir"]:
                yield f"{name}: emptyDir {volume['name']} has no bound"
        files = {
            posixpath.join(mounts[volume["name"]]["mountPath"], key)
            for volume in volumes.values() if volume["name"] in mounts
            for key in model.config_maps.get(
                volume.get("configMap", {}).get("name"), {}).get("data", {})
        }
        for argument in container.get("args", []):
            if argument.startswith("--config=") and argument[len("--config="):] not in files:
                yield f"{name}: {argument} is in no mounted ConfigMap"
        if container.get("command") != [f"/app/{name}"]:
            yield f"{name}: the image's binary is /app/{name}, not {container.get('command')}"
        if not any(argument.startswith("--config=") for argument in container.get("args", [])):
            yield f"{name} gets no --config"


def probes_reach_the_admin_port(model):
    wanted = {"startupProbe": "/livez", "livenessProbe": "/livez", "readinessProbe": "/readyz"}
    for name, deployment in model.deployments.items():
        for probe, path in wanted.items():
            get = container_of(deployment).get(probe, {}).get("httpGet")
            if not get:
                yield f"{name} has no {probe} over HTTP"
                continue
            if get["port"] != ADMIN_PORT or get["port"] not in ports_of(deployment):
                yield f"{name}: {probe} asks port {get['port']}, the admin port is {ADMIN_PORT}"
            if get["path"] != path:
                yield f"{name}: {probe} asks {get['path']}, not {path}"


def drains_in_time(model):
    for name, deployment in model.deployments.items():
        drain = model.config(name).get("drain", {})
        grace, timeout = seconds(drain.get("grace")), seconds(drain.get("timeout"))
        if grace is None or timeout is None:
            yield f"{name}: drain.grace and drain.timeout are no durations"
            continue
        period = pod_spec(deployment).get("terminationGracePeriodSeconds", 30)
        if period <= grace + timeout:
            yield f"{name}: killed after {period} s, but drains for {grace + timeout:g} s"
        probe = container_of(deployment).get("readinessProbe", {})
        flips = probe.get("periodSeconds", 10) * probe.get("failureThreshold", 3)
        if flips > grace:
            yield f"{name}: seen as not ready after {flips} s, but drain.grace is {grace:g} s"


def secure(model):
    pod_wants = {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext.runAsNonRoot": True,
        "securityContext.seccompProfile.type": "RuntimeDefault",
    }
    container_wants = {
        "securityContext.allowPrivilegeEscalation": False,
        "securityContext.readOnlyRootFilesystem": True,
        "securityContext.capabilities.drop": ["ALL"],
    }
    for name, deployment in model.deployments.items():
        pod = pod_spec(deployment)
        for path, value in pod_wants.items():
            if look_up(pod, path) != value:
                yield f"{name}: pod {path} is {look_up(pod, path)}, not {value}"
        for user in ("runAsUser", "runAsGroup"):
            if not look_up(pod, f"securityContext.{user}"):
                yield f"{name}: pod securityContext.{user} is root or not set"
        for container in pod["containers"]:
            for path, value in container_wants.items():
                if look_up(container, path) != value:
                    yield f"{name}: container {path} is {look_up(container, path)}, not {value}"
            if look_up(container, "securityContext.capabilities.add"):
                yield f"{name}: container adds capabilities"
        for forbidden in ("hostNetwork", "hostPID", "hostIPC"):
            if pod.get(forbidden):
                yield f"{name}: {forbidden}"


def bounded(model):
    """Requests and limits for CPU (which sets the shards), memory and ephemeral storage."""
    for name, deployment in model.deployments.items():
        resources = container_of(deployment).get("resources", {})
        for what in ("cpu", "memory", "ephemeral-storage"):
            request = quantity(look_up(resources, f"requests.{what}"))
            limit = quantity(look_up(resources, f"limits.{what}"))
            if request is None or limit is None:
                yield f"{name}: no request or no limit for {what}"
            elif request > limit:
                yield f"{name}: requests more {what} than its limit"


def images_are_tagged(model):
    for name, deployment in model.deployments.items():
        if len(pod_spec(deployment)["containers"]) != 1:
            yield f"{name}: one container a pod; did a patch miss the container's name?"
        image = container_of(deployment).get("image", "")
        base, _, tag = image.rpartition(":")
        if not base.endswith(f"weft/{name}") or tag in ("", "latest"):
            yield f"{name}: image {image!r} is not weft/{name} with a tag that stays"
        elif tag != pod_labels(deployment).get("app.kubernetes.io/version"):
            yield f"{name}: the version label is not the image tag {tag}"


def scraped(model):
    for name, deployment in model.deployments.items():
        annotations = deployment["spec"]["template"]["metadata"].get("annotations", {})
        wanted = {
            "prometheus.io/scrape": "true",
            "prometheus.io/port": str(ports_of(deployment).get(ADMIN_PORT)),
            "prometheus.io/path": "/metrics",
        }
        for annotation, value in wanted.items():
            if annotations.get(annotation) != value:
                yield f"{name}: {annotation} is {annotations.get(annotation)}, not {value}"


def configuration_known(model):
    for name, deployment in model.deployments.items():
        config = model.config(name)
        known = COMMON_KEYS | SERVICE_KEYS.get(name, set())
        for key in sorted(set(flatten(config)) - known):
            yield f"{name}.json: no service knows {key}"
        for key in sorted(known - set(flatten(config))):
            yield f"{name}.json: {key} is missing"
        for key, port in (("grpc.listen", GRPC_PORT), ("admin.listen", ADMIN_PORT)):
            listen = str(look_up(config, key))
            if listen != f"0.0.0.0:{ports_of(deployment).get(port)}":
                yield f"{name}.json: {key} is {listen}; the pod's port {port} would not answer"


def targets_resolve(model):
    """A client's target names a Service and its port."""
    for name in model.deployments:
        for key, target in flatten(model.config(name)).items():
            if not key.endswith("_target"):
                continue
            match = re.fullmatch(r"dns:///([a-z0-9-]+):(\d+)", str(target))
            service = model.services.get(match[1]) if match else None
            ports = [port["port"] for port in service["spec"]["ports"]] if service else []
            if not match or int(match[2]) not in ports:
                yield f"{name}.json: {key}: no Service answers at {target}"


def data_is_writable(model):
    """With a read-only root, a database needs a mounted volume that is not read-only."""
    for name, deployment in model.deployments.items():
        database = flatten(model.config(name)).get("catalog.database")
        if database is None:
            continue
        writable = [
            mount["mountPath"] for mount in container_of(deployment).get("volumeMounts", [])
            if not mount.get("readOnly")
        ]
        if posixpath.dirname(database) not in writable:
            yield f"{name}: {database} is on no writable volume"
        if not look_up(pod_spec(deployment), "securityContext.fsGroup"):
            yield f"{name}: without fsGroup the volume belongs to root"


CHECKS = [
    one_of_each, namespaced, labelled, selectors_match, service_ports, volumes_exist,
    probes_reach_the_admin_port, drains_in_time, secure, bounded, images_are_tagged, scraped,
    configuration_known, targets_resolve, data_is_writable
]


def look_up(node, path):
    """The value at a dotted path, or None."""
    for key in path.split("."):
        if not isinstance(node, dict):
            return None
        node = node.get(key)
    return node


def flatten(node, prefix=""):
    """{"a": {"b": 1}} as {"a.b": 1}."""
    flat = {}
    for key, value in node.items():
        if isinstance(value, dict):
            flat.update(flatten(value, f"{prefix}{key}."))
        else:
            flat[prefix + key] = value
    return flat


def seconds(text):
    """A duration such as "5s" or "1m30s" in seconds, or None."""
    units = {"ms": 0.001, "s": 1, "m": 60, "h": 3600}
    parts = re.findall(r"(\d+(?:\.\d+)?)(ms|s|m|h)", str(text))
    if not parts or "".join(number + unit for number, unit in parts) != text:
        return None
    return sum(float(number) * units[unit] for number, unit in parts)


def quantity(text):
    """A Kubernetes quantity as a number, or None."""
    units = {"": 1, "m": 0.001, "k": 1e3, "M": 1e6, "G": 1e9, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30}
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(m|k|M|G|Ki|Mi|Gi|)", str(text))
    return float(match[1]) * units[match[2]] if match else None
