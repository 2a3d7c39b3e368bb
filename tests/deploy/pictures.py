"""Makes the pictures of the documentation: rows of dashboards on the demo's services in trouble.

    bazel run //tests/deploy:pictures          # writes docs/pictures/*.png

Starts the services, their load and a Prometheus, lets callers make trouble for a minute and a half,
asks Prometheus what the panels ask, and has Chromium photograph what charts.py draws of it.
"""

import json
import math
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading
import time

# "bazel run" does not say where the runfiles are, as "bazel test" does: this file is in them.
_RUNFILES = pathlib.Path(__file__).absolute().parents[3]
os.environ.setdefault("TEST_SRCDIR", str(_RUNFILES))
os.environ.setdefault("TEST_WORKSPACE", pathlib.Path(__file__).absolute().parents[2].name)

import charts  # noqa: E402
import monitoring_checks as checks  # noqa: E402
import tree  # noqa: E402

from tests.deploy import live_monitoring, live_shop  # noqa: E402

_SECONDS = 90
_QUIET = (30, 60)  # no trouble meanwhile, so that one sees what it does
_COLUMN, _ROW, _GAP = 50, 32, 5  # pixels of a column of 24, and of a unit of height
_WIDTH = 24 * _COLUMN
# File: dashboard, the row of it, and how many of its panels.
PICTURES = {
    "fleet.png": ("weft-fleet", "What callers see", 3),
    "service.png": ("weft-service", "Golden signals: the calls this service answers", 5),
    "runtime.png": ("weft-runtime", "Shards", 6),
    "dependencies.png": ("weft-dependencies", "Attempts: what goes over the wire", 5),
    "overload.png": ("weft-overload", "Calls that are given up", 2),
}


def panels_of(uid, row, count):
    """The first panels of one row of a dashboard."""
    model = json.loads((tree.MONITORING / f"dashboards/{uid}.json").read_text())
    titles, found = None, []
    for panel in model["panels"]:
        if panel["type"] == "row":
            titles = panel["title"]
        elif titles == row:
            found.append(panel)
    assert found, f"{uid} has no row {row!r}"
    return found[:count]


def series_of(live, panel, span):
    """[(name, [(time, value)])] of all queries of the panel; a value that is missing is NaN."""
    found = []
    for target in panel["targets"]:
        query = checks.with_values(target["expr"], live_monitoring.RATE_INTERVAL)
        data = live.ask("query_range", query=query, start=span[0], end=span[1], step=1)
        for one in data["result"]:
            values = {int(float(at)): float(value) for at, value in one["values"]}
            points = [(at, values.get(at, math.nan)) for at in range(int(span[0]), int(span[1]))]
            found.append((charts.legend_of(target["legendFormat"], one["metric"]), points))
    # The highest first: those are the ones that the legend has room for.
    return sorted(found, key=lambda one: -max(filter(math.isfinite, (v for _, v in one[1])),
                                              default=-1))


def draw(live, panels, span):
    """The HTML page of a row's panels, and its height."""
    first = min(panel["gridPos"]["y"] for panel in panels)
    placed, height = [], 0
    for panel in panels:
        grid = panel["gridPos"]
        size = (grid["w"] * _COLUMN - 2 * _GAP, grid["h"] * _ROW - 2 * _GAP)
        y = (grid["y"] - first) * _ROW + _GAP
        text = charts.svg(panel, series_of(live, panel, span), span, size)
        placed.append((grid["x"] * _COLUMN + _GAP, y, text))
        height = max(height, y + size[1] + _GAP + 2)
    return charts.page(placed), height


def photograph(page, height, output):
    with tempfile.TemporaryDirectory() as folder:
        source = pathlib.Path(folder, "page.html")
        source.write_text(page, encoding="utf-8")
        subprocess.run(
            ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
             "--disable-lcd-text",  # Coloured edges of letters double the file.
             f"--user-data-dir={folder}/profile", f"--window-size={_WIDTH},{height}",
             f"--screenshot={output}", source.as_uri()],
            check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=120)


def main():
    for tool in ("prometheus", "chromium"):
        if not shutil.which(tool):
            sys.exit(f"pictures: install Debian's package {tool}")
    output = pathlib.Path(os.environ["BUILD_WORKSPACE_DIRECTORY"], "docs/pictures")
    output.mkdir(exist_ok=True)
    pause = threading.Event()
    with live_monitoring.Live() as live:
        trouble = live_shop.Trouble(live.services)
        start = time.time()
        while time.time() - start < _SECONDS:
            if not _QUIET[0] < time.time() - start < _QUIET[1]:
                trouble.turn()
            pause.wait(0.5)
        span = (start + 10, start + _SECONDS)
        for name, (uid, row, count) in PICTURES.items():
            page, height = draw(live, panels_of(uid, row, count), span)
            photograph(page, height, output / name)
            print(f"docs/pictures/{name}")


if __name__ == "__main__":
    main()
