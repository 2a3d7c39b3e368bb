"""sleepers: calls by the thousand that each wait a second, on a server with one processor."""

import argparse
import random
from typing import Dict, List

from benchmarks import processes, rows, servers

HELP = "10,000 calls in flight that each sleep 1 s: errors, p99, total time, peak memory"

# A thread a call is what raw_sync would need, and a gRPC alarm a call is no match for a heap.
DEFAULT_SERVERS = "raw_async,weft_telemetry_off,weft_telemetry_on"
TIMEOUT_SECONDS = 120


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--calls", type=int, default=10_000,
                        help="calls in flight, all started at once (default: %(default)s)")
    parser.add_argument("--connections", type=int, default=10,
                        help="that they come over (default: %(default)s)")
    parser.add_argument("--sleep-ms", type=int, default=1000,
                        help="how long each waits on the server (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=5,
                        help="fresh starts of each server (default: %(default)s)")
    parser.add_argument("--servers", type=servers.parse_names, default=DEFAULT_SERVERS,
                        help="which servers (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of the order (default: %(default)s)")
    parser.add_argument("--quick", action="store_true",
                        help="one short run only: to see that it works, not for figures")


def measure(name: str, command: List[str], options, placement) -> Dict[str, float]:
    with processes.Processes() as running:
        server = running.start_server(name, command, placement.server)
        client = running.start_client(
            processes.require_binary(options.bin_dir, servers.CLIENT), [server.address],
            [f"--connections={options.connections}",
             f"--streams={-(-options.calls // options.connections)}", "--method=sleep",
             f"--sleep_ms={options.sleep_ms}"], placement.client)
        before = server.cpu_seconds()
        report = client.requests(0, options.calls, TIMEOUT_SECONDS)
        server.require_alive()
        figures = {
            "errors": sum(report["errors"].values()),
            "latency_p99": report["p99_us"],
            "total_time": report["seconds"],
            "cpu_per_request": (server.cpu_seconds() - before) * 1e6 / options.calls,
            "peak_rss": server.peak_rss_bytes(),
        }
        if report["errors"]:
            processes.note(f"{name}: {report['errors']}: {report['last_error']}")
        server.terminate()
        return figures


UNITS = {
    "errors": "calls",
    "latency_p99": "us",
    "total_time": "s",
    "cpu_per_request": "us",
    "peak_rss": "bytes",
}
COMPARED = ("latency_p99", "total_time", "cpu_per_request", "peak_rss")


def run(options) -> List[rows.Row]:
    if options.quick:
        options.rounds, options.calls, options.sleep_ms = 1, min(options.calls, 1000), 200
    placement = processes.choose_placement()
    processes.warn_if_busy()
    commands = servers.commands(options.servers, options.bin_dir)
    order = random.Random(options.seed)
    measured: Dict[str, List[Dict[str, float]]] = {name: [] for name in commands}
    prefix = f"sleepers/{options.calls}x{options.sleep_ms}ms"
    processes.note(f"{prefix}: {options.rounds} rounds of {', '.join(commands)}")
    for _ in range(options.rounds):
        for name in order.sample(list(commands), len(commands)):
            measured[name].append(measure(name, commands[name], options, placement))
    result = []
    base = measured.get(servers.BASELINE)
    for name, runs in measured.items():
        for quantity, unit in UNITS.items():
            values = [figures[quantity] for figures in runs]
            row_name = f"{prefix}/{name}/{quantity}"
            result.append(rows.summary_row(row_name, values, unit))
            if base and name != servers.BASELINE and quantity in COMPARED:
                result += rows.ratio_row(
                    row_name, values, f"{prefix}/{servers.BASELINE}/{quantity}",
                    [figures[quantity] for figures in base])
    return result
