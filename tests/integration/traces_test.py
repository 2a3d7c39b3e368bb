"""Spans of the three services at an OTLP receiver: one request is one connected trace; a collector
that is away, hangs or refuses costs spans and nothing else."""

import os
import shutil
import tempfile
import unittest
from unittest import mock

import grpc

from deploy.demo import children
from tests.integration import otlp, shop
from tests.integration.shop import storefront

SAMPLE_ALL = "--tracing.sample_ratio=1"


class TracesTest(shop.ShopTest):

    RECEIVER = otlp.HttpReceiver

    @classmethod
    def setUpClass(cls):
        cls.receiver = cls.RECEIVER()
        cls.addClassCleanup(cls.receiver.close)
        cls.flags = {name: [*cls.receiver.flags, SAMPLE_ALL]
                     for name in ("storefront", "catalog", "pricing")}
        patch = mock.patch.dict(os.environ, OTEL_EXPORTER_OTLP_HEADERS="X-Tenant=blue")
        with patch:
            super().setUpClass()

    def get_offer(self, sku, trace_id, wanted, flags="01"):
        """The spans of the trace, once `wanted` of them are there, and the call's error."""
        metadata = [("traceparent", f"00-{trace_id}-00f067aa0ba902b7-{flags}")]
        error = None
        try:
            self.stubs["storefront"].GetOffer(storefront.GetOfferRequest(sku=sku, quantity=1),
                                              timeout=shop.HANG_SECONDS, metadata=metadata)
        except grpc.RpcError as raised:
            error = raised

        def arrived():
            self.assertEqual(self.receiver.wrong, [])
            spans = [span for span in self.receiver.spans() if span.trace_id == trace_id]
            return spans if len(spans) >= wanted else None

        return shop.wait_until(arrived, f"{wanted} spans of {trace_id}"), error

    def one(self, spans, service, kind, name):
        found = [span for span in spans
                 if (span.service, span.kind, span.name) == (service, kind, name)]
        self.assertEqual(len(found), 1, (service, kind, name, spans))
        return found[0]

    def test_a_request_is_one_connected_trace_over_three_services(self):
        spans, error = self.get_offer("SKU-000001", "4bf92f3577b34da6a3ce929d0e0e4736", wanted=6)
        self.assertIsNone(error)
        offer = self.one(spans, "storefront", "SERVER", "storefront.v1.Storefront/GetOffer")
        self.assertEqual(offer.parent_id, "00f067aa0ba902b7")
        for service, method in (("catalog", "catalog.v1.Catalog/GetProduct"),
                                ("pricing", "pricing.v1.Pricing/GetPrice")):
            asked = self.one(spans, "storefront", "CLIENT", method)
            self.assertEqual(asked.parent_id, offer.span_id)
            answered = self.one(spans, service, "SERVER", method)
            self.assertEqual(answered.parent_id, asked.span_id)
            self.assertLessEqual(answered.nanos, asked.nanos)
            self.assertLessEqual(asked.nanos, offer.nanos)
            self.assertEqual(answered.attributes["rpc.system"], "grpc")
            self.assertEqual(answered.attributes["rpc.grpc.status_code"], 0)
        product = self.one(spans, "catalog", "SERVER", "catalog.v1.Catalog/GetProduct")
        query = self.one(spans, "catalog", "CLIENT", "find product")
        self.assertEqual(query.parent_id, product.span_id)
        self.assertEqual(query.attributes["db.system.name"], "sqlite")
        self.assertIn("WHERE sku = ?", query.attributes["db.query.text"])
        self.assertEqual(len(spans), 6)
        self.assertFalse(any(span.failed for span in spans))

    def test_a_failed_request_says_where(self):
        spans, error = self.get_offer("NO-SUCH-THING", "4bf92f3577b34da6a3ce929d0e0e4737", wanted=5)
        self.assertEqual(error.code(), grpc.StatusCode.NOT_FOUND)
        asked = self.one(spans, "storefront", "CLIENT", "catalog.v1.Catalog/GetProduct")
        self.assertTrue(asked.failed)
        self.assertEqual(asked.attributes["rpc.grpc.status_code"], 5)

    def test_a_request_that_begins_here_has_a_trace_of_its_own(self):
        before = {span.trace_id for span in self.receiver.spans()}
        self.assert_alive()

        def roots():
            return [span for span in self.receiver.spans()
                    if span.trace_id not in before and not span.parent_id]

        [root] = shop.wait_until(roots, "a root span")
        self.assertEqual(root.name, "storefront.v1.Storefront/GetOffer")


    def test_headers_of_the_environment_go_with_the_spans(self):
        self.assert_alive()
        [span, *_] = shop.wait_until(self.receiver.spans, "a span")
        self.assertEqual(span.headers["x-tenant"], "blue")


class GrpcTracesTest(TracesTest):
    """The same over gRPC."""

    RECEIVER = otlp.GrpcReceiver


class LateSpansTest(shop.ShopTest):
    """Nothing is sampled: slow calls are recorded all the same."""

    @classmethod
    def setUpClass(cls):
        cls.receiver = otlp.HttpReceiver()
        cls.addClassCleanup(cls.receiver.close)
        flags = [*cls.receiver.flags, "--tracing.sample_ratio=0", "--tracing.slow_call=20ms"]
        cls.flags = {name: flags for name in ("storefront", "catalog", "pricing")}
        cls.flags["pricing"] = [*flags, "--pricing.think_time=50ms"]
        super().setUpClass()

    def test_a_slow_request_leaves_its_trace_with_the_part_that_was_slow(self):
        self.assert_alive()

        def slow_parts():
            return [span for span in self.receiver.spans() if span.nanos >= 20_000_000
                    and (span.service, span.kind) in (("storefront", "SERVER"),
                                                      ("storefront", "CLIENT"),
                                                      ("pricing", "SERVER"))]

        spans = shop.wait_until(lambda: len(slow_parts()) >= 3 and slow_parts(), "late spans")
        self.assertEqual(self.receiver.wrong, [])
        self.assertEqual(len({span.trace_id for span in spans}), 1)
        self.assertTrue(all(span.attributes["weft.late"] for span in spans))
        served = next(span for span in spans if span.service == "storefront"
                      and span.kind == "SERVER")
        self.assertEqual(served.parent_id, "")
        for span in spans:
            if span is not served:
                self.assertEqual(span.parent_id, served.span_id)


class BadCollectorTest(unittest.TestCase):
    """Calls go on as ever; spans are lost, and counted; memory stays bounded."""

    CALLS = 5_000  # more spans than wait for their export at most (kMaxQueuedSpans: 4,096)
    BATCH = 200
    # A queue of spans that grew would take several times as much.
    MIB_MAX = 6

    RECEIVER = otlp.HttpReceiver

    def setUp(self):
        self.receiver = self.RECEIVER()
        self.addCleanup(self.receiver.close)

    def start(self):
        """Pricing, which sends each of its spans to the receiver."""
        folder = tempfile.mkdtemp(prefix="traces-", dir=os.environ.get("TEST_TMPDIR"))
        self.addCleanup(shutil.rmtree, folder)
        service = children.Service(
            "pricing", children.shop_binary(shop.BIN_DIR, "pricing"), folder,
            [*self.receiver.flags, SAMPLE_ALL, "--pricing.think_time=0s", "--log.level=error"])
        self.addCleanup(service.stop)
        return service.wait_listening()

    def call(self, service, count):
        channel = shop.protos.open_channel(service.grpc_address)
        stub = shop.pricing.stub("Pricing", channel)
        request = shop.pricing.GetPriceRequest(sku="SKU-000001", quantity=1)
        for _ in range(count // self.BATCH):
            for call in [stub.GetPrice.future(request) for _ in range(self.BATCH)]:
                self.assertIsNone(call.exception(timeout=shop.HANG_SECONDS))
        channel.close()

    def spans(self, service, outcome):
        return shop.read_metrics(service).total("weft_spans_total", outcome=outcome)

    def assert_memory_is_flat(self, service):
        """Also that all calls are answered."""
        self.call(service, self.CALLS)
        before = shop.read_metrics(service).total("process_resident_memory_bytes")
        self.call(service, self.CALLS)
        after = shop.read_metrics(service).total("process_resident_memory_bytes")
        self.assertLess((after - before) / 2**20, self.MIB_MAX)
        self.assertLessEqual(shop.read_metrics(service).total("weft_spans_waiting"), 4_200)

    def test_one_that_is_not_there(self):
        self.receiver.close()
        service = self.start()
        self.assert_memory_is_flat(service)
        shop.wait_until(lambda: self.spans(service, "failed") > 0, "failed spans are counted")
        self.assertEqual(self.spans(service, "exported"), 0)

    def test_one_that_hangs(self):
        self.receiver.hang()
        service = self.start()
        self.assert_memory_is_flat(service)
        self.assertGreater(self.spans(service, "dropped"), 0)
        self.receiver.go_on()
        shop.wait_until(lambda: self.spans(service, "exported") > 0, "it goes on by itself")

    def test_one_that_refuses(self):
        self.receiver.refuses = True
        service = self.start()
        self.assert_memory_is_flat(service)
        shop.wait_until(lambda: self.spans(service, "failed") > 0, "failed spans are counted")
        self.receiver.refuses = False
        self.call(service, self.BATCH)
        shop.wait_until(lambda: self.spans(service, "exported") > 0, "it goes on by itself")


class BadGrpcCollectorTest(BadCollectorTest):

    RECEIVER = otlp.GrpcReceiver


if __name__ == "__main__":
    unittest.main()
