"""User instructions of a program, counted by valgrind: the same on a busy machine."""

import re
import shutil
from typing import List

from benchmarks import processes

TIMEOUT_SECONDS = 300


def available() -> bool:
    if shutil.which("valgrind") is not None:
        return True
    processes.note("valgrind is not installed: no instruction counts (apt install valgrind)")
    return False


def command(program: List, directory: str) -> List:
    """`program` under callgrind, whose file goes to `directory`."""
    return ["valgrind", "--tool=callgrind", f"--callgrind-out-file={directory}/out", *program]


def total(child: processes.Child) -> int:
    """The instructions of a child that has ended."""
    match = re.search(r"Collected : (\d+)", child.stderr_text())
    if not match:
        raise processes.BenchError(f"valgrind gave no total for {child.name}")
    return int(match.group(1))
