"""micro: the Google Benchmark programs of the repository, as rows of the common list."""

import argparse
import json
from typing import Dict, List

from benchmarks import processes, rows

HELP = "micro-benchmarks of the fiber layer"

# Add a program here to have it measured; its rows are named micro/<target>/<benchmark>/<quantity>.
BINARIES = ("//platform/fiber:fiber_benchmark",)
TIMEOUT_SECONDS = 900


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rounds", type=int, default=9,
                        help="repetitions of each benchmark (default: %(default)s)")
    parser.add_argument("--filter", default="",
                        help="a regular expression for the benchmarks' names (default: all)")
    parser.add_argument("--quick", action="store_true", help="two short repetitions")


def benchmark_rows(program: str, report: Dict) -> List[rows.Row]:
    """Google Benchmark's JSON: the repetitions of each benchmark, without its own aggregates."""
    times: Dict[str, Dict[str, List[float]]] = {}
    units: Dict[str, str] = {}
    for entry in report["benchmarks"]:
        if entry.get("run_type") == "aggregate":
            continue
        if entry.get("error_occurred"):
            raise processes.BenchError(f"{entry['name']}: {entry.get('error_message', 'failed')}")
        name = f"micro/{program}/{entry.get('run_name', entry['name'])}"
        units[name] = entry["time_unit"]
        for quantity in ("cpu_time", "real_time"):
            times.setdefault(name, {}).setdefault(quantity, []).append(entry[quantity])
    return [
        rows.summary_row(f"{name}/{quantity}", values, units[name])
        for name, quantities in times.items() for quantity, values in quantities.items()
    ]


def run_program(options, label: str) -> List[rows.Row]:
    binary = processes.find_binary(options.bin_dir, label)
    if binary is None:
        processes.note(processes.missing(label, options.bin_dir) + "; going on without it")
        return []
    command = [binary, "--benchmark_format=json",
               f"--benchmark_repetitions={options.rounds}", f"--benchmark_filter={options.filter}"]
    if options.quick:
        command.append("--benchmark_min_time=0.01")
    placement = processes.choose_placement()
    with processes.Processes() as running:
        child = running.start_child(label, command, placement.server)
        text = child.read_to_end(TIMEOUT_SECONDS)
        if child.wait(processes.STOP_TIMEOUT_SECONDS) != 0:
            raise child.death()
    return benchmark_rows(label.split(":")[1], json.loads(text))


def run(options) -> List[rows.Row]:
    if options.quick:
        options.rounds = 2
    result = [row for label in BINARIES for row in run_program(options, label)]
    if not result:
        raise processes.BenchError("no micro-benchmark is built")
    return result
