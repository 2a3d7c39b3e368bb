"""parked: what a fiber that waits costs in resident memory."""

import argparse
import json
from typing import List

from benchmarks import processes, rows

HELP = "resident memory of a parked fiber"

BINARY = "//platform/fiber:parked_fibers"
TIMEOUT_SECONDS = 120


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--fibers", type=int, default=100_000,
                        help="fibers parked at once (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=5,
                        help="fresh processes (default: %(default)s)")
    parser.add_argument("--quick", action="store_true", help="one round of 1,000 fibers")


def run(options) -> List[rows.Row]:
    if options.quick:
        options.fibers, options.rounds = 1000, 1
    binary = processes.require_binary(options.bin_dir, BINARY)
    values = []
    for _ in range(options.rounds):
        with processes.Processes() as running:
            child = running.start_child("parked_fibers", [binary, f"--fibers={options.fibers}"])
            report = json.loads(child.read_line(TIMEOUT_SECONDS))
            if child.wait(TIMEOUT_SECONDS) != 0:
                raise child.death()
        grown = report["rss_bytes_parked"] - report["rss_bytes_before"]
        values.append(grown / report["fibers"])
    return [rows.summary_row(f"parked/{options.fibers}/rss_per_fiber", values, "bytes")]
