"""The metrics that a Weft service has, with their types and labels: what queries may ask for.

docs/metrics.md is the catalogue; //platform/observability/metrics checks it against the code.
"""

import dataclasses
import re


@dataclasses.dataclass(frozen=True)
class Metric:
    type: str  # counter, gauge or histogram
    labels: tuple


# Not the service's own: Prometheus writes it for each target.
BY_PROMETHEUS = {"up": Metric("gauge", ())}


def load(root):
    """The catalogue of the tree at `root`: {name: Metric}."""
    return parse((root / "docs/metrics.md").read_text())


def parse(text):
    """Reads every table of a Markdown page whose header has the columns name, type and labels."""
    metrics, columns = {}, None
    for line in text.splitlines():
        if not line.lstrip().startswith("|"):
            columns = None
            continue
        cells = [cell.strip().strip("`") for cell in line.strip().strip("|").split("|")]
        if columns is None:
            columns = [cell.lower() for cell in cells]
        elif {"name", "type", "labels"} <= set(columns) and not set(line) <= set("|-: "):
            row = dict(zip(columns, cells))
            metrics[row["name"]] = Metric(row["type"], tuple(re.findall(r"[a-z_]+", row["labels"])))
    if not metrics:
        raise ValueError("no table with the columns name, type and labels")
    unknown = {metric.type for metric in metrics.values()} - {"counter", "gauge", "histogram"}
    if unknown:
        raise ValueError(f"unknown metric types: {sorted(unknown)}")
    return metrics


def series_of(metrics):
    """The names a query may use, with the labels each has: a histogram is three of them."""
    series = {}
    for name, metric in metrics.items():
        if metric.type == "histogram":
            series[name + "_bucket"] = metric.labels + ("le",)
            series[name + "_sum"] = series[name + "_count"] = metric.labels
        else:
            series[name] = metric.labels
    return series
