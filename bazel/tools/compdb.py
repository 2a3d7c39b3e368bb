#!/usr/bin/python3
"""Turns `bazel aquery --output=jsonproto` of C++ compilations into compile_commands.json.

Reads the query's answer on standard input; the folder of the tree is the first argument. Paths
below bazel-out/ are found there through Bazel's link of that name.
"""

import json
import sys

# Flags that clang-based tools do not know.
_GCC_ONLY = ("-fno-canonical-system-headers", "-Wno-free-nonheap-object")


def entries(answer, root):
    """One entry a source of the tree; the first action that compiles it counts."""
    seen = set()
    for action in answer.get("actions", []):
        arguments = [word for word in action["arguments"] if word not in _GCC_ONLY]
        if "-c" not in arguments:
            continue
        source = arguments[arguments.index("-c") + 1]
        if source in seen:
            continue
        seen.add(source)
        yield {"directory": root, "file": source, "arguments": arguments}


def main():
    json.dump(list(entries(json.load(sys.stdin), sys.argv[1])), sys.stdout, indent=1)


if __name__ == "__main__":
    main()
