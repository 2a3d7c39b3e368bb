"""The metrics that a Weft service has, with their types and labels: what queries may ask for.

docs/metrics.md is the catalogue. The list below stands in for it in a tree that has none.
"""

import dataclasses
import re

METHOD, TARGET, STATUS = "grpc_method", "grpc_target", "grpc_status"


@dataclasses.dataclass(frozen=True)
class Metric:
    type: str  # counter, gauge or histogram
    labels: tuple


STAND_IN = {
    "grpc_server_call_started_total": Metric("counter", (METHOD,)),
    "grpc_server_call_duration_seconds": Metric("histogram", (METHOD, STATUS)),
    "grpc_client_attempt_started_total": Metric("counter", (METHOD, TARGET)),
    "grpc_client_attempt_duration_seconds": Metric("histogram", (METHOD, TARGET, STATUS)),
    "grpc_client_call_duration_seconds": Metric("histogram", (METHOD, TARGET, STATUS)),
    "weft_loop_lag_seconds": Metric("histogram", ("shard",)),
    "weft_fibers": Metric("gauge", ("shard", "state")),
    "weft_fibers_spawned_total": Metric("counter", ("shard",)),
    "weft_fibers_finished_total": Metric("counter", ("shard",)),
    "weft_run_queue_length": Metric("gauge", ("shard",)),
    "weft_longest_run_seconds": Metric("gauge", ("shard",)),
    "weft_stacks": Metric("gauge", ("shard", "size")),
    "weft_stack_bytes": Metric("gauge", ("shard", "size")),
    "weft_stack_high_water_bytes": Metric("gauge", ("shard", "size")),
    "weft_stalls_total": Metric("counter", ("shard", "cause")),
    "weft_deadlocks_total": Metric("counter", ("shard",)),
    "weft_loop_iterations_total": Metric("counter", ("shard",)),
    "weft_loop_busy_seconds_total": Metric("counter", ("shard",)),
    "weft_poll_events_total": Metric("counter", ("shard",)),
    "weft_blocking_threads": Metric("gauge", ("pool",)),
    "weft_blocking_threads_max": Metric("gauge", ("pool",)),
    "weft_blocking_busy_threads": Metric("gauge", ("pool",)),
    "weft_blocking_queue_length": Metric("gauge", ("pool",)),
    "weft_blocking_rejected_total": Metric("counter", ("pool",)),
    "weft_blocking_given_up_total": Metric("counter", ("pool",)),
    "weft_blocking_queue_wait_seconds": Metric("histogram", ("pool",)),
    "process_cpu_seconds_total": Metric("counter", ()),
    "process_resident_memory_bytes": Metric("gauge", ()),
    "process_virtual_memory_bytes": Metric("gauge", ()),
    "process_open_fds": Metric("gauge", ()),
    "process_max_fds": Metric("gauge", ()),
    "process_start_time_seconds": Metric("gauge", ()),
    "weft_build_info": Metric("gauge", ("version", "service")),
}

# Not the service's own: Prometheus writes it for each target.
BY_PROMETHEUS = {"up": Metric("gauge", ())}


def load(root):
    """The catalogue of the tree at `root`: {name: Metric}."""
    document = root / "docs/metrics.md"
    return parse(document.read_text()) if document.is_file() else STAND_IN


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
