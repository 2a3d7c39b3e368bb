"""Certificates for tests, made by openssl: nothing secret is kept in the repository."""

import datetime
import os
import subprocess

_CA_CONFIGURATION = """
[ca]
default_ca = this
[this]
database = {database}
new_certs_dir = {folder}
rand_serial = yes
default_md = sha256
policy = any
[any]
commonName = supplied
"""


class Authority:
    """A certificate authority in a folder; `ca_file` is what its users trust."""

    def __init__(self, folder, name="ca"):
        self._folder = folder
        self._name = name
        self.ca_file = self._path("pem")
        self._run("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                  "-keyout", self._path("key"), "-out", self.ca_file, "-days", "30",
                  "-subj", f"/CN={name}")

    def issue(self, name, alternative_names, days=30, seconds=None):
        """(certificate file, key file) for `name`; a negative number of days has expired.

        With `seconds`, it expires after so many.
        """
        certificate, key, request, extensions = (
            os.path.join(self._folder, f"{name}.{end}") for end in ("pem", "key", "csr", "ext"))
        with open(extensions, "w", encoding="utf-8") as file:
            file.write("subjectAltName=" + ",".join(alternative_names) + "\n")
        self._run("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                  "-keyout", key, "-out", request, "-subj", f"/CN={name}")
        if seconds is not None:
            self._sign_for(seconds, request, extensions, certificate)
            return certificate, key
        self._run("x509", "-req", "-in", request, "-CA", self.ca_file, "-CAkey",
                  self._path("key"), "-CAcreateserial", "-days", str(days), "-extfile", extensions,
                  "-out", certificate)
        return certificate, key

    def _sign_for(self, seconds, request, extensions, certificate):
        """By `openssl ca`, which alone counts in less than days, and wants a configuration."""
        for end, text in (("txt", ""), ("cnf", _CA_CONFIGURATION)):
            with open(self._path(end), "w", encoding="utf-8") as file:
                file.write(text.format(database=self._path("txt"), folder=self._folder))
        now = datetime.datetime.now(datetime.timezone.utc)
        begin, end = (time.strftime("%Y%m%d%H%M%SZ") for time in
                      (now - datetime.timedelta(hours=1), now + datetime.timedelta(0, seconds)))
        self._run("ca", "-batch", "-notext", "-config", self._path("cnf"), "-cert", self.ca_file,
                  "-keyfile", self._path("key"), "-startdate", begin, "-enddate", end,
                  "-extfile", extensions, "-in", request, "-out", certificate)

    def _path(self, end):
        return os.path.join(self._folder, f"{self._name}.{end}")

    @staticmethod
    def _run(*arguments):
        subprocess.run(["openssl", *arguments], check=True, capture_output=True)
