"""A headless Chromium, driven through its own debugging protocol: no further package is needed."""

from __future__ import annotations

import base64
import itertools
import json
import shutil
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any

import websocket

FLAGS = (
    "--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --remote-debugging-port=0 --remote-allow-origins=* --hide-scrollbars"
)
PROBLEMS = ("Log.entryAdded", "Runtime.exceptionThrown")


class Browser:
    """One tab. ``problems`` gathers what the console complained about: errors, exceptions, refused sources."""

    def __init__(self) -> None:
        self.profile = tempfile.mkdtemp(prefix="mediasync-chromium-")
        self.process = subprocess.Popen(
            ["chromium", *FLAGS.split(), f"--user-data-dir={self.profile}", "about:blank"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.problems: list[dict[str, Any]] = []
        self.loads = 0
        self.socket = websocket.create_connection(self._address(), timeout=90)
        self.ids = itertools.count(1)
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def _address(self) -> str:
        """Return the address of the first tab, once the browser has written down its port."""
        deadline = time.monotonic() + 90
        port_file = Path(self.profile, "DevToolsActivePort")
        while time.monotonic() < deadline:
            if port_file.is_file() and (lines := port_file.read_text().split()):
                with urllib.request.urlopen(f"http://127.0.0.1:{lines[0]}/json/list") as answer:
                    pages = [page for page in json.load(answer) if page["type"] == "page"]
                if pages:
                    address: str = pages[0]["webSocketDebuggerUrl"]
                    return address
            time.sleep(0.05)
        raise TimeoutError("chromium did not start within 30 s")

    def __enter__(self) -> Browser:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.socket.close()
        self.process.terminate()
        self.process.wait(60)
        shutil.rmtree(self.profile, ignore_errors=True)

    def call(self, method: str, **params: Any) -> Any:
        """Send a command and return its result; events that come meanwhile are sorted into ``problems``."""
        number = next(self.ids)
        self.socket.send(json.dumps({"id": number, "method": method, "params": params}))
        return self._until(lambda message: message.get("id") == number).get("result")

    def _until(self, wanted: Any) -> dict[str, Any]:
        while True:
            message: dict[str, Any] = json.loads(self.socket.recv())
            if message.get("method") in PROBLEMS:
                self.problems.append(message["params"])
            self.loads += message.get("method") == "Page.loadEventFired"
            if wanted(message):
                if "error" in message:
                    raise RuntimeError(message["error"])
                return message

    def _loaded(self, before: int) -> None:
        if self.loads == before:
            self._until(lambda message: self.loads > before)

    def open(self, url: str) -> None:
        """Go to a page and wait until it is loaded."""
        before = self.loads
        self.call("Page.navigate", url=url)
        self._loaded(before)

    def run(self, script: str) -> Any:
        """Return the value of an expression in the page."""
        answer = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        return answer["result"].get("value")

    def click(self, selector: str) -> None:
        """Press an element with the mouse (so it works with scripts off) and wait for the page that it leads to."""
        before = self.loads
        self.call("DOM.enable")
        root = self.call("DOM.getDocument")["root"]["nodeId"]
        node = self.call("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        self.call("DOM.scrollIntoViewIfNeeded", nodeId=node)
        box = self.call("DOM.getBoxModel", nodeId=node)["model"]["content"]
        x, y = (box[0] + box[4]) / 2, (box[1] + box[5]) / 2
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)
        self._loaded(before)

    def press_enter(self) -> None:
        """Press Enter where the focus is, and wait for the page that it leads to."""
        before = self.loads
        key = {"key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13, "text": "\r"}
        self.call("Input.dispatchKeyEvent", type="keyDown", **key)
        self.call("Input.dispatchKeyEvent", type="keyUp", **key)
        self._loaded(before)

    def look(self, *, width: int = 1440, height: int = 900, dark: bool = False, javascript: bool = True) -> None:
        """Set the window, the colour scheme, and whether scripts run."""
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 768
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])
        self.call("Emulation.setScriptExecutionDisabled", value=not javascript)

    def cookie(self, url: str, name: str, value: str) -> None:
        """Set a cookie, such as that of a session."""
        self.call("Network.setCookie", url=url, name=name, value=value)

    def screenshot(self, path: str, *, full: bool = False) -> None:
        """Save what is seen (``full``: the whole page) as PNG."""
        data = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=full)["data"]
        Path(path).write_bytes(base64.b64decode(data))
