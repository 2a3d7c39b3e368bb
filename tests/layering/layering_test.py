"""The tree keeps its layers and bans. See check_layers.py for the rules."""

import unittest

from tests.layering import check_layers
from tests.layering import source_tree


class LayeringTest(unittest.TestCase):

    def test_tree_keeps_its_layers(self):
        top = source_tree.root()
        paths = source_tree.files(top)
        self.assertIn("bazel/layers.bzl", paths, "the source tree was not found")
        violations = check_layers.check_tree(top, paths)
        if violations:
            self.fail("\n" + "\n".join(map(check_layers.format_violation, violations)))

    def test_exceptions_have_reasons(self):
        for pattern, _, reason in check_layers.ALLOWED:
            self.assertRegex(reason, r"^[A-Z].{15,}\.$", pattern)


if __name__ == "__main__":
    unittest.main()
