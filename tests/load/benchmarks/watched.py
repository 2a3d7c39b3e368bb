"""watched: what the stall watchdog and an observer's hooks add to a switch, a park, a spawn."""

import argparse
import json
import tempfile
from typing import Dict, List

from benchmarks import callgrind, processes, rows

HELP = "what the stall watchdog and an observer's hooks add to a switch, a park, a spawn"

BINARY = "//platform/fiber:watched_fibers"
WORKS = ("switch", "park", "spawn")
BASELINE = "plain"
SUBJECTS = (BASELINE, "watched")

# Start and end of the program are in both counts. They differ from run to run, always upwards, so
# the smallest of some is taken.
CALLGRIND_TURNS = (1_000, 21_000)
CALLGRIND_RUNS = 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rounds", type=int, default=50,
                        help="slices of each subject (default: %(default)s)")
    parser.add_argument("--turns", type=int, default=100_000,
                        help="turns of a slice (default: %(default)s)")
    parser.add_argument("--callgrind", action="store_true",
                        help="also count user instructions under valgrind")
    parser.add_argument("--quick", action="store_true", help="three short slices")


def compare(binary, options, work: str, placement) -> Dict[str, List[float]]:
    """Nanoseconds of processor time for a turn, by subject, in the order of the rounds."""
    with processes.Processes() as running:
        child = running.start_child(
            "watched_fibers", [binary, f"--work={work}", f"--turns={options.turns}",
                               f"--rounds={options.rounds}"], placement.server)
        report = json.loads(child.read_line(processes.START_TIMEOUT_SECONDS * options.rounds))
        if child.wait(processes.STOP_TIMEOUT_SECONDS) != 0:
            raise child.death()
    return report


def count_instructions(binary, work: str, subject: str, turns: int) -> int:
    with tempfile.TemporaryDirectory() as directory, processes.Processes() as running:
        child = running.start_child(
            "watched_fibers", callgrind.command(
                [binary, f"--work={work}", f"--only={subject}", f"--turns={turns}"], directory))
        if child.wait(callgrind.TIMEOUT_SECONDS) != 0:
            raise child.death()
        return callgrind.total(child)


def instructions_of_turn(binary, work: str, subject: str) -> float:
    few, many = (
        min(count_instructions(binary, work, subject, turns) for _ in range(CALLGRIND_RUNS))
        for turns in CALLGRIND_TURNS)
    return (many - few) / (CALLGRIND_TURNS[1] - CALLGRIND_TURNS[0])


def work_rows(work: str, quantity: str, unit: str,
              values: Dict[str, List[float]]) -> List[rows.Row]:
    base_name = f"watched/{work}/{BASELINE}/{quantity}"
    result = []
    for subject in SUBJECTS:
        name = f"watched/{work}/{subject}/{quantity}"
        result.append(rows.summary_row(name, values[subject], unit))
        if subject == BASELINE:
            continue
        pairs = (name, values[subject], base_name, values[BASELINE])
        result += rows.ratio_row(*pairs)
        if len(values[subject]) > 1:
            result += rows.ratio_quartile_rows(*pairs)
    return result


def run(options) -> List[rows.Row]:
    if options.quick:
        options.rounds, options.turns = 3, 2000
    binary = processes.require_binary(options.bin_dir, BINARY)
    placement = processes.choose_placement()
    processes.warn_if_busy()
    result = []
    for work in WORKS:
        result += work_rows(work, "cpu_time", "ns", compare(binary, options, work, placement))
    if options.callgrind and callgrind.available():
        for work in WORKS:
            counts = {subject: [instructions_of_turn(binary, work, subject)]
                      for subject in SUBJECTS}
            result += work_rows(work, "user_instructions", "instructions", counts)
    return result
