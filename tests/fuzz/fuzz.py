#!/usr/bin/python3
"""./weft fuzz: builds fuzz targets for libFuzzer and runs them, one after the other."""

import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
from typing import Dict, List, NamedTuple, Optional

CLANG = "clang++-14"
BAZEL = "/usr/bin/bazel"  # Debian's, as ./weft uses.
PACKAGES = "clang-14 libclang-rt-14-dev"

# Of an input; longer ones find little more and cost speed.
_INPUT_BYTES_MAX = 4096
# What one input may take before it counts as a finding.
_INPUT_SECONDS_MAX = 10
_MEMORY_MIB_MAX = 2048

_TARGET = re.compile(r'weft_cc_fuzz_test\(\s*name = "(\w+)_fuzz"')
_PROGRESS = re.compile(r"^#\d+\s.*\bcov: (\d+) ft: (\d+) corp: (\d+)/", re.MULTILINE)
_EXECUTIONS = re.compile(r"^stat::number_of_executed_units:\s*(\d+)", re.MULTILINE)
_FINDING = re.compile(r"Test unit written to (\S+)")


class Failure(Exception):
    """Told to the person in one line."""


class Result(NamedTuple):
    """What a run of one target came to."""
    executions: int
    edges: int     # places in the code that were reached
    features: int  # and how often, in powers of two
    inputs: int    # kept, since each reaches something new
    finding: Optional[pathlib.Path]


def find_targets(top: pathlib.Path, build_files: List[str]) -> Dict[str, str]:
    """The label of each fuzz target, by its name without "_fuzz"."""
    targets = {}
    for path in build_files:
        text = (top / path).read_text(encoding="utf-8")
        for name in _TARGET.findall(text):
            targets[name] = f"//{os.path.dirname(path)}:{name}_fuzz"
    return dict(sorted(targets.items()))


def tree_build_files(top: pathlib.Path) -> List[str]:
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", "*BUILD"]
    listed = subprocess.run(command, cwd=top, stdout=subprocess.PIPE, check=True, text=True)
    return [path for path in listed.stdout.splitlines() if (top / path).is_file()]


def parse_seconds(text: str) -> int:
    """Of "90", "90s", "5m" or "1h"."""
    found = re.fullmatch(r"(\d+)(s|m|h|)", text)
    if not found or int(found.group(1)) == 0:
        raise argparse.ArgumentTypeError(f"'{text}' is no time: write it as 60s, 5m or 1h")
    return int(found.group(1)) * {"": 1, "s": 1, "m": 60, "h": 3600}[found.group(2)]


def read_result(log: str) -> Result:
    """From what libFuzzer wrote."""
    progress = _PROGRESS.findall(log)
    executions = _EXECUTIONS.search(log)
    finding = _FINDING.search(log)
    edges, features, inputs = map(int, progress[-1]) if progress else (0, 0, 0)
    return Result(int(executions.group(1)) if executions else 0, edges, features, inputs,
                  pathlib.Path(finding.group(1)) if finding else None)


def require_clang() -> None:
    missing = shutil.which(CLANG) is None
    if not missing:
        path = subprocess.run([CLANG, "-print-resource-dir"], stdout=subprocess.PIPE, check=True,
                              text=True).stdout.strip()
        missing = not list(pathlib.Path(path).glob("lib/linux/libclang_rt.fuzzer-*.a"))
    if missing:
        raise Failure("fuzzing needs clang 14 with libFuzzer, which nothing else here needs: "
                      f"apt-get install {PACKAGES}")


def build(top: pathlib.Path, labels: List[str]) -> pathlib.Path:
    """Builds them; the folder of what was built."""
    if subprocess.run([top / "weft", "build", "--config=fuzz", *labels], check=False).returncode:
        raise Failure("the build failed; see the errors above")
    info = subprocess.run([BAZEL, "info", "--config=fuzz", "bazel-bin"], cwd=top, check=True,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    return pathlib.Path(info.stdout.strip())


def program(bin_folder: pathlib.Path, label: str) -> pathlib.Path:
    return bin_folder / label[2:].replace(":", "/")


def environment() -> Dict[str, str]:
    return {**os.environ, "ASAN_OPTIONS": "strict_string_checks=1",
            "UBSAN_OPTIONS": "print_stacktrace=1"}


def fuzz(top: pathlib.Path, name: str, binary: pathlib.Path, seconds: int) -> Result:
    """Runs one target; its log and what it found stay in .cache/fuzz/<name>."""
    folder = top / ".cache/fuzz" / name
    for part in ("corpus", "findings"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    log = folder / "log"
    command = [binary, f"-max_total_time={seconds}", f"-max_len={_INPUT_BYTES_MAX}",
               f"-timeout={_INPUT_SECONDS_MAX}", f"-rss_limit_mb={_MEMORY_MIB_MAX}",
               f"-artifact_prefix={folder}/findings/", "-print_final_stats=1",
               folder / "corpus", top / "tests/fuzz/corpus" / name]
    with open(log, "w", encoding="utf-8") as file:
        status = subprocess.run(command, stdout=file, stderr=subprocess.STDOUT, check=False,
                                env=environment()).returncode
    text = log.read_text(encoding="utf-8", errors="replace")
    result = read_result(text)
    if status and result.finding is None:
        raise Failure(f"{name}: the fuzzer ended with status {status}; see {log}")
    return result


def report(top: pathlib.Path, name: str, result: Result, seconds: int) -> None:
    print(f"{name}: {result.executions:,} executions in {seconds} s, {result.edges:,} places "
          f"({result.features:,} features) reached, {result.inputs:,} inputs kept", flush=True)
    if result.finding is None:
        return
    print(f"{name}: FOUND: {top}/.cache/fuzz/{name}/log has the stack; the input is\n"
          f"  {result.finding}\n"
          f"Again: ./weft fuzz {name} --replay {result.finding}\n"
          f"Once it is fixed, put the input into tests/fuzz/corpus/{name}/ under a name that says "
          "what it is.", flush=True)


def parse_arguments(arguments: List[str], targets: Dict[str, str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="./weft fuzz", description="Runs libFuzzer on what reads input from outside.",
        epilog="Targets: " + ", ".join(targets) + ". What they check: tests/fuzz/README.md.")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help="all where none is named")
    parser.add_argument("--for", dest="seconds", type=parse_seconds, default=60, metavar="TIME",
                        help="how long each runs, such as 60s (the default), 5m, 1h")
    parser.add_argument("--replay", type=pathlib.Path, metavar="FILE",
                        help="run one target once, with this input")
    options = parser.parse_args(arguments)
    for name in options.targets:
        if name not in targets:
            parser.error(f"there is no target '{name}'; there are: {', '.join(targets)}")
    if options.replay and len(options.targets) != 1:
        parser.error("--replay needs one TARGET")
    if options.replay and not options.replay.is_file():
        parser.error(f"there is no file {options.replay}")
    options.targets = options.targets or list(targets)
    return options


def main(arguments: List[str]) -> int:
    top = pathlib.Path(__file__).resolve().parents[2]
    targets = find_targets(top, tree_build_files(top))
    options = parse_arguments(arguments, targets)
    try:
        require_clang()
        bin_folder = build(top, [targets[name] for name in options.targets])
        if options.replay:
            binary = program(bin_folder, targets[options.targets[0]])
            return subprocess.run([binary, options.replay.resolve()], check=False,
                                  env=environment()).returncode
        found = 0
        for name in options.targets:
            result = fuzz(top, name, program(bin_folder, targets[name]), options.seconds)
            report(top, name, result, options.seconds)
            found += result.finding is not None
    except Failure as failure:
        print(f"weft: {failure}", file=sys.stderr)
        return 1
    return 1 if found else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        print("weft: stopped", file=sys.stderr)
        sys.exit(130)
