"""Checks the layers and the bans of the tree: who may include, depend on and call what.

Works on the text of the sources and BUILD files, so that a wrong include is named by file and
line even where the build would let it through. The layers come from bazel/layers.bzl.
"""

import ast
import collections
import fnmatch
import os
import re

Violation = collections.namedtuple("Violation", "path line rule text")

# (path pattern, rule, reason): the exceptions. Keep it short; a reason is a full sentence.
ALLOWED = [
    ("bazel/deps/deps_test.cc", "boost", "It links every system library once."),
    ("*_benchmark.cc", "time", "A benchmark measures real time."),
    ("platform/fiber/internal/interposed_waits.cc", "time", "Stands in for the calls that sleep."),
    ("platform/fiber/*blocking_calls*_test.cc", "time", "Calls that sleep are what it is about."),
]

_SOURCE = re.compile(r"\.(h|cc)$")
_INCLUDE = re.compile(r'^\s*#\s*include\s+[<"]([^>"]+)[>"]')
_LABEL = re.compile(r'"(//[^":]*|@system//)(?::([^"]*))?"')
_CC_RULE = re.compile(
    r"(?<![\w.])(?:native\.)?(cc_(?:library|binary|test|import|proto_library)|proto_library)\s*\(")
_SOURCE_GLOB = re.compile(r'"[^"]*\*[^"]*\.(?:cc|h|proto)"')
_TIME = re.compile(
    r"\b(sleep_for|sleep_until|usleep|nanosleep|steady_clock::now|system_clock::now|"
    r"high_resolution_clock::now|absl::Now|absl::SleepFor)\b")
_THREAD_LOCAL = re.compile(r"\bthread_local\b")
_NOT_CODE = re.compile(r'//[^\n]*|/\*.*?\*/|R"\((?:.*?)\)"|"(?:\\.|[^"\\\n])*"', re.DOTALL)

# Include prefixes that a layer's files may not use, whatever its BUILD file says.
_BANNED_INCLUDES = {
    "base": ("grpc", "google/protobuf/", "opentelemetry/", "prometheus/"),
    "fiber": ("grpc", "google/protobuf/", "opentelemetry/", "prometheus/"),
    "rpc": ("opentelemetry/", "prometheus/"),
}


def read_layers(text):
    """The layers, left to right, from the text of bazel/layers.bzl."""
    found = re.search(r"^LAYERS = (\[.*?\])", text, re.MULTILINE | re.DOTALL)
    if not found:
        raise ValueError("bazel/layers.bzl has no list LAYERS")
    return ast.literal_eval(found.group(1))


def without_comments_and_strings(text):
    """The text with comments and literals blanked out; line numbers stay."""
    return _NOT_CODE.sub(lambda found: re.sub(r"[^\n]", " ", found.group(0)), text)


def _layer(path):
    """The layer that a path belongs to; None outside platform/."""
    parts = path.split("/")
    return parts[1] if parts[0] == "platform" and len(parts) > 2 else None


def _service(path):
    parts = path.split("/")
    return parts[1] if parts[0] == "services" and len(parts) > 2 else None


class Checker:
    """Collects the violations of one tree."""

    def __init__(self, layers, allowed=None):
        self._layers = layers
        self._allowed = ALLOWED if allowed is None else allowed
        self.violations = []

    def check(self, path, text):
        """Checks one file, given by its path from the top of the tree."""
        layer = _layer(path)
        if layer is not None and layer not in self._layers:
            self._report(path, 1, "layers", f"platform/{layer} is no layer; the layers are "
                         + ", ".join(self._layers) + " (bazel/layers.bzl)")
            return
        if _SOURCE.search(path):
            self._check_source(path, text)
        elif os.path.basename(path) == "BUILD" or path.endswith(".bzl"):
            self._check_build(path, text)

    def _check_source(self, path, text):
        for number, line in enumerate(text.splitlines(), 1):
            found = _INCLUDE.match(line)
            if found:
                self._check_include(path, number, found.group(1))
        layer = _layer(path)
        in_platform = path.startswith("platform/")
        if not in_platform and not path.startswith("services/"):
            return
        code = without_comments_and_strings(text)
        for number, line in enumerate(code.splitlines(), 1):
            if _THREAD_LOCAL.search(line) and layer != "fiber":
                self._report(path, number, "thread_local",
                             "thread_local outside platform/fiber: a fiber that parks may find "
                             "another fiber's value; use weft::FiberLocal")
            time = _TIME.search(line)
            if time and in_platform and not path.startswith("platform/base/clock"):
                self._report(path, number, "time",
                             f"{time.group(1)}: take the time from the injected Clock "
                             "(platform/base/clock.h), so that tests can simulate it")

    def _check_include(self, path, number, header):
        layer = _layer(path)
        self._check_upward(path, number, header, f'#include "{header}"')
        if header.startswith("boost/") and not path.startswith("platform/fiber/internal/"):
            self._report(path, number, "boost",
                         f"#include <{header}>: only platform/fiber/internal may see Boost")
        for prefix in _BANNED_INCLUDES.get(layer, ()):
            if header.startswith(prefix) and not header.startswith("grpc/health"):
                self._report(path, number, "foreign",
                             f"#include <{header}>: platform/{layer} knows nothing of it; plug in "
                             "through an interface from a layer to its right")

    def _check_upward(self, path, number, target, shown):
        """Reports a use of `target`, a path in the tree, that the layers do not permit."""
        layer, service = _layer(path), _service(path)
        used, used_service = _layer(target), _service(target)
        if layer and used in self._layers:
            if self._layers.index(used) > self._layers.index(layer):
                self._report(path, number, "layers",
                             f"{shown}: {layer} may not use {used}, which stands to its right in "
                             + " <- ".join(self._layers))
        if layer and used_service:
            self._report(path, number, "layers", f"{shown}: the platform may not use a service")
        if service and used_service not in (None, service, "testing"):
            self._report(path, number, "services",
                         f"{shown}: a service may not use another one's code; call it by RPC")

    def _check_build(self, path, text):
        if path.startswith("bazel/"):
            return
        for number, line in enumerate(text.splitlines(), 1):
            line = line.split("#", 1)[0]
            found = _CC_RULE.search(line)
            if found:
                self._report(path, number, "wrappers",
                             f"{found.group(1)}: use weft_{found.group(1)} of bazel/*.bzl")
            if _SOURCE_GLOB.search(line):
                self._report(path, number, "globs", "a glob over sources: list the files")
            for package, target in _LABEL.findall(line):
                if package == "@system//":
                    if target.startswith("boost") and not path.startswith("platform/fiber/"):
                        self._report(path, number, "boost",
                                     f"@system//:{target}: only platform/fiber may use Boost")
                elif "..." not in package and not target.startswith("users_of_"):
                    self._check_upward(path, number, package[2:] + "/", f'"{package}"')

    def _report(self, path, number, rule, text):
        for pattern, allowed_rule, _ in self._allowed:
            if allowed_rule == rule and fnmatch.fnmatch(path, pattern):
                return
        self.violations.append(Violation(path, number, rule, text))


def check_tree(root, paths):
    """Violations of the given files below `root`, in order."""
    with open(os.path.join(root, "bazel/layers.bzl"), encoding="utf-8") as file:
        checker = Checker(read_layers(file.read()))
    for path in paths:
        if _SOURCE.search(path) or os.path.basename(path) == "BUILD" or path.endswith(".bzl"):
            with open(os.path.join(root, path), encoding="utf-8") as file:
                checker.check(path, file.read())
    return checker.violations


def format_violation(violation):
    return f"{violation.path}:{violation.line}: [{violation.rule}] {violation.text}"
