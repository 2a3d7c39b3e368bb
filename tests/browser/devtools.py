"""A headless Chromium, driven by its DevTools protocol over two pipes: no library is needed.

https://chromedevtools.github.io/devtools-protocol/ has the commands. Messages are JSON texts, each
ended by a zero byte.
"""

import base64
import json
import os
import select
import shutil
import subprocess
import time

HANG_SECONDS = 60


def find_chromium():
    """The path of a Chromium; None where none is installed."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        path = shutil.which(name)
        if path:
            return path
    return None


class Browser:
    """One process. Use as a context manager, or call close()."""

    def __init__(self, chromium, profile_dir):
        read_end, chromium_writes = os.pipe()
        chromium_reads, self._write_end = os.pipe()
        self._read_end = read_end
        # The browser wants its pipes as 3 and 4, which may be taken by others here.
        self._process = subprocess.Popen(
            ["bash", "-c", f'exec "$@" 3<&{chromium_reads} 4>&{chromium_writes}', "bash", chromium,
             "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
             "--no-first-run", "--hide-scrollbars", "--disable-background-networking",
             "--disable-component-update", "--disable-extensions", "--mute-audio",
             "--force-color-profile=srgb", f"--user-data-dir={profile_dir}",
             "--remote-debugging-pipe", "about:blank"],
            pass_fds=(chromium_reads, chromium_writes), stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(chromium_reads)
        os.close(chromium_writes)
        self._buffer = b""
        self._last_id = 0
        self.events = []

    def close(self):
        self._process.terminate()
        self._process.wait()
        os.close(self._read_end)
        os.close(self._write_end)

    def call(self, method, params=None, session=None):
        """The result of a command."""
        self._last_id += 1
        message = {"id": self._last_id, "method": method, "params": params or {}}
        if session:
            message["sessionId"] = session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self._write_end, data):]
        answer = self._wait(lambda got: got.get("id") == self._last_id, method)
        if "error" in answer:
            raise AssertionError(f"{method}: {answer['error']}")
        return answer["result"]

    def wait_event(self, method, session):
        """The next event of that name, also one that came already; takes it away."""
        for i, event in enumerate(self.events):
            if event["method"] == method and event.get("sessionId") == session:
                return self.events.pop(i)
        event = self._wait(lambda got: got.get("method") == method
                           and got.get("sessionId") == session, method)
        self.events.remove(event)
        return event

    def _wait(self, is_wanted, what):
        deadline = time.monotonic() + HANG_SECONDS
        while True:
            while b"\0" in self._buffer:
                text, self._buffer = self._buffer.split(b"\0", 1)
                message = json.loads(text)
                if "method" in message:
                    self.events.append(message)
                if is_wanted(message):
                    return message
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self._read_end], [], [], left)[0]:
                raise AssertionError(f"the browser does not answer: {what}")
            data = os.read(self._read_end, 1 << 20)
            if not data:
                raise AssertionError(f"the browser has ended: {what}")
            self._buffer += data

    def open_page(self):
        target = self.call("Target.createTarget", {"url": "about:blank"})["targetId"]
        return Page(self, target)


class Page:
    """A tab. `problems` gathers what its console calls an error."""

    def __init__(self, browser, target):
        self._browser = browser
        self._target = target
        self._session = browser.call(
            "Target.attachToTarget", {"targetId": target, "flatten": True})["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self.call(domain + ".enable")

    def close(self):
        self._browser.call("Target.closeTarget", {"targetId": self._target})

    def call(self, method, params=None):
        return self._browser.call(method, params, self._session)

    def go(self, url):
        """Loads the page; returns once it is there."""
        self._forget("Page.loadEventFired")
        self.call("Page.navigate", {"url": url})
        self._browser.wait_event("Page.loadEventFired", self._session)

    def evaluate(self, script):
        """The value of a JavaScript expression, of a promise too."""
        answer = self.call("Runtime.evaluate", {"expression": script, "returnByValue": True,
                                                "awaitPromise": True})
        if "exceptionDetails" in answer:
            raise AssertionError(f"{script}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def wait_until(self, script):
        """Until the expression is true; the page may be another one meanwhile."""
        deadline = time.monotonic() + HANG_SECONDS
        while not self.evaluate(script):
            if time.monotonic() > deadline:
                raise AssertionError(f"still not so: {script}")
            time.sleep(0.05)

    def look(self, width, height, dark=False):
        """The size of the window, and what the system's colours are."""
        self.call("Emulation.setDeviceMetricsOverride",
                  {"width": width, "height": height, "deviceScaleFactor": 1,
                   "mobile": width < 600})
        self.call("Emulation.setEmulatedMedia", {"features": [
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]})

    def click(self, selector):
        """With the mouse, on the middle of the first element that matches."""
        where = self.evaluate(
            f"(() => {{ const e = document.querySelector({json.dumps(selector)});"
            "e.scrollIntoView({block: 'center'}); const r = e.getBoundingClientRect();"
            "return [r.x + Math.min(r.width / 2, 40), r.y + Math.min(r.height / 2, 12)]; })()")
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", {"type": kind, "x": where[0], "y": where[1],
                                                   "button": "left", "clickCount": 1})

    def press(self, key, code=0, text=""):
        """A key of the keyboard, such as "Tab"."""
        params = {"key": key, "code": key, "windowsVirtualKeyCode": code}
        if text:
            params["text"] = text
        self.call("Input.dispatchKeyEvent", {"type": "keyDown", **params})
        self.call("Input.dispatchKeyEvent", {"type": "keyUp", **params})

    def type(self, text):
        self.call("Input.insertText", {"text": text})

    def screenshot(self, path):
        data = self.call("Page.captureScreenshot", {"format": "png"})["data"]
        with open(path, "wb") as file:
            file.write(base64.b64decode(data))

    def take_problems(self):
        """What the console has complained about since last asked."""
        self.evaluate("0")  # what came before is then here
        problems = []
        for event in self._browser.events:
            if event.get("sessionId") != self._session:
                continue
            params = event["params"]
            if event["method"] == "Runtime.exceptionThrown":
                problems.append(str(params["exceptionDetails"]))
            elif event["method"] == "Log.entryAdded" and params["entry"]["level"] == "error":
                problems.append(str(params["entry"]))
            elif event["method"] == "Runtime.consoleAPICalled" and params["type"] == "error":
                problems.append(str(params["args"]))
        self._browser.events = [event for event in self._browser.events
                                if event.get("sessionId") != self._session]
        return problems

    def _forget(self, method):
        self._browser.events = [event for event in self._browser.events
                                if event["method"] != method]
