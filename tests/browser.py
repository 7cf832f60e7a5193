"""Chromium without a window, spoken to through its DevTools protocol over a pipe: pages as people see them.

https://chromedevtools.github.io/devtools-protocol/, and --remote-debugging-pipe: messages are JSON and end with a NUL.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from itertools import count
from pathlib import Path
from typing import BinaryIO

QUIET = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--hide-scrollbars",
)
A4 = (8.27, 11.69)


class Browser:
    """One tab. What the page complains about is in `complaints`."""

    def __init__(self, commands: BinaryIO, answers: BufferedReader) -> None:
        self._out, self._in = commands, answers
        self._numbers, self._rest = count(1), b""
        self._session: str | None = None
        self.complaints: list[str] = []
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.ask(f"{domain}.enable")

    def ask(self, method: str, **params: object) -> dict:
        """Send a command and wait for its answer; events that come meanwhile are noted."""
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        self._out.write(json.dumps(message).encode() + b"\0")
        self._out.flush()
        while (answer := self._next()).get("id") != number:
            self._note(answer)
        assert "error" not in answer, answer
        return answer["result"]

    def await_event(self, method: str) -> None:
        while (event := self._next()).get("method") != method:
            self._note(event)

    def _next(self) -> dict:
        while b"\0" not in self._rest:
            chunk = self._in.read1(1 << 20)
            assert chunk, "the browser ended"
            self._rest += chunk
        message, _, self._rest = self._rest.partition(b"\0")
        return json.loads(message)

    def _note(self, event: dict) -> None:
        params = event.get("params", {})
        match event.get("method"):
            case "Runtime.exceptionThrown":
                self.complaints.append(json.dumps(params["exceptionDetails"]))
            case "Runtime.consoleAPICalled" if params["type"] in ("error", "warning", "assert"):
                self.complaints.append(json.dumps(params["args"]))
            case "Log.entryAdded":
                self.complaints.append(json.dumps(params["entry"]))
            case "Network.requestWillBeSent" if not params["request"]["url"].startswith(("file:", "data:", "about:")):
                self.complaints.append(f"network: {params['request']['url']}")
            case "Page.javascriptDialogOpening":
                self.complaints.append(f"dialog: {params['message']}")

    def open(self, page: Path | str, width: int, *, dark: bool = False, height: int = 900) -> None:
        """Show a page of the disk, or of an address, at a width in CSS pixels."""
        features = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.ask("Emulation.setEmulatedMedia", media="screen", features=features)
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.ask("Page.navigate", url=page if isinstance(page, str) else page.as_uri())
        self.await_event("Page.loadEventFired")

    def run(self, script: str) -> object:
        """Evaluate an expression in the page."""
        found = self.ask("Runtime.evaluate", expression=script, returnByValue=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def picture(self) -> bytes:
        """The whole page as PNG."""
        return base64.b64decode(self.ask("Page.captureScreenshot", captureBeyondViewport=True)["data"])

    def pdf(self) -> bytes:
        """The page printed on A4."""
        self.ask("Emulation.setEmulatedMedia", media="")
        width, height = A4
        printed = self.ask("Page.printToPDF", printBackground=False, preferCSSPageSize=True, paperWidth=width,
                           paperHeight=height)  # fmt: skip
        return base64.b64decode(printed["data"])


@contextmanager
def browser(program: str = "chromium", *options: str) -> Iterator[Browser]:
    """Start a browser with a profile of its own, and end it."""
    theirs_in, commands = os.pipe()
    answers, theirs_out = os.pipe()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        # It reads at descriptor 3 and writes at 4, whatever ours are; those above 9 are more than sh understands.
        line = f'exec "$@" 3<&{theirs_in} 4>&{theirs_out}'
        own = (*QUIET, *options, f"--user-data-dir={profile}", "--remote-debugging-pipe")
        process = subprocess.Popen(
            ["bash", "-c", line, "bash", program, *own],
            pass_fds=(theirs_in, theirs_out), stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(theirs_in)
        os.close(theirs_out)
        with os.fdopen(commands, "wb") as out, os.fdopen(answers, "rb") as into:
            try:
                yield Browser(out, into)
            finally:
                process.terminate()
                process.wait(30)
