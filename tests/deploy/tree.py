"""Where these tests find the repository's files and the tools they call."""

import os
import pathlib
import re
import shutil
import subprocess


def root():
    """The repository's root: the runfiles under Bazel, else the checkout that holds this file."""
    if "TEST_SRCDIR" in os.environ:
        return pathlib.Path(os.environ["TEST_SRCDIR"], os.environ["TEST_WORKSPACE"])
    return pathlib.Path(__file__).resolve().parents[2]


ROOT = root()
BASE = ROOT / "deploy/base"
OVERLAYS = ROOT / "deploy/overlays"
MONITORING = ROOT / "deploy/monitoring"
ALERTS = MONITORING / "rules/alerts.yaml"
RULE_FILES = [MONITORING / "rules/recording.yaml", MONITORING / "rules/slo.yaml", ALERTS]

INSTALL_KUSTOMIZE = "install kubectl 1.27 or newer, or kustomize 5.0 or newer"


def kustomize_command():
    """How to call a kustomize that is new enough, such as [kubectl, kustomize]; None without one.

    Components and label templates need kustomize 5.0. kubectl carries its own: since 1.27 a 5.x.
    """
    if shutil.which("kustomize"):
        version = subprocess.run(["kustomize", "version"], capture_output=True, text=True)
        if _at_least(version.stdout, (5, 0)):
            return ["kustomize", "build"]
    if shutil.which("kubectl"):
        version = subprocess.run(
            ["kubectl", "version", "--client"], capture_output=True, text=True)
        kustomize = re.search(r"Kustomize Version: *(\S+)", version.stdout)
        if kustomize and _at_least(kustomize[1], (5, 0)):
            return ["kubectl", "kustomize"]
    return None


def _at_least(text, wanted):
    found = re.search(r"v(\d+)\.(\d+)", text)
    return bool(found) and (int(found[1]), int(found[2])) >= wanted


def promtool(*arguments):
    """Runs promtool; returns its exit code and everything that it printed."""
    if not shutil.which("promtool"):
        raise RuntimeError("promtool is missing: it is in Debian's package prometheus")
    done = subprocess.run(["promtool", *map(str, arguments)], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)
    return done.returncode, done.stdout
