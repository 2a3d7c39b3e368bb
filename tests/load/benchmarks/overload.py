"""overload: goodput and latency of a server that gets more calls than it can serve."""

import argparse
from typing import Dict, List

from benchmarks import processes, rows

HELP = "more calls than a server can serve, with admission control and without it"

SERVER = "//tests/load:overload_server"
CLIENT = "//tests/load:load_client"
# Work whose capacity is the shard's CPU, and work whose capacity is four places of 10 ms.
WORK = {
    "compute": ["--work=compute", "--service_time=1ms"],
    "places": ["--work=places", "--service_time=10ms", "--places=4"],
}
CONNECTIONS = 10
STREAMS = 500  # on each connection: more than are ever in flight


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--factors", default="0.8,2,5",
                        help="load, as multiples of the capacity (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=10,
                        help="of each run (default: %(default)s)")
    parser.add_argument("--timeout-ms", type=int, default=250,
                        help="how long a client waits (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="of each (default: %(default)s)")
    parser.add_argument("--quick", action="store_true",
                        help="one short run only: to see that it works, not for figures")


def capacity(options, placement, work: str) -> float:
    """Calls a second with a few always in flight and nothing turned away."""
    with processes.Processes() as running:
        server = running.start_server(
            "overload_server", [processes.require_binary(options.bin_dir, SERVER),
                                "--admission=off", *WORK[work]], placement.server)
        client = running.start_client(
            processes.require_binary(options.bin_dir, CLIENT), [server.address],
            ["--connections=2", "--streams=4", "--method=say"], placement.client)
        client.run(0, 500)
        return client.run(0, int(options.seconds * 300))["requests_per_s"]


def measure(options, placement, work: str, admission: str, rate: float) -> Dict[str, float]:
    with processes.Processes() as running:
        server = running.start_server(
            "overload_server", [processes.require_binary(options.bin_dir, SERVER),
                                f"--admission={admission}", *WORK[work]], placement.server)
        client = running.start_client(
            processes.require_binary(options.bin_dir, CLIENT), [server.address],
            [f"--connections={CONNECTIONS}", f"--streams={STREAMS}", "--method=say",
             "--deadlines"], placement.client)
        # A second to find the limit in; then what counts.
        client.rate(0, 1000, int(rate), options.timeout_ms)
        report = client.rate(0, int(options.seconds * 1000), int(rate), options.timeout_ms)
        server.require_alive()
        server.terminate()
    good = report["requests"] - sum(report["errors"].values())
    return {
        "goodput": good / options.seconds,
        "latency_p50": report["p50_us"],
        "latency_p99": report["p99_us"],
        "turned_away": report["errors"].get("RESOURCE_EXHAUSTED", 0) / options.seconds,
        "too_late": report["errors"].get("DEADLINE_EXCEEDED", 0) / options.seconds,
        "not_started": report["not_started"] / options.seconds,
    }


UNITS = {"goodput": "1/s", "latency_p50": "us", "latency_p99": "us", "turned_away": "1/s",
         "too_late": "1/s", "not_started": "1/s"}


def run(options) -> List[rows.Row]:
    if options.quick:
        options.rounds, options.seconds, options.factors = 1, 0.5, "2"
    placement = processes.choose_placement()
    processes.warn_if_busy()
    result = []
    for work in WORK:
        served: Dict[str, List[float]] = {"capacity": []}
        measured: Dict[str, List[Dict[str, float]]] = {}
        for _ in range(options.rounds):
            # The machine's speed drifts: each round has its own capacity, measured beside the rest.
            peak = capacity(options, placement, work)
            served["capacity"].append(peak)
            for factor in options.factors.split(","):
                for admission in ("off", "on"):
                    figures = measure(options, placement, work, admission, float(factor) * peak)
                    figures["goodput_ratio"] = figures["goodput"] / peak
                    measured.setdefault(f"{factor}x/admission_{admission}", []).append(figures)
        result.append(rows.summary_row(f"overload/{work}/capacity", served["capacity"], "1/s"))
        for name, runs in measured.items():
            for quantity, unit in {**UNITS, "goodput_ratio": "ratio"}.items():
                result.append(rows.summary_row(f"overload/{work}/{name}/{quantity}",
                                               [figures[quantity] for figures in runs], unit))
    return result
