"""Child processes that end when they are told to, or when this process dies.

Python's standard library only. Linux, for PR_SET_PDEATHSIG.
"""

import ctypes
import os
import queue
import re
import signal
import subprocess
import threading
import time

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_LIBC = ctypes.CDLL(None, use_errno=True)

LISTENING = re.compile(r"^LISTENING grpc=(\d+) admin=(\d+)$")


class ChildError(Exception):
    """A child that ended, or did not come up; the text says what it wrote last."""


class Child:
    """A process whose lines on stdout are queued and whose stderr goes to a file.

    It gets a session of its own: Ctrl+C at the terminal reaches only the parent, which ends its
    children in the right order.
    """

    def __init__(self, name, argv, stderr_path):
        self.name = name
        self.stderr_path = stderr_path
        self.lines = queue.Queue()  # of stdout; None at its end
        self._told_to_end = False
        with open(stderr_path, "wb") as stderr:
            try:
                self.process = subprocess.Popen(
                    argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=stderr,
                    start_new_session=True, preexec_fn=_die_with_parent, text=True,
                    errors="replace")
            except OSError as error:
                raise ChildError(f"{name} does not start: {error}") from error
        self._reader = threading.Thread(target=self._read_lines, daemon=True)
        self._reader.start()

    def _read_lines(self):
        for line in self.process.stdout:
            self.lines.put(line.rstrip("\n"))
        self.lines.put(None)

    def next_line(self, timeout):
        """The next line of stdout; None when there will be none; queue.Empty after timeout."""
        line = self.lines.get(timeout=timeout)
        if line is None:
            self.lines.put(None)
        return line

    def running(self):
        return self.process.poll() is None

    def stderr_text(self):
        with open(self.stderr_path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def failure(self):
        """What to tell people about a child that ended by itself."""
        code = self.process.wait()
        how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        last = [line[:400] for line in self.stderr_text().splitlines()[-8:]]
        text = "".join(f"\n    {line}" for line in last) or " It wrote nothing to stderr."
        return f"{self.name} ended with {how}.{text}"

    def terminate(self):
        """SIGTERM, once: a second one would tell a service to end without its drain."""
        if self.running() and not self._told_to_end:
            self._told_to_end = True
            self.process.send_signal(signal.SIGTERM)

    def stop(self, timeout=30):
        """SIGTERM, and SIGKILL after `timeout` seconds. Returns the exit code."""
        self.terminate()
        try:
            self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._reader.join(timeout)
        self.process.stdout.close()
        return self.process.returncode


class Service(Child):
    """A Weft service on free ports of the loopback interface."""

    def __init__(self, name, binary, temp_dir, flags=(), host="127.0.0.1"):
        self.host = host
        self.ports = None
        # No load balancer has to be told before calls are refused.
        argv = [binary, f"--grpc.listen={host}:0", f"--admin.listen={host}:0", "--drain.grace=0s",
                *flags]
        super().__init__(name, argv, os.path.join(temp_dir, name + ".stderr"))

    def wait_listening(self, timeout=60):
        """Waits for the line LISTENING grpc=… admin=…; ChildError when it does not come."""
        deadline = time.monotonic() + timeout
        while self.ports is None:
            try:
                line = self.next_line(max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise ChildError(f"{self.name} does not listen after {timeout} s") from None
            if line is None:
                raise ChildError(self.failure())
            match = LISTENING.match(line)
            if match:
                self.ports = (int(match[1]), int(match[2]))
        return self

    @property
    def grpc_address(self):
        return f"{self.host}:{self.ports[0]}"

    @property
    def admin_url(self):
        return f"http://{self.host}:{self.ports[1]}"


def _die_with_parent():
    # Signal 15 rather than 9: the service drains and leaves nothing half-written.
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)


def shop_binary(bin_dir, name):
    """Where the build puts a service of services/."""
    return os.path.join(bin_dir, "services", name, name)


def start_shop(bin_dir, temp_dir, flags=None):
    """Starts pricing, catalog and storefront; returns them by name, the storefront last.

    `flags`: further flags by service. When one does not come up, the others are stopped.
    """
    flags = flags or {}
    services = {}
    try:
        for name, own in (
                ("pricing", []),
                ("catalog", [f"--catalog.database={os.path.join(temp_dir, 'catalog.db')}"])):
            services[name] = Service(name, shop_binary(bin_dir, name), temp_dir,
                                     own + list(flags.get(name, ())))
        for service in services.values():
            service.wait_listening()
        targets = [f"--storefront.{name}_target={service.grpc_address}"
                   for name, service in services.items()]
        services["storefront"] = Service("storefront", shop_binary(bin_dir, "storefront"),
                                         temp_dir, targets + list(flags.get("storefront", ())))
        services["storefront"].wait_listening()
        return services
    except BaseException:
        stop_all(services.values())
        raise


def stop_all(children):
    """Ends children that all may end at once; returns their exit codes by name."""
    children = list(children)
    for child in children:
        child.terminate()
    return {child.name: child.stop() for child in children}
