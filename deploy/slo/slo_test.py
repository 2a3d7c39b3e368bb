"""The committed rules are those of the .proto files; options that make no sense are refused."""

import os
import pathlib
import subprocess
import tempfile
import unittest

from deploy.slo import generate, objectives, rules

_ROOT = pathlib.Path(os.environ["TEST_SRCDIR"], os.environ["TEST_WORKSPACE"])
_BOUNDS = [0, 0.1, 0.25, 1]
_GOOD = "availability: 0.99 latency: { threshold: { nanos: 250000000 } ratio: 0.9 }"


def descriptors(body, head='import "proto/weft/options.proto";'):
    """The FileDescriptorSet of a file whose service S has this body, by protoc."""
    with tempfile.TemporaryDirectory() as folder:
        source = pathlib.Path(folder, "shop.proto")
        source.write_text(f'syntax = "proto3"; package shop.v1; {head} message M {{}} '
                          f"service S {{ {body} }}")
        output = pathlib.Path(folder, "shop.binpb")
        done = subprocess.run(
            ["/usr/bin/protoc", f"-I{folder}", f"-I{_ROOT}", "-I/usr/include", "--include_imports",
             f"--descriptor_set_out={output}", str(source)], capture_output=True, text=True,
            check=False)
        assert done.returncode == 0, done.stderr
        return output.read_bytes()


def read(body, **more):
    return objectives.read([descriptors(body, **more)], _BOUNDS)


def service(slo, methods="rpc Get(M) returns (M);"):
    return f"option (weft.slo) = {{ {slo} }}; {methods}"


class Committed(unittest.TestCase):

    def test_rules_are_those_of_the_proto_files(self):
        self.assertEqual((_ROOT / generate.OUTPUT).read_text(), generate.own_text(),
                         "run: bazel run //deploy/slo:generate")

    def test_every_service_of_the_shop_has_objectives(self):
        text = generate.own_text()
        for name in ("catalog.v1.Catalog", "pricing.v1.Pricing", "storefront.v1.Storefront"):
            self.assertIn(f"slo: {name}\n", text)


class Objectives(unittest.TestCase):

    def test_service_has_both_and_streams_are_not_timed(self):
        found = read(service(_GOOD, "rpc Get(M) returns (M); rpc Watch(M) returns (stream M);"))
        self.assertEqual(found, [
            objectives.Objective("shop.v1.S", "availability", 0.99,
                                 ("shop.v1.S/Get", "shop.v1.S/Watch")),
            objectives.Objective("shop.v1.S", "latency", 0.9, ("shop.v1.S/Get",), 0.25)])

    def test_method_with_objectives_of_its_own_leaves_the_services(self):
        found = read(service("availability: 0.99", "rpc Get(M) returns (M); rpc Put(M) returns (M) "
                             "{ option (weft.method) = { slo: { availability: 0.5 } }; }"))
        self.assertEqual([(one.slo, one.ratio, one.methods) for one in found],
                         [("shop.v1.S", 0.99, ("shop.v1.S/Get",)),
                          ("shop.v1.S/Put", 0.5, ("shop.v1.S/Put",))])

    def test_service_without_option_has_none(self):
        self.assertEqual(read("rpc Get(M) returns (M);"), [])
        self.assertEqual(read("rpc Get(M) returns (M);", head=""), [])

    def test_a_file_that_several_sets_have_counts_once(self):
        one = descriptors(service("availability: 0.99"))
        self.assertEqual(len(objectives.read([one, one], _BOUNDS)), 1)

    def test_what_makes_no_sense_is_refused_by_name(self):
        latency = "latency: { threshold: { %s } ratio: %s }"
        for slo, words in (
                ("", r" has neither availability nor latency"),
                ("availability: 1.5", r".availability is 1.5: it must be"),
                ("availability: 1", r".availability is 1: "),
                ("availability: nan", r".availability is nan: "),
                ("availability: -0.1", r".availability is -0.1: "),
                (latency % ("seconds: 1", "99"), r".latency.ratio is 99: "),
                (latency % ("seconds: 1", "0"), r".latency.ratio is 0: "),
                (latency % ("", "0.9"), r".latency.threshold is 0 s, .*take one of 0.1, 0.25, 1 s"),
                (latency % ("seconds: -1", "0.9"), r".latency.threshold is -1 s"),
                (latency % ("nanos: 200000000", "0.9"),
                 r".latency.threshold is 0.2 s, which is no bucket")):
            with self.subTest(slo=slo):
                with self.assertRaisesRegex(objectives.ObjectiveError,
                                            r"^shop.v1.S: option \(weft.slo\)" + words):
                    read(service(slo))

    def test_objectives_without_a_method_are_refused(self):
        own = "{ option (weft.method) = { slo: { availability: 0.5 } }; }"
        for methods, words in ((f"rpc Get(M) returns (M) {own}", "no method is left for it"),
                               ("rpc Watch(M) returns (stream M);", "latency: there is no unary")):
            with self.assertRaisesRegex(objectives.ObjectiveError, words):
                read(service(_GOOD, methods))

    def test_mistake_of_a_method_names_the_method(self):
        with self.assertRaisesRegex(objectives.ObjectiveError,
                                    r"^shop.v1.S.Get: option \(weft.method\).slo.availability is"):
            read("rpc Get(M) returns (M) "
                 "{ option (weft.method) = { slo: { availability: 2 } }; }")

    def test_bounds_are_read_from_the_header(self):
        self.assertEqual(
            objectives.bucket_bounds("std::array<double, 3> kLatencyBuckets = {\n 0, 0.5,\n 1};"),
            [0, 0.5, 1])
        with self.assertRaises(objectives.ObjectiveError):
            objectives.bucket_bounds("")


class Rules(unittest.TestCase):

    def test_budget_and_bound_are_written_as_prometheus_has_them(self):
        text = rules.text_of([
            objectives.Objective("s.S", "latency", 0.999, ("s.S/A", "s.S/B"), 1.0)])
        self.assertIn("+ 0.001\n", text)
        self.assertIn('le="1"\n', text)
        self.assertIn('grpc_method=~"s[.]S/(A|B)"', text)
        self.assertEqual(text.count("- record:"), 3)

    def test_without_objectives_there_are_no_groups(self):
        self.assertTrue(rules.text_of([]).endswith("groups:\n"))


if __name__ == "__main__":
    unittest.main()
