"""The catalog on a disk that is full: a file system of 1 MiB that only these processes see.

Mounting it takes no privileges where the kernel lets anybody make user namespaces, as Debian does;
in a container that forbids them the tests are skipped.

No method of the catalog writes, so calls have to go on as if nothing were. SQLite's temporary files
would lie on the full disk as well; the store's queries need none, since they follow an index.
"""

import os
import subprocess
import sys
import tempfile
import unittest

from deploy.demo import children
from tests.integration import protos, shop
from tests.integration.shop import HANG_SECONDS, catalog

IN_NAMESPACE = ["unshare", "--user", "--map-root-user", "--mount"]
WRITE = """
import sqlite3, sys
with sqlite3.connect(sys.argv[1]) as database:
    database.execute("UPDATE products SET description = ? WHERE sku = 'SKU-000001'",
                     ["x" * 200_000])
database.close()
"""


class SmallDisk:
    """A tmpfs in a mount namespace that lives as long as this object's process."""

    def __init__(self, folder):
        self.path = folder
        self._holder = subprocess.Popen(
            IN_NAMESPACE + ["sh", "-c", 'mount -t tmpfs -o size=1m tmpfs "$0" && echo && exec cat',
                            folder],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        if not self._holder.stdout.readline():
            self.close()
            raise AssertionError("the file system was not mounted")
        # The same place, seen from outside.
        self._filler = f"/proc/{self._holder.pid}/root{folder}/filler"

    def close(self):
        self._holder.communicate()

    def inside(self, *command):
        """The command line that runs `command` where the disk is."""
        return ["nsenter", f"--target={self._holder.pid}", "--user", "--mount",
                "--preserve-credentials", "--", *command]

    def fill(self):
        with open(self._filler, "wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(4096))
            except OSError:
                pass  # full

    def make_room(self):
        os.remove(self._filler)


class FullDiskTest(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        if subprocess.run(IN_NAMESPACE + ["true"], stderr=subprocess.DEVNULL,
                          check=False).returncode != 0:
            raise unittest.SkipTest("this machine lets nobody make a user namespace")

    def setUp(self):
        folder = tempfile.TemporaryDirectory(dir=os.environ.get("TEST_TMPDIR"))
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        mount_point = os.path.join(self.folder, "disk")
        os.mkdir(mount_point)
        self.disk = SmallDisk(mount_point)
        self.addCleanup(self.disk.close)
        self.database = os.path.join(mount_point, "catalog.db")
        script = os.path.join(self.folder, "catalog.sh")
        command = self.disk.inside(children.shop_binary(shop.BIN_DIR, "catalog"))
        with open(script, "w", encoding="utf-8") as file:
            file.write(f"#!/bin/sh\nexport SQLITE_TMPDIR={mount_point}\n"
                       f'exec {" ".join(command)} "$@"\n')
        os.chmod(script, 0o700)
        self.script = script

    def start_catalog(self):
        service = children.Service("catalog", self.script, self.folder,
                                   [f"--catalog.database={self.database}",
                                    "--catalog.products=100"])
        self.addCleanup(service.stop)
        return service

    def write(self):
        """What a person at the database would do; the finished process."""
        return subprocess.run(self.disk.inside(sys.executable, "-c", WRITE, self.database),
                              stderr=subprocess.PIPE, text=True, timeout=HANG_SECONDS, check=False)

    def assert_calls_succeed(self, stub):
        calls = [stub.GetProduct.future(catalog.GetProductRequest(sku=f"SKU-{1 + i:06}"),
                                        timeout=HANG_SECONDS) for i in range(50)]
        for i, call in enumerate(calls):
            self.assertEqual(call.result().product.sku, f"SKU-{1 + i:06}")
        page = stub.ListProducts(catalog.ListProductsRequest(category="books", page_size=200),
                                 timeout=HANG_SECONDS)
        self.assertEqual(len(page.products), 13)

    def test_calls_go_on_while_the_disk_is_full_and_writing_when_there_is_room(self):
        service = self.start_catalog().wait_listening(HANG_SECONDS)
        with protos.open_channel(service.grpc_address) as channel:
            stub = catalog.stub("Catalog", channel)
            self.assert_calls_succeed(stub)

            self.disk.fill()
            refused = self.write()
            self.assertIn("disk is full", refused.stderr)
            self.assert_calls_succeed(stub)
            self.assertEqual(shop.http_get(service.admin_url + "/readyz")[0], 200)

            self.disk.make_room()
            self.assertEqual(self.write().stderr, "")
            self.assert_calls_succeed(stub)
            changed = stub.GetProduct(catalog.GetProductRequest(sku="SKU-000001"),
                                      timeout=HANG_SECONDS)
            self.assertEqual(len(changed.product.description), 200_000)
        self.assertEqual(service.stop(HANG_SECONDS), 0, service.stderr_text())

    def test_start_on_a_full_disk_is_refused_in_one_line_and_works_with_room(self):
        self.assertEqual(self.start_catalog().wait_listening(HANG_SECONDS).stop(HANG_SECONDS), 0)
        self.disk.fill()
        refused = self.start_catalog()
        self.assertGreater(refused.process.wait(HANG_SECONDS), 0)
        lines = refused.stderr_text().splitlines()
        self.assertEqual(len(lines), 1, lines)
        for text in ("disk full", self.database, "free space"):
            self.assertIn(text, lines[0])

        self.disk.make_room()
        service = self.start_catalog().wait_listening(HANG_SECONDS)
        with protos.open_channel(service.grpc_address) as channel:
            self.assert_calls_succeed(catalog.stub("Catalog", channel))


if __name__ == "__main__":
    unittest.main()
