"""Renders a kustomization as `kustomize build` does, for the few features that deploy/ uses.

The manifests have to be checked on machines without kustomize as well. This is the slow, obvious
model: it knows no feature silently, and refuses every field that it does not know, so that a check
never passes on a half-applied kustomization. kustomization_test compares its output with that of
the real tool wherever there is one.

Not modelled: the hash at the end of a generated ConfigMap's name (references keep the plain name).
"""

import copy
import pathlib

import yaml

# The lists that a strategic merge patch merges by key instead of replacing them: from the
# patchMergeKey tags of the Kubernetes API types, as far as Deployments have them.
MERGE_KEYS = {
    "containers": "name",
    "env": "name",
    "initContainers": "name",
    "ports": "containerPort",
    "topologySpreadConstraints": "topologyKey",
    "volumeMounts": "mountPath",
    "volumes": "name",
}

_FIELDS = {
    "apiVersion", "kind", "resources", "components", "configMapGenerator", "generatorOptions",
    "patches", "namespace", "labels", "images", "replicas"
}
_CLUSTER_SCOPED = {"Namespace"}


class KustomizationError(Exception):
    """A kustomization that cannot be rendered; the text names the file and says why."""


def render(directory):
    """The resources of the kustomization in `directory`, as a list of dicts."""
    return _render(pathlib.Path(directory), set(), [])


def files_of(directory):
    """Every file that rendering `directory` reads."""
    read = set()
    _render(pathlib.Path(directory), read, [])
    return read


def _render(directory, read, resources):
    path = directory / "kustomization.yaml"
    spec = _load_one(path, read)
    component = spec.get("kind") == "Component"
    _refuse_unknown(path, spec, _FIELDS, "kustomization")

    resources = list(resources) if component else []
    for entry in spec.get("resources", []):
        resources += _load_resource(directory, entry, read)
    # A component works on what its user has gathered so far; a base starts from nothing.
    for entry in spec.get("components", []):
        resources = _render((directory / entry).resolve(), read, resources)
    # Without hashes in this model, there are none to disable.
    _refuse_unknown(path, spec.get("generatorOptions", {}), {"disableNameSuffixHash"},
                    "generatorOptions")
    for generator in spec.get("configMapGenerator", []):
        _add_config_map(resources, _config_map(path, directory, generator, read), generator, path)
    for entry in spec.get("patches", []):
        _apply_patch(path, directory, entry, resources, read)
    if "namespace" in spec:
        for resource in resources:
            if resource["kind"] not in _CLUSTER_SCOPED:
                resource["metadata"]["namespace"] = spec["namespace"]
    for entry in spec.get("labels", []):
        _apply_labels(path, entry, resources)
    for entry in spec.get("images", []):
        _apply_image(path, entry, resources)
    for entry in spec.get("replicas", []):
        _apply_replicas(path, entry, resources)
    return resources


def _load_resource(directory, entry, read):
    target = (directory / entry).resolve()
    if target.is_dir():
        return _render(target, read, [])
    if not target.is_file():
        raise KustomizationError(f"{directory}/kustomization.yaml: no such resource: {entry}")
    read.add(target)
    return [document for document in yaml.safe_load_all(target.read_text()) if document]


def _load_one(path, read):
    if not path.is_file():
        raise KustomizationError(f"{path}: no such file")
    read.add(path.resolve())
    return yaml.safe_load(path.read_text())


def _config_map(path, directory, generator, read):
    _refuse_unknown(path, generator, {"name", "files", "behavior", "options"}, "configMapGenerator")
    options = generator.get("options", {})
    _refuse_unknown(path, options, {"labels", "annotations"}, "configMapGenerator.options")
    data = {}
    for name in generator["files"]:
        source = (directory / name).resolve()
        if not source.is_file():
            raise KustomizationError(f"{path}: no such file: {name}")
        read.add(source)
        data[source.name] = source.read_text()
    metadata = {"name": generator["name"], **copy.deepcopy(options)}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def _add_config_map(resources, config_map, generator, path):
    behavior = generator.get("behavior", "create")
    if behavior not in ("create", "replace"):
        raise KustomizationError(f"{path}: behavior {behavior} is not modelled")
    if behavior == "create":
        resources.append(config_map)
        return
    identity = ("ConfigMap", config_map["metadata"]["name"])
    same = [r for r in resources if (r["kind"], r["metadata"]["name"]) == identity]
    if not same:
        raise KustomizationError(f"{path}: {identity[1]} replaces nothing")
    same[0]["data"] = config_map["data"]


def _apply_patch(path, directory, entry, resources, read):
    _refuse_unknown(path, entry, {"path", "target"}, "patches")
    _refuse_unknown(path, entry["target"], {"kind", "name"}, "patches.target")
    patch = _load_one((directory / entry["path"]).resolve(), read)
    patch = {key: value for key, value in patch.items() if key not in ("apiVersion", "kind")}
    patch.get("metadata", {}).pop("name", None)  # The target names the resources.
    targets = [
        resource for resource in resources
        if resource["kind"] == entry["target"].get("kind", resource["kind"]) and
        resource["metadata"]["name"] == entry["target"].get("name", resource["metadata"]["name"])
    ]
    if not targets:
        raise KustomizationError(f"{path}: {entry['path']} patches nothing")
    for resource in targets:
        _merge(resource, patch)


def _merge(into, patch):
    """Kubernetes' strategic merge: maps key by key, lists by their merge key, the rest replaced."""
    for key, value in patch.items():
        if key.startswith("$"):
            raise KustomizationError(f"patch directive {key} is not modelled")
        if value is None:
            into.pop(key, None)
        elif isinstance(value, dict) and isinstance(into.get(key), dict):
            _merge(into[key], value)
        elif isinstance(value, list) and key in MERGE_KEYS and key in into:
            _merge_list(into[key], value, MERGE_KEYS[key])
        else:
            into[key] = copy.deepcopy(value)


def _merge_list(into, patch, merge_key):
    for item in patch:
        same = [old for old in into if old[merge_key] == item[merge_key]]
        if same:
            _merge(same[0], item)
        else:
            into.append(copy.deepcopy(item))


def _apply_labels(path, entry, resources):
    _refuse_unknown(path, entry, {"pairs", "includeTemplates"}, "labels")
    for resource in resources:
        resource["metadata"].setdefault("labels", {}).update(entry["pairs"])
        if entry.get("includeTemplates") and resource["kind"] == "Deployment":
            metadata = resource["spec"]["template"].setdefault("metadata", {})
            metadata.setdefault("labels", {}).update(entry["pairs"])


def _apply_image(path, entry, resources):
    _refuse_unknown(path, entry, {"name", "newName", "newTag"}, "images")
    for resource in resources:
        if resource["kind"] != "Deployment":
            continue
        for container in resource["spec"]["template"]["spec"]["containers"]:
            name, _, tag = container.get("image", "").partition(":")
            if name == entry["name"]:
                tag = entry.get("newTag", tag)
                container["image"] = entry.get("newName", name) + (f":{tag}" if tag else "")


def _apply_replicas(path, entry, resources):
    _refuse_unknown(path, entry, {"name", "count"}, "replicas")
    for resource in resources:
        if resource["kind"] == "Deployment" and resource["metadata"]["name"] == entry["name"]:
            resource["spec"]["replicas"] = entry["count"]


def _refuse_unknown(path, mapping, known, where):
    unknown = sorted(set(mapping) - known)
    if unknown:
        raise KustomizationError(f"{path}: {where}: not modelled by this check: {unknown}")
