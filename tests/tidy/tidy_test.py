"""The tree keeps its style: clang-format, shellcheck, buildifier where they are installed."""

import os
import shutil
import subprocess
import unittest

from tests.layering import source_tree
from tests.tidy import check_style

_BUILD_NAMES = ("BUILD", "WORKSPACE")


class TidyTest(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        cls.top = source_tree.root()
        cls.paths = source_tree.files(cls.top)

    def read(self, path):
        with open(os.path.join(self.top, path), encoding="utf-8") as file:
            return file.read()

    def require(self, tool, how):
        """Skips the test, with a line that says what to install, if the tool is missing."""
        if not shutil.which(tool):
            print(f"SKIPPED: {tool} is not installed: {how}")
            self.skipTest(tool)

    def run_tool(self, *command):
        """Runs a tool in the tree; fails with what it says."""
        result = subprocess.run(command, cwd=self.top, capture_output=True, text=True, check=False)
        if result.returncode:
            self.fail(f"\n{(result.stdout + result.stderr)[:8000]}")

    def test_sizes_columns_and_white_space(self):
        problems = []
        for path in filter(check_style.is_text, self.paths):
            problems.extend(check_style.check(path, self.read(path)))
        if problems:
            self.fail("\n" + "\n".join(problems))

    def test_cpp_is_formatted(self):
        self.require("clang-format-14", "run ./weft setup")
        sources = [path for path in self.paths if path.endswith((".h", ".cc"))]
        result = subprocess.run(["clang-format-14", "--dry-run", "-Werror", *sources],
                                cwd=self.top, capture_output=True, text=True, check=False)
        if result.returncode:
            wrong = sorted({line.split(":")[0] for line in result.stderr.splitlines()
                            if "[-Wclang-format-violations]" in line})
            self.fail("not formatted; run ./weft fmt:\n" + "\n".join(wrong))

    def test_shell_scripts(self):
        self.require("shellcheck", "run ./weft setup")
        scripts = [path for path in self.paths
                   if path.endswith(".sh") or os.path.basename(path) in ("weft", "run")]
        self.run_tool("shellcheck", "--external-sources", *scripts)

    def test_build_files_are_formatted(self):
        self.require("buildifier", "it comes with the npm package @bazel/buildifier")
        self.run_tool("buildifier", "-mode=check", "-lint=off",
                      *[path for path in self.paths
                        if path.endswith(".bzl") or os.path.basename(path) in _BUILD_NAMES])


if __name__ == "__main__":
    unittest.main()
