"""listing: a look at very many parked fibers, and how long it keeps their shard from the others."""

import argparse
import json
from typing import Dict, List

from benchmarks import processes, rows

HELP = "a listing of 100,000 fibers with stacks: its time, and the shard's longest turn meanwhile"

BINARY = "//platform/fiber:listed_fibers"
TIMEOUT_SECONDS = 120
# longest_turn is what a fiber of that shard waited for its turn at most, the median of five
# listings; _cpu leaves out what other programs took of the processor meanwhile; _without is the
# same in pauses as long as a listing.
UNITS = {
    "seconds": "s",
    "longest_turn_us": "us",
    "longest_turn_cpu_us": "us",
    "longest_turn_without_us": "us",
    "longest_turn_without_cpu_us": "us",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--fibers", type=int, default=100_000,
                        help="fibers parked at once (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=5,
                        help="fresh processes (default: %(default)s)")
    parser.add_argument("--quick", action="store_true", help="one round of 1,000 fibers")


def measure(binary, options) -> Dict[str, float]:
    with processes.Processes() as running:
        child = running.start_child("listed_fibers", [binary, f"--fibers={options.fibers}"])
        report = json.loads(child.read_line(TIMEOUT_SECONDS))
        if child.wait(TIMEOUT_SECONDS) != 0:
            raise child.death()
    if report["listed"] <= options.fibers:
        raise processes.BenchError(
            f"only {report['listed']} of {options.fibers + 1} fibers were listed")
    return report


def run(options) -> List[rows.Row]:
    if options.quick:
        options.fibers, options.rounds = 1000, 1
    binary = processes.require_binary(options.bin_dir, BINARY)
    processes.warn_if_busy()
    reports = [measure(binary, options) for _ in range(options.rounds)]
    return [
        rows.summary_row(f"listing/{options.fibers}/{quantity.removesuffix('_us')}",
                         [report[quantity] for report in reports], unit)
        for quantity, unit in UNITS.items()
    ]
