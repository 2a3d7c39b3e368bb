"""million: a million fibers at once that each sleep a second, on one shard and one processor."""

import argparse
import json
from typing import Dict, List

from benchmarks import processes, rows

HELP = "a million fibers that each sleep 1 s: processor time, total time, peak memory"

BINARY = "//platform/fiber:sleeping_fibers"
TIMEOUT_SECONDS = 120


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--fibers", type=int, default=1_000_000,
                        help="fibers at once (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=5,
                        help="fresh processes (default: %(default)s)")
    parser.add_argument("--quick", action="store_true", help="one round of 10,000 fibers")


def measure(binary, options, placement) -> Dict[str, float]:
    with processes.Processes() as running:
        child = running.start_child("sleeping_fibers", [binary, f"--fibers={options.fibers}"],
                                    placement.server)
        report = json.loads(child.read_line(TIMEOUT_SECONDS))
        if child.wait(TIMEOUT_SECONDS) != 0:
            raise child.death()
    return {
        "total_time": report["wall_seconds"],
        "user_time": report["user_seconds"],
        "system_time": report["system_seconds"],
        "cpu_time": report["user_seconds"] + report["system_seconds"],
        # The kernel counts the page tables of these stacks apart.
        "page_tables": report["page_table_bytes"],
        "peak_memory": report["peak_resident_bytes"] + report["page_table_bytes"],
    }


def run(options) -> List[rows.Row]:
    if options.quick:
        options.fibers, options.rounds = 10_000, 1
    binary = processes.require_binary(options.bin_dir, BINARY)
    placement = processes.choose_placement()
    processes.warn_if_busy()
    runs = [measure(binary, options, placement) for _ in range(options.rounds)]
    return [
        rows.summary_row(f"million/{options.fibers}/{quantity}",
                         [figures[quantity] for figures in runs],
                         "s" if quantity.endswith("time") else "bytes") for quantity in runs[0]
    ]
