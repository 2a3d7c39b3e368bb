"""The admin server's pages, as a person meets them in a browser: a real process, a real Chromium.

Skipped where no Chromium is installed. Screenshots of every page are among the test's outputs.
"""

import os
import queue
import shutil
import tempfile
import unittest

import grpc

from tests.browser import devtools
from tests.integration import shop

PAGES = ["/", "/debug/calls", "/debug/fibers", "/debug/fibers?view=tree",
         "/debug/fibers?view=stacks", "/debug/stalls", "/debug/shards", "/debug/heap",
         "/debug/profile", "/debug/config", "/debug/log"]
LOOKS = {"light": (1280, 900, False), "dark": (1280, 900, True), "phone": (360, 740, False)}
TAB, ENTER = 9, 13
CHROMIUM = devtools.find_chromium()


@unittest.skipUnless(CHROMIUM, "the pages are not tried in a browser: install the package chromium")
class ConsoleTest(shop.ShopTest):

    flags = {"storefront": ["--admin.allow_cancel=true"]}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.url = cls.services["storefront"].admin_url
        for i in range(20):
            cls.get_offer(f"SKU-{i + 1:06d}")
        for sku in ("NO-SUCH-PRODUCT", "NEITHER-THIS"):
            try:
                cls.get_offer(sku)
                raise AssertionError(f"there is {sku}")
            except grpc.RpcError:
                pass
        # A call that stays in flight.
        requests = queue.Queue()
        watch = cls.stubs["pricing"].WatchPrices(iter(requests.get, None))
        cls.addClassCleanup(requests.put, None)
        cls.addClassCleanup(watch.cancel)
        shop.wait_until(lambda: shop.calls_in_flight(cls.services["pricing"]) == 1,
                        "a call is in flight")
        profile = tempfile.mkdtemp(prefix="chromium-", dir=os.environ.get("TEST_TMPDIR"))
        cls.addClassCleanup(shutil.rmtree, profile, ignore_errors=True)
        cls.browser = devtools.Browser(CHROMIUM, profile)
        cls.addClassCleanup(cls.browser.close)

    @classmethod
    def get_offer(cls, sku):
        return cls.stubs["storefront"].GetOffer(
            shop.storefront.GetOfferRequest(sku=sku, quantity=1), timeout=shop.HANG_SECONDS)

    def setUp(self):
        self.page = self.browser.open_page()
        self.page.look(1280, 900)

    def tearDown(self):
        self.assertEqual(self.page.take_problems(), [])
        self.page.close()

    def test_every_page_fits_and_has_no_errors_however_it_is_looked_at(self):
        for look, (width, height, dark) in LOOKS.items():
            self.page.look(width, height, dark)
            for path in PAGES:
                with self.subTest(look=look, path=path):
                    self.page.go(self.url + path)
                    if path == "/":
                        self.page.wait_until("document.querySelectorAll('polyline').length > 3")
                    self.assertEqual(
                        self.page.evaluate("document.querySelectorAll('[aria-current]').length"), 1)
                    overflow = self.page.evaluate(
                        "document.documentElement.scrollWidth - window.innerWidth")
                    self.assertLessEqual(overflow, 0, "it must be scrolled sideways")
                    self.assertEqual(self.page.take_problems(), [])
                    self.keep_picture(path, look)

    def keep_picture(self, path, look):
        folder = os.environ.get("TEST_UNDECLARED_OUTPUTS_DIR")
        if folder:
            name = path.strip("/").replace("/", "-").replace("?view=", "-") or "overview"
            self.page.screenshot(os.path.join(folder, f"{name}-{look}.png"))

    def test_colours_follow_the_system(self):
        colours = []
        for dark in (False, True):
            self.page.look(1280, 900, dark)
            self.page.go(self.url + "/debug/config")
            colours.append(self.page.evaluate("getComputedStyle(document.body).color"))
        self.assertNotEqual(colours[0], colours[1])

    def test_the_overview_is_live_until_it_is_paused(self):
        self.page.go(self.url + "/")
        cell = "document.querySelector('tr[data-method=\"storefront.v1.Storefront/GetOffer\"]')" \
               ".cells[5].textContent"
        self.page.wait_until("document.querySelectorAll('polyline[points]').length > 3")
        before = int(self.page.evaluate(cell))
        self.get_offer("SKU-000001")
        self.page.wait_until(f"{cell} > {before}")
        self.assertEqual(self.page.evaluate("document.querySelector('#ready').textContent"),
                         "ready")
        self.page.click("#pause")
        self.assertEqual(self.page.evaluate("document.querySelector('#pause').textContent"),
                         "Go on")

    def test_without_scripts_the_overview_is_a_table(self):
        self.page.call("Emulation.setScriptExecutionDisabled", {"value": True})
        self.page.go(self.url + "/")
        text = self.page.evaluate("document.body.innerText")
        self.assertIn("Since the start", text)
        self.assertIn("storefront.v1.Storefront/GetOffer", text)
        self.page.call("Emulation.setScriptExecutionDisabled", {"value": False})

    def test_calls_are_filtered_and_open_to_their_timeline(self):
        self.page.go(self.url + "/debug/calls")
        self.page.click("input[name=method]")
        self.page.type("GetOffer")
        self.page.evaluate("document.querySelector('select[name=show]').value = 'failed'")
        self.page.click("form button")
        self.page.wait_until("location.search.includes('method=GetOffer')"
                             " && document.readyState === 'complete'")
        text = self.page.evaluate("document.body.innerText")
        self.assertIn("NOT_FOUND", text)
        self.assertNotIn("In flight", text)
        self.page.click("details.call summary")
        self.assertTrue(self.page.evaluate("document.querySelector('details.call').open"))
        timeline = self.page.evaluate("document.querySelector('.timeline').innerText")
        self.assertIn("handler", timeline)
        self.assertIn("catalog.v1.Catalog/GetProduct", timeline)
        self.assertIn("ends: NOT_FOUND", timeline)
        self.assertGreater(
            self.page.evaluate("document.querySelector('.timeline .bar i').offsetWidth"), 0)

    def test_a_call_in_flight_leads_to_its_fiber(self):
        self.page.go(self.services["pricing"].admin_url + "/debug/calls")
        self.assertIn("pricing.v1.Pricing/WatchPrices",
                      self.page.evaluate("document.querySelector('tbody').innerText"))
        self.page.click("a[href*='#fiber-']")
        self.page.wait_until("location.hash.startsWith('#fiber-')"
                             " && document.querySelector(':target') !== null")
        self.assertIn("WatchPrices",
                      self.page.evaluate("document.querySelector(':target').innerText"))

    def test_everything_can_be_reached_by_keyboard(self):
        self.page.go(self.url + "/debug/calls?format=html&method=GetOffer")
        reached = []
        for _ in range(40):
            self.page.press("Tab", TAB)
            reached.append(self.page.evaluate(
                "document.activeElement.name || document.activeElement.pathname"
                " || document.activeElement.tagName"))
            if reached[-1] == "SUMMARY":
                break
        for wanted in ("/", "/debug/fibers", "/debug/config", "method", "show", "BUTTON",
                       "SUMMARY"):
            self.assertIn(wanted, reached)
        self.page.press("Enter", ENTER, "\r")
        self.assertTrue(self.page.evaluate("document.activeElement.parentElement.open"))


if __name__ == "__main__":
    unittest.main()
