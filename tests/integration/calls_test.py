"""Calls of all four kinds from python3-grpcio, a client that is not ours, to the real services."""

import queue
import unittest

import grpc

from tests.integration import shop
from tests.integration.shop import HANG_SECONDS, catalog, pricing, storefront


class CallsTest(shop.ShopTest):

    flags = {
        # One test has 500 calls under way at once.
        "catalog": ["--catalog.products=200", "--catalog.queue=500"],
        "pricing": ["--pricing.think_time=1ms", "--pricing.price_list_period=0s"],
        "storefront": ["--storefront.deadline=30s"],
    }

    def get_offer(self, **fields):
        return self.stubs["storefront"].GetOffer(storefront.GetOfferRequest(**fields),
                                                 timeout=HANG_SECONDS)

    def test_offer_joins_product_and_price(self):
        offer = self.get_offer(sku="SKU-000003", quantity=10).offer
        product = self.stubs["catalog"].GetProduct(
            catalog.GetProductRequest(sku="SKU-000003"), timeout=HANG_SECONDS).product
        price = self.stubs["pricing"].GetPrice(
            pricing.GetPriceRequest(sku="SKU-000003", quantity=10), timeout=HANG_SECONDS).price
        self.assertEqual(offer.name, product.name)
        self.assertEqual(offer.category, product.category)
        self.assertEqual(offer.quantity, 10)
        self.assertEqual(offer.unit_price.minor_units, price.unit_price.minor_units)
        self.assertEqual(offer.total.minor_units, 10 * price.unit_price.minor_units)
        self.assertEqual(offer.total.currency_code, "EUR")
        self.assertEqual(price.discount_percent, 5)

    def test_quantity_zero_stands_for_one(self):
        self.assertEqual(self.get_offer(sku="SKU-000003").offer.quantity, 1)

    def test_unknown_product_is_not_found(self):
        with self.assertRaises(grpc.RpcError) as raised:
            self.get_offer(sku="SKU-999999", quantity=1)
        self.assert_code(raised.exception, grpc.StatusCode.NOT_FOUND, "SKU-999999")

    def test_bad_request_is_invalid_argument_naming_the_field(self):
        for fields, text in (({"sku": "", "quantity": 1}, "sku"),
                             ({"sku": "no good", "quantity": 1}, "sku"),
                             ({"sku": "SKU-000001", "quantity": -1}, "quantity"),
                             ({"sku": "SKU-000001", "quantity": 10001}, "10000")):
            with self.subTest(fields), self.assertRaises(grpc.RpcError) as raised:
                self.get_offer(**fields)
            self.assert_code(raised.exception, grpc.StatusCode.INVALID_ARGUMENT, text)

    def test_list_offers_streams_a_category_up_to_the_limit(self):
        request = storefront.ListOffersRequest(category="kitchen", limit=23)
        offers = [reply.offer for reply in
                  self.stubs["storefront"].ListOffers(request, timeout=HANG_SECONDS)]
        self.assertEqual(len(offers), 23)
        self.assertEqual({offer.category for offer in offers}, {"kitchen"})
        skus = [offer.sku for offer in offers]
        self.assertEqual(skus, sorted(set(skus)))
        for offer in offers:
            self.assertGreater(offer.total.minor_units, 0)

    def test_list_offers_ends_with_the_category(self):
        # 200 products in turn over 8 categories.
        request = storefront.ListOffersRequest(category="toys", limit=1000)
        offers = list(self.stubs["storefront"].ListOffers(request, timeout=HANG_SECONDS))
        self.assertEqual(len(offers), 25)

    def test_list_offers_of_an_unknown_category_is_not_found(self):
        request = storefront.ListOffersRequest(category="unicorns")
        with self.assertRaises(grpc.RpcError) as raised:
            list(self.stubs["storefront"].ListOffers(request, timeout=HANG_SECONDS))
        self.assert_code(raised.exception, grpc.StatusCode.NOT_FOUND, "unicorns")

    def test_pages_of_products_hold_each_product_once(self):
        skus, token = [], ""
        while True:
            page = self.stubs["catalog"].ListProducts(
                catalog.ListProductsRequest(category="garden", page_size=7, page_token=token),
                timeout=HANG_SECONDS)
            self.assertLessEqual(len(page.products), 7)
            skus += [product.sku for product in page.products]
            token = page.next_page_token
            if not token:
                break
        self.assertEqual(len(skus), 25)
        self.assertEqual(skus, sorted(set(skus)))

    def test_basket_of_a_request_stream_is_priced_as_a_whole(self):
        lines = [pricing.PriceBasketRequest(sku=f"SKU-{i:06}", quantity=i) for i in range(1, 31)]
        basket = self.stubs["pricing"].PriceBasket(iter(lines), timeout=HANG_SECONDS)
        self.assertEqual([line.sku for line in basket.lines], [line.sku for line in lines])
        self.assertEqual(basket.total.minor_units,
                         sum(line.total.minor_units for line in basket.lines))

    def test_bad_line_of_a_basket_is_named(self):
        lines = [pricing.PriceBasketRequest(sku="SKU-1", quantity=1),
                 pricing.PriceBasketRequest(sku="SKU-2", quantity=0)]
        with self.assertRaises(grpc.RpcError) as raised:
            self.stubs["pricing"].PriceBasket(iter(lines), timeout=HANG_SECONDS)
        self.assert_code(raised.exception, grpc.StatusCode.INVALID_ARGUMENT, "line 2", "quantity")

    def test_empty_basket_is_invalid_argument(self):
        with self.assertRaises(grpc.RpcError) as raised:
            self.stubs["pricing"].PriceBasket(iter([]), timeout=HANG_SECONDS)
        self.assert_code(raised.exception, grpc.StatusCode.INVALID_ARGUMENT, "empty")

    def test_watched_line_is_answered_while_the_client_still_sends(self):
        lines = queue.Queue()
        replies = self.stubs["pricing"].WatchPrices(iter(lines.get, None), timeout=HANG_SECONDS)
        for sku in ("SKU-000001", "SKU-000002"):
            lines.put(pricing.WatchPricesRequest(sku=sku, quantity=2))
            self.assertEqual(next(replies).price.sku, sku)
        lines.put(None)
        self.assertEqual(list(replies), [])
        self.assertEqual(replies.code(), grpc.StatusCode.OK)

    def test_bad_watched_line_ends_the_call(self):
        lines = [pricing.WatchPricesRequest(sku="", quantity=2)]
        with self.assertRaises(grpc.RpcError) as raised:
            list(self.stubs["pricing"].WatchPrices(iter(lines), timeout=HANG_SECONDS))
        self.assert_code(raised.exception, grpc.StatusCode.INVALID_ARGUMENT, "line 1", "sku")

    def test_metadata_of_any_kind_does_no_harm(self):
        response, call = self.stubs["storefront"].GetOffer.with_call(
            storefront.GetOfferRequest(sku="SKU-000001"), timeout=HANG_SECONDS,
            metadata=[("x-request-id", "42"), ("x-twice", "a"), ("x-twice", "b"),
                      ("x-bytes-bin", bytes(range(256))),
                      ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
                      ("traceparent", "no trace at all")])
        self.assertEqual(call.code(), grpc.StatusCode.OK)
        self.assertEqual(response.offer.sku, "SKU-000001")

    def test_unknown_method_is_unimplemented(self):
        channel = self.open_channel("storefront")
        call = channel.unary_unary("/storefront.v1.Storefront/GetMoon")
        with self.assertRaises(grpc.RpcError) as raised:
            call(b"", timeout=HANG_SECONDS)
        self.assert_code(raised.exception, grpc.StatusCode.UNIMPLEMENTED)
        self.assert_alive()

    def test_request_that_is_no_message_is_refused(self):
        channel = self.open_channel("storefront")
        call = channel.unary_unary("/storefront.v1.Storefront/GetOffer")
        with self.assertRaises(grpc.RpcError) as raised:
            call(b"\xff" * 40, timeout=HANG_SECONDS)
        self.assertIn(raised.exception.code(),
                      (grpc.StatusCode.INTERNAL, grpc.StatusCode.INVALID_ARGUMENT))
        self.assert_alive()

    def test_many_calls_at_once_all_succeed(self):
        calls = [self.stubs["storefront"].GetOffer.future(
            storefront.GetOfferRequest(sku=f"SKU-{1 + i % 200:06}", quantity=1 + i % 20),
            timeout=HANG_SECONDS) for i in range(500)]
        for i, call in enumerate(calls):
            self.assertEqual(call.result().offer.sku, f"SKU-{1 + i % 200:06}")


class WatchedPricesChangeTest(shop.ShopTest):

    flags = {"pricing": ["--pricing.price_list_period=50ms", "--pricing.think_time=0s"]}

    def test_new_price_lists_are_told_until_the_client_has_enough(self):
        lines = queue.Queue()
        lines.put(pricing.WatchPricesRequest(sku="SKU-000001", quantity=1))
        replies = self.stubs["pricing"].WatchPrices(iter(lines.get, None), timeout=HANG_SECONDS)
        seen = [next(replies).price for _ in range(4)]
        lines.put(None)
        list(replies)
        lists = [price.price_list for price in seen]
        self.assertEqual(lists, sorted(set(lists)))
        for before, after in zip(seen, seen[1:]):
            self.assertNotEqual(before.total.minor_units, after.total.minor_units)

    def test_client_that_cancels_leaves_no_call_behind(self):
        lines = queue.Queue()
        lines.put(pricing.WatchPricesRequest(sku="SKU-000001", quantity=1))
        replies = self.stubs["pricing"].WatchPrices(iter(lines.get, None))
        next(replies)
        replies.cancel()
        lines.put(None)
        shop.wait_until(lambda: shop.calls_in_flight(self.services["pricing"]) == 0,
                        "pricing has no call in flight")


if __name__ == "__main__":
    unittest.main()
