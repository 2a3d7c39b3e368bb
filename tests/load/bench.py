#!/usr/bin/python3
"""Runs one measurement and prints its rows as a table, and as JSON with --json.

    bench.py --bin-dir bazel-bin echo --json echo.json

To add one, write a module in benchmarks/ with HELP, add_arguments(parser) and run(options), which
returns a list of rows.Row, and name it in MEASUREMENTS.
"""

import argparse
import pathlib
import signal
import sys
from typing import List, Optional

from benchmarks import (echo, listing, micro, million, overload, parked, processes, rows, sleepers,
                        watched)

MEASUREMENTS = {
    "echo": echo,
    "sleepers": sleepers,
    "overload": overload,
    "parked": parked,
    "million": million,
    "listing": listing,
    "watched": watched,
    "micro": micro,
}


def parse_arguments(arguments: Optional[List[str]]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="bench", description="Measures Weft against hand-written gRPC, and itself.")
    parser.add_argument("--bin-dir", type=pathlib.Path, required=True,
                        help="where the built programs are, such as bazel-bin")
    names = parser.add_subparsers(dest="name", metavar="NAME", required=True)
    for name, module in MEASUREMENTS.items():
        sub = names.add_parser(name, help=module.HELP, description=module.HELP)
        sub.add_argument("--json", type=pathlib.Path, metavar="FILE", help="write the rows there")
        module.add_arguments(sub)
    return parser.parse_args(arguments)


def interrupt(*_) -> None:
    raise KeyboardInterrupt


def main(arguments: Optional[List[str]] = None) -> int:
    options = parse_arguments(arguments)
    signal.signal(signal.SIGTERM, interrupt)
    processes.raise_file_limit()
    try:
        result = MEASUREMENTS[options.name].run(options)
        print(rows.to_table(result))
        if options.json:
            options.json.write_text(rows.to_json(result), encoding="utf-8")
    except KeyboardInterrupt:
        processes.note("interrupted")
        return 130
    except (processes.BenchError, OSError) as error:
        processes.note(str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
