"""A headless Chromium, driven over its DevTools protocol. Every `*.localhost` is this machine; certificates are not looked at."""

from __future__ import annotations

import itertools
import json
import shutil
import subprocess
import time
from pathlib import Path

from websockets.sync.client import connect

START_SECONDS, CALL_SECONDS = 60, 60


class ScriptError(AssertionError):
    """What a script threw, or the promise that it ended with was rejected with."""


class Browser:
    def __init__(self, folder: Path):
        program = shutil.which("chromium")
        assert program, "chromium is not installed: Scripts/system-packages.sh test"
        self._log = open(folder / "chromium.log", "wb")
        self._process = subprocess.Popen([
            program, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--ignore-certificate-errors", "--no-proxy-server",
            "--remote-debugging-port=0", f"--user-data-dir={folder / 'profile'}", "about:blank",
        ], stdin=subprocess.DEVNULL, stdout=self._log, stderr=subprocess.STDOUT)
        self._socket = connect(self._endpoint(folder / "profile" / "DevToolsActivePort"), max_size=None, compression=None)
        self._numbers = itertools.count(1)

    def _endpoint(self, file: Path) -> str:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            assert self._process.poll() is None, "chromium has ended"
            if file.exists() and len(lines := file.read_text().split("\n")) > 1:
                return f"ws://127.0.0.1:{lines[0]}{lines[1]}"
            time.sleep(0.05)
        raise AssertionError("chromium does not listen")

    def command(self, method: str, session: str | None = None, **parameters) -> dict:
        """One command and its answer; events in between are not kept."""
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        self._socket.send(json.dumps(message))
        deadline = time.monotonic() + CALL_SECONDS
        while True:
            answer = json.loads(self._socket.recv(timeout=max(0.1, deadline - time.monotonic())))
            if answer.get("id") == number:
                assert "error" not in answer, f"{method}: {answer['error']}"
                return answer["result"]

    def open(self, url: str) -> "Page":
        return Page(self, url)

    def close(self) -> None:
        self._socket.close()
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()


class Page:
    """One tab, when its document is there."""

    def __init__(self, browser: Browser, url: str):
        self._browser = browser
        self._target = browser.command("Target.createTarget", url="about:blank")["targetId"]
        self._session = browser.command("Target.attachToTarget", targetId=self._target, flatten=True)["sessionId"]
        navigated = browser.command("Page.navigate", self._session, url=url)
        assert "errorText" not in navigated, f"{url}: {navigated}"
        self.until("document.readyState === 'complete' && location.href !== 'about:blank'")

    def run(self, expression: str):
        """The value of an expression, which may be a promise."""
        done = self._browser.command(
            "Runtime.evaluate", self._session, expression=expression, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in done:
            thrown = done["exceptionDetails"]
            raise ScriptError(thrown.get("exception", {}).get("description") or thrown["text"])
        return done["result"].get("value")

    def until(self, expression: str, seconds: float = 20):
        """Waits for a value that counts as true."""
        deadline = time.monotonic() + seconds
        while not (value := self.run(expression)):
            assert time.monotonic() < deadline, f"never true: {expression}"
            time.sleep(0.02)
        return value

    def __enter__(self) -> "Page":
        return self

    def __exit__(self, *_) -> None:
        self._browser.command("Target.closeTarget", targetId=self._target)
