"""How the processes start and end: drain, restart, and one clear line when they cannot start."""

import json
import os
import signal
import socket
import subprocess
import tempfile
import unittest

import grpc

from deploy.demo import children
from tests.integration import protos, shop
from tests.integration.shop import HANG_SECONDS, catalog, pricing, storefront


class DrainTest(shop.ShopTest):

    # Long enough that SIGTERM comes while all calls are under way.
    flags = {
        "pricing": ["--pricing.think_time=2s"],
        "storefront": ["--storefront.deadline=60s", "--drain.timeout=60s"],
    }

    def test_sigterm_loses_no_call_under_way(self):
        service = self.services["storefront"]
        calls = [self.stubs["storefront"].GetOffer.future(
            storefront.GetOfferRequest(sku=f"SKU-{1 + i:06}"), timeout=HANG_SECONDS)
            for i in range(50)]
        shop.wait_until(lambda: shop.calls_in_flight(self.services["pricing"]) == 50,
                        "all calls are under way")
        service.process.send_signal(signal.SIGTERM)
        for i, call in enumerate(calls):
            self.assertEqual(call.result().offer.sku, f"SKU-{1 + i:06}")
        self.assertEqual(service.process.wait(HANG_SECONDS), 0, service.stderr_text())

        with self.assertRaises(grpc.RpcError) as raised:
            self.stubs["storefront"].GetOffer(storefront.GetOfferRequest(sku="SKU-000001"),
                                              timeout=HANG_SECONDS)
        self.assert_code(raised.exception, grpc.StatusCode.UNAVAILABLE)


class DrainReadinessTest(shop.ShopTest):

    flags = {
        "pricing": ["--pricing.think_time=0s", "--drain.grace=2s"],
    }

    def test_draining_service_is_not_ready_and_still_answers(self):
        service = self.services["pricing"]
        service.process.send_signal(signal.SIGTERM)
        shop.wait_until(lambda: shop.http_get(service.admin_url + "/readyz")[0] != 200,
                        "/readyz says no")
        response = self.stubs["pricing"].GetPrice(
            pricing.GetPriceRequest(sku="SKU-000001", quantity=1), timeout=HANG_SECONDS)
        self.assertGreater(response.price.total.minor_units, 0)
        self.assertEqual(service.process.wait(HANG_SECONDS), 0, service.stderr_text())


class EndlessHandlerTest(shop.ShopTest):

    flags = {"pricing": ["--pricing.think_time=1h", "--drain.timeout=500ms"]}

    def test_process_ends_within_its_bounds_and_names_the_method(self):
        service = self.services["pricing"]
        call = self.stubs["pricing"].GetPrice.future(
            pricing.GetPriceRequest(sku="SKU-000001", quantity=1), timeout=HANG_SECONDS)
        shop.wait_until(lambda: shop.calls_in_flight(service) == 1, "the call is under way")
        service.process.send_signal(signal.SIGTERM)
        service.process.wait(HANG_SECONDS)
        with self.assertRaises(grpc.RpcError) as raised:
            call.result()
        self.assertIn(raised.exception.code(),
                      (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED))
        self.assertIn("pricing.v1.Pricing/GetPrice", service.stderr_text())


class RestartTest(unittest.TestCase):

    def test_catalog_keeps_its_products_over_a_restart_and_adds_missing_ones(self):
        with tempfile.TemporaryDirectory(dir=os.environ.get("TEST_TMPDIR")) as folder:
            first = self.list_all(folder, 80)
            self.assertEqual(len(first), 10)
            self.assertEqual(self.list_all(folder, 80), first)
            more = self.list_all(folder, 160)
            self.assertEqual(len(more), 20)
            self.assertEqual(more[:10], first)

    def list_all(self, folder, products):
        """The names of all books, from a catalog that is started for it."""
        service = children.Service(
            "catalog", children.shop_binary(shop.BIN_DIR, "catalog"), folder,
            [f"--catalog.database={folder}/catalog.db", f"--catalog.products={products}"])
        try:
            service.wait_listening(HANG_SECONDS)
            with protos.open_channel(service.grpc_address) as channel:
                page = catalog.stub("Catalog", channel).ListProducts(
                    catalog.ListProductsRequest(category="books", page_size=200),
                    timeout=HANG_SECONDS)
        finally:
            code = service.stop(HANG_SECONDS)
        self.assertEqual(code, 0, service.stderr_text())
        return [(product.sku, product.name) for product in page.products]


class StartErrorTest(unittest.TestCase):
    """What cannot work ends the process at once, with one line that says what to do."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(dir=os.environ.get("TEST_TMPDIR"))
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def run_service(self, name, *flags):
        return subprocess.run(
            [children.shop_binary(shop.BIN_DIR, name), "--admin.listen=127.0.0.1:0", *flags],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            timeout=HANG_SECONDS, check=False)

    def assert_refused(self, name, *flags, texts):
        done = self.run_service(name, *flags)
        self.assertGreater(done.returncode, 0, done)  # negative: killed by a signal
        self.assertNotIn("LISTENING", done.stdout)
        lines = [line for line in done.stderr.splitlines() if line]
        self.assertEqual(len(lines), 1, done.stderr)
        for text in texts:
            self.assertIn(text, lines[0])

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def test_unknown_flag_is_named(self):
        self.assert_refused("pricing", "--pricing.think_tiem=5ms", texts=["pricing.think_tiem"])

    def test_value_of_another_type_is_named(self):
        self.assert_refused("pricing", "--pricing.think_time=soon",
                            texts=["pricing.think_time", "soon"])

    def test_value_outside_its_limits_is_named(self):
        self.assert_refused("catalog", "--catalog.products=0", texts=["catalog.products"])

    def test_missing_config_file_is_named(self):
        path = os.path.join(self.folder, "missing.json")
        self.assert_refused("pricing", f"--config={path}", texts=[path])

    def test_malformed_config_file_is_named(self):
        path = self.write("bad.json", '{"pricing": {"think_time": ')
        self.assert_refused("pricing", f"--config={path}", texts=[path])

    def test_unknown_key_of_the_config_file_is_named(self):
        path = self.write("odd.json", json.dumps({"pricing": {"moon": 1}}))
        self.assert_refused("pricing", f"--config={path}", texts=[path, "pricing.moon"])

    def test_port_in_use_is_named(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            address = f"127.0.0.1:{taken.getsockname()[1]}"
            self.assert_refused("pricing", f"--grpc.listen={address}", texts=[address])

    def test_address_that_is_none_is_named(self):
        self.assert_refused("pricing", "--grpc.listen=nowhere", texts=["nowhere"])

    def test_missing_folder_of_the_database_is_named(self):
        path = os.path.join(self.folder, "missing", "catalog.db")
        self.assert_refused("catalog", "--grpc.listen=127.0.0.1:0", f"--catalog.database={path}",
                            texts=[path])

    def test_file_that_is_no_database_is_named(self):
        path = self.write("catalog.db", "This is a text file, and a long one. " * 100)
        self.assert_refused("catalog", "--grpc.listen=127.0.0.1:0", f"--catalog.database={path}",
                            texts=[path])

    def test_database_that_cannot_be_written_is_named(self):
        path = "/proc/catalog.db"  # nobody may write there, root neither
        self.assert_refused("catalog", "--grpc.listen=127.0.0.1:0", f"--catalog.database={path}",
                            texts=[path])

    def test_storefront_without_a_target_is_told_which_one(self):
        self.assert_refused("storefront", "--grpc.listen=127.0.0.1:0",
                            "--storefront.pricing_target=", texts=["pricing_target"])

    def test_help_and_version_are_no_errors(self):
        done = self.run_service("pricing", "--help")
        self.assertEqual(done.returncode, 0, done)
        self.assertIn("pricing.think_time", done.stdout)
        self.assertEqual(self.run_service("pricing", "--version").returncode, 0)

    def test_config_files_of_the_cluster_are_accepted(self):
        for name in ("pricing", "catalog", "storefront"):
            path = os.path.join(shop.BIN_DIR, "deploy", "base", name, name + ".json")
            flags = [f"--config={path}"]
            if name == "catalog":
                flags.append(f"--catalog.database={self.folder}/catalog.db")
            with self.subTest(service=name):
                service = children.Service(name, children.shop_binary(shop.BIN_DIR, name),
                                           self.folder, flags)
                try:
                    service.wait_listening(HANG_SECONDS)
                finally:
                    self.assertEqual(service.stop(HANG_SECONDS), 0, service.stderr_text())

    def test_config_file_is_used_and_flags_win(self):
        path = self.write("pricing.json", json.dumps({
            "grpc": {"listen": "nowhere"}, "admin": {"listen": "127.0.0.1:0"},
            "pricing": {"think_time": "1ms"}}))
        service = children.Service("pricing", children.shop_binary(shop.BIN_DIR, "pricing"),
                                   self.folder, [f"--config={path}"])
        try:
            service.wait_listening(HANG_SECONDS)  # Service sets --grpc.listen
        finally:
            self.assertEqual(service.stop(HANG_SECONDS), 0, service.stderr_text())


if __name__ == "__main__":
    unittest.main()
