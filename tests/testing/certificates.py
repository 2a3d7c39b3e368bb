"""Certificates for tests, made by openssl: nothing secret is kept in the repository."""

import os
import subprocess


class Authority:
    """A certificate authority in a folder; `ca_file` is what its users trust."""

    def __init__(self, folder, name="ca"):
        self._folder = folder
        self._name = name
        self.ca_file = self._path("pem")
        self._run("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                  "-keyout", self._path("key"), "-out", self.ca_file, "-days", "30",
                  "-subj", f"/CN={name}")

    def issue(self, name, alternative_names, days=30):
        """(certificate file, key file) for `name`; a negative number of days has expired."""
        certificate, key, request, extensions = (
            os.path.join(self._folder, f"{name}.{end}") for end in ("pem", "key", "csr", "ext"))
        with open(extensions, "w", encoding="utf-8") as file:
            file.write("subjectAltName=" + ",".join(alternative_names) + "\n")
        self._run("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                  "-keyout", key, "-out", request, "-subj", f"/CN={name}")
        self._run("x509", "-req", "-in", request, "-CA", self.ca_file, "-CAkey",
                  self._path("key"), "-CAcreateserial", "-days", str(days), "-extfile", extensions,
                  "-out", certificate)
        return certificate, key

    def _path(self, end):
        return os.path.join(self._folder, f"{self._name}.{end}")

    @staticmethod
    def _run(*arguments):
        subprocess.run(["openssl", *arguments], check=True, capture_output=True)
