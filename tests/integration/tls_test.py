"""The three services over mutual TLS: calls, refusals, and certificates that change."""

import os
import shutil
import tempfile
import unittest

import grpc

from deploy.demo import children
from tests.integration import shop
from tests.testing import certificates


def _read(path):
    with open(path, "rb") as file:
        return file.read()


class TlsTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="tls-", dir=os.environ.get("TEST_TMPDIR"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.authority = certificates.Authority(self.folder)
        self.identities = {
            name: self.authority.issue(name, ["DNS:localhost", "IP:127.0.0.1"])
            for name in ("pricing", "catalog", "storefront", "client")}

    def _flags(self, name):
        certificate, key = self.identities[name]
        return [f"--grpc.tls.certificate_file={certificate}", f"--grpc.tls.private_key_file={key}",
                f"--grpc.tls.client_ca_file={self.authority.ca_file}",
                "--channel.tls.enabled=true", f"--channel.tls.ca_file={self.authority.ca_file}",
                f"--channel.tls.certificate_file={certificate}",
                f"--channel.tls.private_key_file={key}", "--tls.reload_interval=1s"]

    def _start(self):
        services = children.start_shop(shop.BIN_DIR, self.folder,
                                       {name: self._flags(name) for name in self.identities})
        self.addCleanup(lambda: children.stop_all(services.values()))
        return services

    def _channel(self, service, authority=None, identity="client"):
        certificate, key = self.identities[identity]
        channel = grpc.secure_channel(service.grpc_address, grpc.ssl_channel_credentials(
            _read((authority or self.authority).ca_file), _read(key), _read(certificate)),
            options=[("grpc.use_local_subchannel_pool", 1)])
        self.addCleanup(channel.close)
        return channel

    def _get_offer(self, channel):
        return shop.storefront.stub("Storefront", channel).GetOffer(
            shop.storefront.GetOfferRequest(sku="SKU-000001", quantity=1),
            timeout=shop.HANG_SECONDS)

    def test_a_call_goes_through_all_services(self):
        response = self._get_offer(self._channel(self._start()["storefront"]))
        self.assertEqual(response.offer.sku, "SKU-000001")

    def test_clients_without_the_authoritys_certificate_are_refused(self):
        storefront = self._start()["storefront"]
        stranger = certificates.Authority(self.folder, "stranger")
        self.identities["stranger"] = stranger.issue("stranger-client", ["DNS:localhost"])
        plaintext = grpc.insecure_channel(storefront.grpc_address)
        self.addCleanup(plaintext.close)
        for channel in (plaintext,
                        self._channel(storefront, identity="stranger"),
                        self._channel(storefront, authority=stranger)):
            with self.assertRaises(grpc.RpcError) as caught:
                self._get_offer(channel)
            self.assertEqual(caught.exception.code(), grpc.StatusCode.UNAVAILABLE)

    def _replace(self, name, authority):
        """The identity's files, as Kubernetes replaces those of a secret: by rename."""
        fresh = authority.issue(f"{name}-renewed", ["DNS:localhost", "IP:127.0.0.1"])
        for new, old in zip(fresh, self.identities[name]):
            os.replace(new, old)

    def test_a_renewed_certificate_is_used_without_a_restart(self):
        storefront = self._start()["storefront"]
        open_channel = self._channel(storefront)
        self._get_offer(open_channel)
        renewed = certificates.Authority(self.folder, "renewed")
        self._replace("storefront", renewed)

        def new_connections_see_it():
            try:
                self._get_offer(self._channel(storefront, authority=renewed))
                return True
            except grpc.RpcError:
                return False

        shop.wait_until(new_connections_see_it, "new connections get the renewed certificate")
        # The connection that was open has not noticed.
        self._get_offer(open_channel)

    def _start_error(self, *flags):
        """What a service says that does not start."""
        service = children.Service("pricing", children.shop_binary(shop.BIN_DIR, "pricing"),
                                   self.folder, flags)
        self.addCleanup(service.stop)
        with self.assertRaises(children.ChildError) as raised:
            service.wait_listening()
        return str(raised.exception)  # How it ended and what it wrote.

    def test_what_is_wrong_with_the_files_is_told_at_the_start(self):
        certificate, key = self.identities["pricing"]
        _, other_key = self.identities["catalog"]
        expired = self.authority.issue("expired", ["DNS:localhost"], days=-1)
        empty = os.path.join(self.folder, "empty.pem")
        with open(empty, "wb"):
            pass

        def server_flags(certificate, key):
            return (f"--grpc.tls.certificate_file={certificate}",
                    f"--grpc.tls.private_key_file={key}")

        for flags, said in (
                (server_flags(certificate, ""), "both certificate_file and private_key_file"),
                (server_flags(certificate, "/nowhere.key"), "'/nowhere.key'"),
                (server_flags(empty, key), "has no certificate"),
                (server_flags(certificate, empty), "has no private key"),
                (server_flags(certificate, other_key), "is not the key of the certificate"),
                (server_flags(*expired), "has expired"),
                ((f"--channel.tls.ca_file={self.authority.ca_file}",),
                 "channel.tls.enabled is false")):
            with self.subTest(said):
                self.assertIn(said, self._start_error(*flags))

    def test_the_log_never_has_the_key(self):
        storefront = self._start()["storefront"]
        self._get_offer(self._channel(storefront))
        key = _read(self.identities["storefront"][1]).decode().splitlines()[1]
        storefront.stop()
        self.assertNotIn(key, storefront.stderr_text())


if __name__ == "__main__":
    unittest.main()
