"""Style rules that need no tool: sizes, columns, white space, Python that parses."""

import ast
import os

COLUMNS_MAX = 100
# A file that grows past this usually hides two ideas.
LINES_MAX = {".h": 300, ".cc": 500}

_TEXT = (".h", ".cc", ".py", ".sh", ".bzl", ".proto")
_TEXT_NAMES = ("BUILD", "WORKSPACE", "weft", "run")


def is_text(path):
    """Whether the rules apply to the file."""
    return path.endswith(_TEXT) or os.path.basename(path) in _TEXT_NAMES


def check(path, text):
    """Yields "path:line: problem" for each breach."""
    lines = text.splitlines()
    lines_max = LINES_MAX.get(os.path.splitext(path)[1])
    if lines_max and len(lines) > lines_max:
        yield f"{path}:{lines_max + 1}: {len(lines)} lines, the limit is {lines_max}: split it"
    for number, line in enumerate(lines, 1):
        if len(line) > COLUMNS_MAX and "://" not in line and not line.startswith("#include"):
            yield f"{path}:{number}: {len(line)} columns, the limit is {COLUMNS_MAX}"
        if line != line.rstrip():
            yield f"{path}:{number}: white space at the end of the line"
        if "\t" in line and not path.endswith("Makefile"):
            yield f"{path}:{number}: a tab character"
    if text and not text.endswith("\n"):
        yield f"{path}:{len(lines)}: no newline at the end of the file"
    if path.endswith(".py"):
        try:
            ast.parse(text, path)
        except SyntaxError as error:
            yield f"{path}:{error.lineno}: {error.msg}"
