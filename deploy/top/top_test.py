import contextlib
import http.server
import io
import threading
import unittest

from deploy.top import top

_PAGE = b"""weft_build_info{version="1.2",service="shop"} 1
grpc_server_call_duration_seconds_count{grpc_method="shop.v1.Shop/Get",grpc_status="OK"} 5
"""


@contextlib.contextmanager
def served(status, body):
    """The address of a server that answers everything with this."""

    class Handler(http.server.BaseHTTPRequestHandler):

        def do_GET(self):
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def run_once(*addresses):
    """(exit status, page) of ./weft top --once."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        status = top.main(["--once", "--interval=0.1", *addresses])
    return status, out.getvalue()


class Top(unittest.TestCase):

    def test_shows_what_a_service_does(self):
        with served(200, _PAGE) as address:
            status, page = run_once(address)
        self.assertEqual(status, 0)
        self.assertIn("shop", page)
        self.assertIn("shop.v1.Shop/Get", page)

    def test_says_what_is_wrong_with_an_address(self):
        with served(404, b"") as wrong, served(200, b"<html>hello</html>") as other:
            with served(200, b"") as gone:
                pass
            status, page = run_once(wrong, other, gone)
        self.assertEqual(status, 1)
        self.assertIn(f"{wrong}: answers 404", page)
        self.assertIn(f"{other}: answers, but not with metrics", page)
        self.assertIn(f"{gone}: does not answer: Connection refused", page)

    def test_addresses_are_checked(self):
        for bad in ("", "localhost", "8080", "http://x/metrics"):
            with self.assertRaises(SystemExit), contextlib.redirect_stderr(io.StringIO()):
                top.parse_arguments([bad])
        self.assertEqual(top.parse_arguments(["http://a:1/"]).address, ["a:1"])


if __name__ == "__main__":
    unittest.main()
