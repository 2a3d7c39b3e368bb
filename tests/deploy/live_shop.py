"""The demo's three services under load, and callers that give them all kinds of trouble.

A quiet service shows half of its metrics: no failed call, nobody turned away, no stall. So a turn
of Trouble makes one of each, and a test repeats turns until it has seen what it wants.
"""

import os

import grpc

from deploy.demo import children
from tests.integration import protos, shop

FLAGS = {
    # So low that ordinary work is a stall now and then.
    "catalog": ["--log.level=error", "--fibers.stall_threshold=200us"],
    # The storefront alone stays below; a burst does not.
    "pricing": ["--log.level=error", "--admission.client_calls_per_second=100",
                "--admission.client_burst=50"],
    "storefront": ["--log.level=error"],
}
_BURST = 100  # calls at once: more than client_burst


def start_load(services, temp_dir):
    """Offers asked for, 30 a second, until the child is stopped."""
    binary = os.path.join(shop.BIN_DIR, "services", "storefront", "load", "offer_load")
    return children.Child("offer_load", [
        binary, f"--target={services['storefront'].grpc_address}", "--concurrency=4", "--rate=30"],
        os.path.join(temp_dir, "offer_load.stderr"))


class Trouble:
    """Callers that ask for what is not there, give up, have no time, or ask for too much."""

    def __init__(self, services):
        self._services = services

    def turn(self):
        """One of each, on connections of its own; returns when all have ended."""
        channels = {name: protos.open_channel(service.grpc_address)
                    for name, service in self._services.items()}
        try:
            storefront = shop.storefront.stub("Storefront", channels["storefront"])
            pricing = shop.pricing.stub("Pricing", channels["pricing"])
            offer = shop.storefront.GetOfferRequest
            calls = [
                storefront.GetOffer.future(offer(sku="NO-SUCH-THING")),  # NOT_FOUND, of two
                storefront.GetOffer.future(offer(sku="?")),  # INVALID_ARGUMENT
                # Pricing thinks for 5 ms: too long for this one.
                storefront.GetOffer.future(offer(sku="SKU-000001"), timeout=0.004),
            ]
            gives_up = storefront.GetOffer.future(offer(sku="SKU-000002"))
            price = shop.pricing.GetPriceRequest(sku="SKU-000001", quantity=1)
            calls += [pricing.GetPrice.future(price) for _ in range(_BURST)]
            listed = shop.storefront.ListOffersRequest(category="kitchen", limit=3)
            try:
                list(storefront.ListOffers(listed, timeout=shop.HANG_SECONDS))
            except grpc.RpcError:
                pass
            gives_up.cancel()
            for call in calls:
                call.exception(timeout=shop.HANG_SECONDS)
        finally:
            for channel in channels.values():
                channel.close()
