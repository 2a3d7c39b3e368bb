"""gRPC's interoperability cases: Weft against itself and, both ways, against python3-grpcio."""

import os
import re
import subprocess
import tempfile
import unittest

import grpc

from deploy.demo import children
from tests.interop import python_cases, python_service
from tests.testing import certificates

HANG_SECONDS = 120
_BIN = os.path.join(os.environ["TEST_SRCDIR"], os.environ["TEST_WORKSPACE"], "tests", "interop")
_SERVER_NAME = "foo.test.google.fr"
_CASES = {
    "cacheable_unary", "cancel_after_begin", "cancel_after_first_response", "channel_soak",
    "client_compressed_streaming", "client_compressed_unary", "client_streaming",
    "custom_metadata", "empty_stream", "empty_unary", "half_duplex", "large_unary", "ping_pong",
    "rpc_soak", "server_compressed_streaming", "server_compressed_unary", "server_streaming",
    "special_status_message", "status_code_and_message", "timeout_on_sleeping_server",
    "unimplemented_method", "unimplemented_service",
}


def _read(path):
    with open(path, "rb") as file:
        return file.read()


class InteropTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls._folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls._folder.cleanup)
        cls.authority = certificates.Authority(cls._folder.name)
        cls.certificate, cls.key = cls.authority.issue("server", ["DNS:*.test.google.fr"])
        cls.client_certificate, cls.client_key = cls.authority.issue(
            "client", ["URI:spiffe://test/client"])
        cls.client_tls = ["--use_tls=true", f"--ca_file={cls.authority.ca_file}",
                          f"--server_host_override={_SERVER_NAME}"]
        cls.server_tls = ["--use_tls=true", f"--tls_cert_file={cls.certificate}",
                          f"--tls_key_file={cls.key}"]

    def _start_server(self, *flags):
        """The port of a Weft server that ends with the test."""
        server = children.Child("interop_server",
                                [os.path.join(_BIN, "interop_server"), "--port=0", *flags],
                                os.path.join(self._folder.name, self.id() + ".stderr"))
        self.addCleanup(lambda: self.assertEqual(server.stop(), 0, server.stderr_text()))
        line = server.next_line(HANG_SECONDS)
        self.assertIsNotNone(line, server.stderr_text())
        return int(re.fullmatch(r"LISTENING (\d+)", line)[1])

    def _run_client(self, port, *flags, case="all"):
        """(exit status, what each case said) of the Weft client."""
        # The soak cases' bounds of time are for soaks; here they would measure the machine.
        run = subprocess.run(
            [os.path.join(_BIN, "interop_client"), "--server_host=127.0.0.1",
             f"--server_port={port}", f"--test_case={case}",
             f"--soak_overall_timeout_seconds={HANG_SECONDS}",
             f"--soak_per_iteration_max_acceptable_latency_ms={1000 * HANG_SECONDS}", *flags],
            capture_output=True, text=True, timeout=HANG_SECONDS, check=False)
        self.assertIn(run.returncode, (0, 1), run.stderr)
        return run.returncode, dict(
            line.split(": ", 1) for line in run.stdout.splitlines() if ": " in line)

    def _check_all_pass(self, port, *flags, left_out=()):
        _, results = self._run_client(port, *flags)
        self.assertEqual(set(results), _CASES)
        failed = {name: result for name, result in results.items()
                  if result != "passed" and name not in left_out}
        self.assertEqual(failed, {})

    def _check_python_client(self, channel):
        with channel:
            for case in python_cases.ALL:
                with self.subTest(case.__name__):
                    case(channel)

    # --- Weft on both sides ---

    def test_weft_client_and_server(self):
        self._check_all_pass(self._start_server())

    def test_weft_client_and_server_over_tls(self):
        self._check_all_pass(self._start_server(*self.server_tls), *self.client_tls)

    def test_weft_client_and_server_over_mutual_tls(self):
        port = self._start_server(*self.server_tls,
                                  f"--tls_client_ca_file={self.authority.ca_file}")
        self._check_all_pass(port, *self.client_tls, f"--tls_cert_file={self.client_certificate}",
                             f"--tls_key_file={self.client_key}")

    # --- A foreign client ---

    def test_python_client(self):
        port = self._start_server()
        self._check_python_client(grpc.insecure_channel(f"127.0.0.1:{port}"))

    def test_python_client_over_tls(self):
        port = self._start_server(*self.server_tls)
        credentials = grpc.ssl_channel_credentials(_read(self.authority.ca_file))
        self._check_python_client(grpc.secure_channel(
            f"127.0.0.1:{port}", credentials,
            options=[("grpc.ssl_target_name_override", _SERVER_NAME)]))

    # --- A foreign server ---

    def test_python_server(self):
        server, port = python_service.start()
        self.addCleanup(lambda: server.stop(None).wait())
        self._check_all_pass(port, left_out=python_service.LEFT_OUT)

    def test_python_server_over_tls(self):
        server, port = python_service.start(grpc.ssl_server_credentials(
            [(_read(self.key), _read(self.certificate))]))
        self.addCleanup(lambda: server.stop(None).wait())
        self._check_all_pass(port, *self.client_tls, left_out=python_service.LEFT_OUT)

    # --- What TLS is for ---

    def _check_refused(self, port, *flags):
        status, results = self._run_client(port, *flags, case="empty_unary")
        self.assertEqual(status, 1, results)
        self.assertIn("UNAVAILABLE", results["empty_unary"])

    def test_a_server_of_another_name_is_refused(self):
        port = self._start_server(*self.server_tls)
        self._check_refused(port, "--use_tls=true", f"--ca_file={self.authority.ca_file}",
                            "--server_host_override=another.example")

    def test_a_server_of_another_authority_is_refused(self):
        port = self._start_server(*self.server_tls)
        stranger = certificates.Authority(self._folder.name, "stranger")
        self._check_refused(port, "--use_tls=true", f"--ca_file={stranger.ca_file}",
                            f"--server_host_override={_SERVER_NAME}")

    def test_a_client_without_certificate_is_refused_by_mutual_tls(self):
        port = self._start_server(*self.server_tls,
                                  f"--tls_client_ca_file={self.authority.ca_file}")
        self._check_refused(port, *self.client_tls)

    def test_plaintext_and_tls_do_not_mix(self):
        self._check_refused(self._start_server(*self.server_tls))
        self._check_refused(self._start_server(), *self.client_tls)


if __name__ == "__main__":
    unittest.main()
