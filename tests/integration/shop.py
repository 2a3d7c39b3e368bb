"""Starts the real binaries for a test, and ends them.

No test sleeps to wait for something: wait_until() asks until it is so. HANG_SECONDS is no
expectation of speed, only what tells a hang from a slow machine.
"""

import os
import shutil
import tempfile
import time
import unittest
import urllib.error
import urllib.request

from deploy.demo import children, metrics
from tests.integration import protos

HANG_SECONDS = 60
BIN_DIR = os.path.join(os.environ["TEST_SRCDIR"], os.environ["TEST_WORKSPACE"])

catalog = protos.Package("catalog.v1")
pricing = protos.Package("pricing.v1")
storefront = protos.Package("storefront.v1")


def wait_until(condition, what, timeout=HANG_SECONDS):
    """Returns the first true value of condition()."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"after {timeout} s still not so: {what}")
        time.sleep(0.01)


def http_get(url):
    """(status, text) of a page, also of an error page; (0, reason) when nobody answers."""
    try:
        with urllib.request.urlopen(url, timeout=HANG_SECONDS) as response:
            return response.status, response.read().decode("utf-8")
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode("utf-8")
    except OSError as error:
        return 0, str(error)


def read_metrics(service):
    return metrics.Metrics.fetch(service.admin_url, timeout=HANG_SECONDS)


def calls_in_flight(service):
    return read_metrics(service).total("weft_calls_in_flight")


class ShopTest(unittest.TestCase):
    """The three services, started once for all tests of a class; `flags` adds flags by service."""

    flags = {}

    @classmethod
    def setUpClass(cls):
        cls.temp_dir = tempfile.mkdtemp(prefix="shop-", dir=os.environ.get("TEST_TMPDIR"))
        cls.addClassCleanup(shutil.rmtree, cls.temp_dir)
        cls.services = children.start_shop(BIN_DIR, cls.temp_dir, cls.flags)
        cls.addClassCleanup(lambda: children.stop_all(cls.services.values()))
        cls.stubs = {}
        for package, service in ((storefront, "Storefront"), (catalog, "Catalog"),
                                 (pricing, "Pricing")):
            channel = cls.open_channel(service.lower())
            cls.stubs[service.lower()] = package.stub(service, channel)

    @classmethod
    def open_channel(cls, service):
        channel = protos.open_channel(cls.services[service].grpc_address)
        cls.addClassCleanup(channel.close)
        return channel

    def assert_code(self, error, code, *texts):
        """`error` is a grpc.RpcError with this code, whose text has each of `texts`."""
        self.assertEqual(error.code(), code, error.details())
        for text in texts:
            self.assertIn(text, error.details())

    def assert_alive(self):
        """The storefront answers, and so do the others behind it."""
        request = storefront.GetOfferRequest(sku="SKU-000001", quantity=1)
        response = self.stubs["storefront"].GetOffer(request, timeout=HANG_SECONDS,
                                                     wait_for_ready=True)
        self.assertEqual(response.offer.sku, "SKU-000001")
