"""Trials of certificates that expire, and that are renewed, under load."""

import os
import shutil
import time

from tests.faults.lab import wait_until
from tests.testing import certificates

_NAMES = ["DNS:localhost", "IP:127.0.0.1"]
_FRESH_RATE = 40  # calls a second that each bring a connection


class _Secret:
    """Files as Kubernetes mounts them: all of them change at once, by the rename of a link."""

    def __init__(self, folder):
        self._folder = folder
        self._versions = 0
        self.certificate = os.path.join(folder, "current", "tls.crt")
        self.key = os.path.join(folder, "current", "tls.key")

    def put(self, certificate, key):
        self._versions += 1
        version = os.path.join(self._folder, f"version{self._versions}")
        os.mkdir(version)
        shutil.copy(certificate, os.path.join(version, "tls.crt"))
        shutil.copy(key, os.path.join(version, "tls.key"))
        link = os.path.join(self._folder, "next")
        os.symlink(version, link)
        os.rename(link, os.path.join(self._folder, "current"))


def _start(trial):
    """(authority, the service's secret, the service, flags of its callers), with mutual TLS."""
    authority = certificates.Authority(trial.folder)
    secret = _Secret(trial.folder)
    secret.put(*authority.issue("service", _NAMES))
    certificate, key = authority.issue("client", _NAMES)
    subject = trial.start_subject(
        f"--grpc.tls.certificate_file={secret.certificate}",
        f"--grpc.tls.private_key_file={secret.key}",
        f"--grpc.tls.client_ca_file={authority.ca_file}", "--tls.reload_interval=1s",
        first_call=False)
    tls = {"tls_ca": authority.ca_file, "tls_certificate": certificate, "tls_key": key}
    with_tls = trial.start_callers(subject, rate=10, **tls)
    wait_until(lambda: with_tls.report()["codes"].get("OK", 0) > 0)
    with_tls.finish()
    wait_until(lambda: subject.connections() == 0)
    subject.at_rest = subject.footing()
    return authority, secret, subject, tls


def rotation(trial):
    """New certificates while connections come and go: nobody is to notice."""
    authority, secret, subject, tls = _start(trial)
    fresh = trial.start_callers(subject, fresh="true", rate=_FRESH_RATE, **tls)
    lasting = trial.start_callers(subject, rate=200, **tls)
    rotations = 0
    end = time.monotonic() + trial.seconds
    while rotations == 0 or time.monotonic() < end:
        secret.put(*authority.issue(f"service{rotations}", _NAMES))
        rotations += 1
        time.sleep(1.3)  # longer than tls.reload_interval
    for callers, what in ((fresh, "fresh connections"), (lasting, "lasting connections")):
        callers.finish()
        trial.judge(callers, ("OK",), what)
    trial.figure("rotations", rotations)
    trial.settle(subject)


def expiry(trial):
    """A certificate that expires while it is in use, and is renewed."""
    authority, secret, subject, tls = _start(trial)
    fresh = trial.start_callers(subject, fresh="true", rate=_FRESH_RATE, **tls)
    lasting = trial.start_callers(subject, rate=200, **tls)

    def goes(code):
        return lambda: fresh.report()["codes"].get(code, 0) > 0

    trial.expect(wait_until(goes("OK")), "no call is answered")
    secret.put(*authority.issue("short", _NAMES, seconds=4))
    trial.expect(wait_until(goes("UNAVAILABLE")), "an expired certificate is accepted")
    # Those that are open have proved who they are.
    lasting.report()
    time.sleep(min(1.0, trial.seconds))
    trial.expect(lasting.report()["codes"].get("OK", 0) > 0,
                 "open connections ended with the certificate")
    secret.put(*authority.issue("renewed", _NAMES))
    begin = time.monotonic()
    trial.expect(wait_until(goes("OK")), "the renewed certificate is not used")
    trial.figure("renewed certificate in use after s", time.monotonic() - begin)
    # Those that had begun before may still fail.
    wait_until(lambda: set(fresh.report()["codes"]) == {"OK"})
    time.sleep(min(1.0, trial.seconds))
    last = fresh.finish()
    trial.expect(set(last["codes"]) <= {"OK"}, f"connections still fail: {last['texts']}")
    trial.judge(fresh, ("OK", "UNAVAILABLE"), "fresh connections")
    lasting.finish()
    trial.judge(lasting, ("OK",), "lasting connections")
    trial.settle(subject)


SCENARIOS = {"rotation": rotation, "expiry": expiry}
