"""What operators rely on: health, reflection, admin pages, services that outlive their peers."""

import os
import random
import socket
import sqlite3
import unittest

import grpc

from deploy.demo import children
from tests.integration import protos, shop
from tests.integration.shop import HANG_SECONDS, catalog, pricing, storefront

health = protos.Package("grpc.health.v1")
reflection = protos.Package("grpc.reflection.v1alpha")


class AdminTest(shop.ShopTest):

    flags = {"pricing": ["--pricing.think_time=1ms"]}

    def test_health_check_answers_serving(self):
        for name, service in self.services.items():
            stub = health.stub("Health", self.open_channel(name))
            for checked in ("", f"{name}.v1.{name.capitalize()}"):
                with self.subTest(service=name, checked=checked):
                    response = stub.Check(health.HealthCheckRequest(service=checked),
                                          timeout=HANG_SECONDS)
                    self.assertEqual(response.status,
                                     health.HealthCheckResponse.ServingStatus.Value("SERVING"))
            self.assertTrue(service.running())

    def test_health_check_of_an_unknown_service_is_not_found(self):
        stub = health.stub("Health", self.open_channel("catalog"))
        with self.assertRaises(grpc.RpcError) as raised:
            stub.Check(health.HealthCheckRequest(service="moon.v1.Moon"), timeout=HANG_SECONDS)
        self.assert_code(raised.exception, grpc.StatusCode.NOT_FOUND)

    def test_reflection_lists_the_services_and_their_files(self):
        stub = reflection.stub("ServerReflection", self.open_channel("storefront"))
        requests = [reflection.ServerReflectionRequest(list_services=""),
                    reflection.ServerReflectionRequest(
                        file_containing_symbol="storefront.v1.Storefront")]
        listed, file = list(stub.ServerReflectionInfo(iter(requests), timeout=HANG_SECONDS))
        names = {service.name for service in listed.list_services_response.service}
        self.assertIn("storefront.v1.Storefront", names)
        self.assertIn("grpc.health.v1.Health", names)
        self.assertTrue(any(b"GetOffer" in text for text in
                            file.file_descriptor_response.file_descriptor_proto))

    def test_probes_answer_ok(self):
        for service in self.services.values():
            for page in ("/livez", "/readyz"):
                self.assertEqual(shop.http_get(service.admin_url + page)[0], 200, page)

    def test_unknown_page_is_404(self):
        self.assertEqual(shop.http_get(self.services["catalog"].admin_url + "/moon")[0], 404)

    def test_metrics_count_the_calls_of_both_sides(self):
        before = {name: shop.read_metrics(service) for name, service in self.services.items()}
        for _ in range(5):
            self.assert_alive()
        started = "grpc_server_call_started_total"
        attempts = "grpc_client_attempt_started_total"
        for name, metric, method in (
                ("storefront", started, "storefront.v1.Storefront/GetOffer"),
                ("catalog", started, "catalog.v1.Catalog/GetProduct"),
                ("pricing", started, "pricing.v1.Pricing/GetPrice"),
                ("storefront", attempts, "catalog.v1.Catalog/GetProduct"),
                ("storefront", attempts, "pricing.v1.Pricing/GetPrice")):
            now = shop.read_metrics(self.services[name])
            with self.subTest(metric=metric, method=method):
                self.assertEqual(now.total(metric, grpc_method=method)
                                 - before[name].total(metric, grpc_method=method), 5)

    def test_metrics_have_the_runtime_and_the_process(self):
        for name, service in self.services.items():
            now = shop.read_metrics(service)
            with self.subTest(service=name):
                self.assertGreater(now.total("process_resident_memory_bytes"), 0)
                self.assertGreater(now.total("weft_loop_iterations_total"), 0)
                self.assertEqual(now.total("weft_build_info", service=name), 1)
                self.assertTrue(now.buckets("weft_loop_lag_seconds"))
        for pool in ("catalog", "blocking", "compute"):
            self.assertGreater(shop.read_metrics(self.services["catalog"]).total(
                "weft_blocking_threads_max", pool=pool), 0)


class FibersPageTest(shop.ShopTest):

    flags = {"pricing": ["--pricing.think_time=1h"], "storefront": ["--storefront.deadline=1h"]}

    def test_page_names_the_methods_under_way_and_a_cancelled_call_leaves_none(self):
        call = self.stubs["storefront"].GetOffer.future(
            storefront.GetOfferRequest(sku="SKU-000001"))
        for name, text in (("storefront", "storefront.v1.Storefront/GetOffer"),
                           ("storefront", "ask pricing"),
                           ("pricing", "pricing.v1.Pricing/GetPrice")):
            url = self.services[name].admin_url + "/debug/fibers"
            shop.wait_until(lambda: text in shop.http_get(url)[1], f"{url} shows {text}")
        call.cancel()
        for name in ("storefront", "pricing"):
            shop.wait_until(lambda: shop.calls_in_flight(self.services[name]) == 0,
                            f"{name} has no call in flight")


class HardPeersTest(shop.ShopTest):
    """Peers that send nonsense, or too much: they get an error, all others their answers."""

    flags = {"pricing": ["--pricing.think_time=0s"]}

    def test_request_over_the_size_limit_is_refused(self):
        request = storefront.GetOfferRequest(sku="A" * (5 << 20))
        with self.assertRaises(grpc.RpcError) as raised:
            self.stubs["storefront"].GetOffer(request, timeout=HANG_SECONDS)
        self.assert_code(raised.exception, grpc.StatusCode.RESOURCE_EXHAUSTED)
        self.assert_alive()

    def test_garbage_on_the_port_does_no_harm(self):
        service = self.services["storefront"]
        garbage = random.Random(7)
        for size in (1, 24, 1000, 100_000):
            with socket.create_connection((service.host, service.ports[0]),
                                          timeout=HANG_SECONDS) as peer:
                try:
                    peer.sendall(garbage.randbytes(size))
                    peer.shutdown(socket.SHUT_WR)
                    while peer.recv(4096):
                        pass
                except OSError:
                    pass  # closed by the server: also right
        self.assert_alive()

    def test_good_preface_then_garbage_does_no_harm(self):
        service = self.services["storefront"]
        with socket.create_connection((service.host, service.ports[0]),
                                      timeout=HANG_SECONDS) as peer:
            try:
                peer.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\xff" * 5000)
                peer.shutdown(socket.SHUT_WR)
                while peer.recv(4096):
                    pass
            except OSError:
                pass
        self.assert_alive()

    def test_clients_that_vanish_leave_no_call_behind(self):
        for _ in range(20):
            channel = protos.open_channel(self.services["storefront"].grpc_address)
            stub = storefront.stub("Storefront", channel)
            stub.ListOffers(storefront.ListOffersRequest(category="books", limit=1000))
            channel.close()
        shop.wait_until(lambda: shop.calls_in_flight(self.services["storefront"]) == 0,
                        "storefront has no call in flight")
        self.assert_alive()


class SlowPricingTest(shop.ShopTest):

    flags = {"pricing": ["--pricing.think_time=1h"], "storefront": ["--storefront.deadline=200ms"]}

    def test_client_deadline_reaches_the_last_service(self):
        request = storefront.GetOfferRequest(sku="SKU-000001")
        with self.assertRaises(grpc.RpcError) as raised:
            self.stubs["storefront"].GetOffer(request, timeout=0.05)
        self.assert_code(raised.exception, grpc.StatusCode.DEADLINE_EXCEEDED)
        shop.wait_until(lambda: shop.calls_in_flight(self.services["pricing"]) == 0,
                        "pricing has given up the call")

    def test_own_deadline_names_the_service_that_was_too_slow(self):
        request = storefront.GetOfferRequest(sku="SKU-000001")
        with self.assertRaises(grpc.RpcError) as raised:
            self.stubs["storefront"].GetOffer(request, timeout=HANG_SECONDS)
        self.assert_code(raised.exception, grpc.StatusCode.DEADLINE_EXCEEDED, "pricing",
                         self.services["pricing"].grpc_address)

    def test_failed_sibling_ends_the_slow_one(self):
        with self.assertRaises(grpc.RpcError) as raised:
            self.stubs["storefront"].GetOffer(
                storefront.GetOfferRequest(sku="NO-SUCH-THING"), timeout=HANG_SECONDS)
        self.assert_code(raised.exception, grpc.StatusCode.NOT_FOUND)
        shop.wait_until(lambda: shop.calls_in_flight(self.services["pricing"]) == 0,
                        "pricing has given up the call")


class PricingDownTest(shop.ShopTest):

    flags = {"pricing": ["--pricing.think_time=0s"]}

    def test_unavailable_names_the_target_and_calls_work_again_after_its_return(self):
        down = self.services["pricing"]
        self.assert_alive()
        self.assertEqual(down.stop(HANG_SECONDS), 0)
        with self.assertRaises(grpc.RpcError) as raised:
            self.stubs["storefront"].GetOffer(storefront.GetOfferRequest(sku="SKU-000001"),
                                              timeout=HANG_SECONDS)
        self.assert_code(raised.exception, grpc.StatusCode.UNAVAILABLE, "pricing",
                         down.grpc_address)

        again = children.Service("pricing", children.shop_binary(shop.BIN_DIR, "pricing"),
                                 self.temp_dir, [f"--grpc.listen={down.grpc_address}"])
        self.services["pricing"] = again
        again.wait_listening(HANG_SECONDS)

        def answers():
            try:
                self.stubs["storefront"].GetOffer(storefront.GetOfferRequest(sku="SKU-000001"),
                                                  timeout=HANG_SECONDS)
                return True
            except grpc.RpcError as error:
                self.assertEqual(error.code(), grpc.StatusCode.UNAVAILABLE, error.details())
                return False

        shop.wait_until(answers, "the storefront reaches the new pricing")


class FullPoolTest(shop.ShopTest):

    flags = {"catalog": ["--catalog.threads=1", "--catalog.queue=1"],
             "pricing": ["--pricing.think_time=0s"]}

    def test_calls_beyond_the_bounds_are_refused_at_once_and_the_rest_answered(self):
        answered = refused = 0
        while not (answered and refused):
            calls = [self.stubs["catalog"].GetProduct.future(
                catalog.GetProductRequest(sku="SKU-000001"), timeout=HANG_SECONDS)
                for _ in range(200)]
            for call in calls:
                if call.exception() is None:
                    answered += 1
                else:
                    self.assert_code(call.exception(), grpc.StatusCode.RESOURCE_EXHAUSTED,
                                     "catalog", "full")
                    refused += 1
        now = shop.read_metrics(self.services["catalog"])
        self.assertEqual(now.total("weft_blocking_rejected_total", pool="catalog"), refused)
        self.assert_alive()


class CatalogDatabaseTest(shop.ShopTest):

    flags = {"catalog": ["--catalog.products=100"]}

    def database(self):
        return os.path.join(self.temp_dir, "catalog.db")

    def get_product(self):
        return self.stubs["catalog"].GetProduct(catalog.GetProductRequest(sku="SKU-000001"),
                                                timeout=HANG_SECONDS)

    def test_broken_database_is_an_error_of_the_call_and_the_server_lives_on(self):
        self.assertEqual(self.get_product().product.sku, "SKU-000001")
        with sqlite3.connect(self.database()) as connection:
            connection.execute("ALTER TABLE products RENAME TO gone")
        connection.close()
        with self.assertRaises(grpc.RpcError) as raised:
            self.get_product()
        # The client learns nothing of the database; the log has it.
        self.assertEqual(raised.exception.code(), grpc.StatusCode.INTERNAL)
        self.assertNotIn("products", raised.exception.details())
        shop.wait_until(lambda: "no such table: products" in self.services["catalog"].stderr_text(),
                        "the log names the table")

        with sqlite3.connect(self.database()) as connection:
            connection.execute("ALTER TABLE gone RENAME TO products")
        connection.close()
        self.assertEqual(self.get_product().product.sku, "SKU-000001")

    def test_prices_do_not_need_the_catalog(self):
        response = self.stubs["pricing"].GetPrice(
            pricing.GetPriceRequest(sku="SKU-000001", quantity=1), timeout=HANG_SECONDS)
        self.assertGreater(response.price.total.minor_units, 0)


if __name__ == "__main__":
    unittest.main()
