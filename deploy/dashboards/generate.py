"""Writes the dashboards of this folder as JSON files, for Grafana:

    python3 deploy/dashboards/generate.py            # into deploy/monitoring/dashboards

A test compares the files with what this makes, so they are never edited by hand.
"""

import pathlib
import sys

_ROOT = pathlib.Path(__file__).absolute().parents[2]
sys.path.insert(0, str(_ROOT))
from deploy.dashboards import (  # noqa: E402
    dependencies, fleet, overload, panels, runtime, service)

_OUTPUT = _ROOT / "deploy/monitoring/dashboards"


def files():
    """{name: text} of every dashboard."""
    models = [module.DASHBOARD for module in (fleet, service, runtime, dependencies, overload)]
    return {model["uid"] + ".json": panels.text_of(model) for model in models}


def main():
    for name, text in files().items():
        (_OUTPUT / name).write_text(text, encoding="utf-8")
        print(f"deploy/monitoring/dashboards/{name}")


if __name__ == "__main__":
    main()
