"""Tries faults on a service, and prints what became of its calls. README.md has the scenarios.

    bazel run --config=opt //tests/faults:try -- --scenario=churn --for=60s

Exit status 1 when something was lost, hung, or was not given back.
"""

import argparse
import re
import resource
import sys
import tempfile
import time

from tests.faults import bad_peers, bad_times, certificate_changes, lab

SCENARIOS = {**bad_times.SCENARIOS, **bad_peers.SCENARIOS, **certificate_changes.SCENARIOS}
_UNITS = {"s": 1, "m": 60, "h": 3600}


def duration(text):
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smh])", text)
    if not match:
        raise argparse.ArgumentTypeError(f"{text!r} is no duration: write 10s, 1.5s or 10m")
    return float(match[1]) * _UNITS[match[2]]


def try_scenario(name, seconds):
    """The trial's figures and faults."""
    # A peer's thousand connections are descriptors of this process.
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        with lab.Trial(folder, seconds) as trial:
            SCENARIOS[name](trial)
            return trial.figures, trial.faults


def main():
    parser = argparse.ArgumentParser(description="Tries faults on a service.")
    parser.add_argument("--scenario", default="all", choices=["all", *SCENARIOS])
    parser.add_argument("--for", dest="seconds", type=duration, default=10.0,
                        help="how long each fault lasts: 10s, 10m (default: 10s)")
    options = parser.parse_args()
    names = list(SCENARIOS) if options.scenario == "all" else [options.scenario]
    bad = 0
    for name in names:
        begin = time.monotonic()
        figures, faults = try_scenario(name, options.seconds)
        print(f"{name}: {'held' if not faults else 'FAULTS'}, "
              f"{time.monotonic() - begin:.0f} s", flush=True)
        for what, value in figures.items():
            print(f"  {what:<56} {value:>10}")
        for fault in faults:
            print(f"  fault: {fault}")
        bad += bool(faults)
        sys.stdout.flush()
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
