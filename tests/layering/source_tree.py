"""Finds the source tree from within a test, and its files.

Bazel shows a test only the files it declares. Checks of the whole tree follow the link of one
such file, WORKSPACE, back to where it stands; their targets are tagged "local" and "external",
so that they run each time.
"""

import os
import subprocess

_NOT_OURS = ("bazel-", ".git", "node_modules", "__pycache__")


def root():
    """The top of the source tree."""
    return os.path.dirname(os.path.realpath("WORKSPACE"))


def files(top):
    """Paths from the top of all files under version control or about to be, sorted."""
    command = ["git", "-c", "safe.directory=*", "-C", top, "ls-files", "-z", "--cached",
               "--others", "--exclude-standard"]
    result = subprocess.run(command, capture_output=True, check=False)
    if result.returncode == 0:
        paths = result.stdout.decode().split("\0")
    else:
        paths = _walk(top)  # An unpacked archive, not a clone.
    return sorted({path for path in paths if path and os.path.isfile(os.path.join(top, path))})


def _walk(top):
    for folder, folders, names in os.walk(top):
        folders[:] = [name for name in folders if not name.startswith(_NOT_OURS)]
        for name in names:
            yield os.path.relpath(os.path.join(folder, name), top)
