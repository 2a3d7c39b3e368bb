"""The servers that are compared, and the baseline they are compared with."""

import argparse
import dataclasses
import pathlib
from typing import Dict, List, Sequence, Tuple

from benchmarks import processes

BASELINE = "raw_async"
CLIENT = "//tests/load:load_client"


@dataclasses.dataclass(frozen=True)
class ServerKind:
    label: str
    arguments: Tuple[str, ...] = ()

    def command(self, binary: pathlib.Path) -> List[str]:
        return [str(binary), "--listen=127.0.0.1:0", *self.arguments]


_WEFT = "//tests/load:weft_echo_server"

SERVERS: Dict[str, ServerKind] = {
    BASELINE: ServerKind("//tests/load:raw_async_server"),
    "raw_sync": ServerKind("//tests/load:raw_sync_server"),
    "raw_callback": ServerKind("//tests/load:raw_callback_server"),
    "weft_telemetry_off": ServerKind(_WEFT, ("--shards=1", "--telemetry=off")),
    "weft_telemetry_on": ServerKind(_WEFT, ("--shards=1", "--telemetry=on")),
    # All that a service has by default.
    "weft_admission_on": ServerKind(_WEFT, ("--shards=1", "--telemetry=on", "--admission=on")),
}


def parse_names(text: str) -> List[str]:
    """Checked names of a comma-separated list, for argparse."""
    names = [name for name in text.split(",") if name]
    for name in names:
        if name not in SERVERS:
            raise argparse.ArgumentTypeError(
                f'unknown server "{name}"; there are {", ".join(SERVERS)}')
    return names


def commands(names: Sequence[str], bin_dir: pathlib.Path) -> Dict[str, List[str]]:
    """The command line of each server that is built; a note for each that is not."""
    found = {}
    told = set()
    for name in names:
        kind = SERVERS[name]
        binary = processes.find_binary(bin_dir, kind.label)
        if binary is not None:
            found[name] = kind.command(binary)
        elif kind.label not in told:
            told.add(kind.label)
            processes.note(processes.missing(kind.label, bin_dir) + "; going on without it")
    if not found:
        raise processes.BenchError(f"none of these servers is built: {', '.join(names)}")
    return found


def require_success(name: str, report: Dict) -> None:
    """A figure over calls that failed means nothing, so failures end the measurement."""
    if report["errors"] or report["requests"] == 0:
        counts = ", ".join(f"{count} {status}" for status, count in report["errors"].items())
        raise processes.BenchError(
            f"{name}: of {report['requests']} calls failed: {counts or 'all'} "
            f"({report['last_error'] or 'no detail'})")
