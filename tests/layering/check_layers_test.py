"""The layer check finds what it is for, and names file, line and rule."""

import os
import tempfile
import unittest

from tests.layering import check_layers

LAYERS = ["base", "fiber", "rpc", "observability", "data", "app"]


def check(path, text):
    """Violations of one file, as they are shown."""
    checker = check_layers.Checker(LAYERS)
    checker.check(path, text)
    return [check_layers.format_violation(item) for item in checker.violations]


class CheckLayersTest(unittest.TestCase):

    def assert_violation(self, path, text, line, rule):
        found = check(path, text)
        self.assertEqual(len(found), 1, found)
        self.assertTrue(found[0].startswith(f"{path}:{line}: [{rule}] "), found[0])

    def test_upward_include(self):
        self.assert_violation(
            "platform/fiber/runtime.cc",
            '#include "platform/base/clock.h"\n#include "platform/rpc/server/server.h"\n',
            2, "layers")

    def test_platform_includes_a_service(self):
        self.assert_violation("platform/app/main.cc", '#include "services/catalog/catalog.h"\n',
                              1, "layers")

    def test_downward_include_is_fine(self):
        self.assertEqual(check("platform/app/a.cc", '#include "platform/base/clock.h"\n'), [])

    def test_upward_dependency(self):
        self.assert_violation("platform/base/BUILD", 'deps = [\n  "//platform/fiber:runtime",\n]',
                              2, "layers")
        self.assert_violation("platform/base/BUILD", 'deps = ["//platform/fiber"]', 1, "layers")

    def test_visibility_to_the_right_is_no_dependency(self):
        self.assertEqual(check("platform/base/BUILD", 'v = ["//platform:users_of_base"]'), [])
        self.assertEqual(check("platform/base/BUILD", 'p = ["//platform/fiber/..."]'), [])

    def test_folder_that_is_no_layer(self):
        self.assert_violation("platform/utils/a.h", "", 1, "layers")

    def test_service_uses_another_service(self):
        self.assert_violation("services/a/a.cc", '#include "services/b/b.h"\n', 1, "services")
        self.assert_violation("services/a/BUILD", 'deps = ["//services/b:b"]', 1, "services")
        self.assertEqual(check("services/a/a_test.cc", '#include "services/testing/c.h"\n'), [])

    def test_native_rules_outside_the_wrappers(self):
        for text in ('cc_library(name = "a")', '    native.cc_test (name = "a")'):
            self.assert_violation("platform/base/BUILD", text, 1, "wrappers")
        self.assertEqual(check("platform/base/BUILD", 'weft_cc_library(name = "a")'), [])
        self.assertEqual(check("bazel/cc.bzl", "native.cc_library()"), [])

    def test_glob_over_sources(self):
        self.assert_violation("platform/base/BUILD", 'srcs = glob(["*.cc"])', 1, "globs")

    def test_boost_outside_its_folder(self):
        include = "#include <boost/fiber/all.hpp>\n"
        self.assert_violation("platform/fiber/runtime.h", include, 1, "boost")
        self.assertEqual(check("platform/fiber/internal/shard.cc", include), [])
        self.assert_violation("platform/rpc/BUILD", 'deps = ["@system//:boost_fiber"]', 1, "boost")

    def test_foreign_libraries_in_low_layers(self):
        self.assert_violation("platform/fiber/poller.h", "#include <grpc/grpc.h>\n", 1, "foreign")
        self.assert_violation("platform/base/a.h", '#include "grpcpp/grpcpp.h"\n', 1, "foreign")
        self.assert_violation("platform/rpc/a.h", "#include <prometheus/counter.h>\n", 1,
                              "foreign")

    def test_thread_local(self):
        text = "// thread_local is banned\nthread_local int x;\n"
        self.assert_violation("platform/rpc/call.cc", text, 2, "thread_local")
        self.assert_violation("services/catalog/a.cc", text, 2, "thread_local")
        self.assertEqual(check("platform/fiber/internal/shard.cc", text), [])
        self.assertEqual(check("platform/rpc/codegen/names.cc", 'x = "thread_local";'), [])

    def test_direct_use_of_time(self):
        for call in ("std::this_thread::sleep_for(d);", "std::chrono::steady_clock::now();",
                     "absl::Now();"):
            self.assert_violation("platform/rpc/a.cc", "\n" + call, 2, "time")
            self.assertEqual(check("platform/base/clock.cc", call), [])
            self.assertEqual(check("platform/rpc/a_benchmark.cc", call), [])
            self.assertEqual(check("tests/load/a.cc", call), [])
        self.assertEqual(check("platform/rpc/a.cc", "weft::SleepFor(d); /* absl::Now() */"), [])

    def test_a_tree_on_disk(self):
        with tempfile.TemporaryDirectory() as top:
            for path, text in {
                    "bazel/layers.bzl": 'LAYERS = [\n    "base",\n    "fiber",\n]\n',
                    "platform/base/a.h": '\n#include "platform/fiber/b.h"\n',
                    "README.md": "#include nothing",
            }.items():
                os.makedirs(os.path.dirname(os.path.join(top, path)), exist_ok=True)
                with open(os.path.join(top, path), "w", encoding="utf-8") as file:
                    file.write(text)
            found = check_layers.check_tree(top, ["platform/base/a.h", "README.md"])
        self.assertEqual([(item.path, item.line, item.rule) for item in found],
                         [("platform/base/a.h", 2, "layers")])


if __name__ == "__main__":
    unittest.main()
