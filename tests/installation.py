"""A whole mediasync of its own in a folder, for tests that start real processes."""

from __future__ import annotations

import contextlib
import http.cookiejar
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

TOP = Path(__file__).resolve().parent.parent


def wait_for(what: Callable[[], Any], seconds: float, otherwise: Callable[[], str] = str) -> Any:
    """Return the first true answer of ``what``; AssertionError with ``otherwise()`` after ``seconds``."""
    deadline = time.monotonic() + seconds
    while True:
        found = what()
        if found:
            return found
        assert time.monotonic() < deadline, f"waited {seconds:g} s in vain\n{otherwise()}"
        time.sleep(0.1)


class Installation:
    """A data folder, a port, and the processes that belong to them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.address = f"127.0.0.1:{probe.getsockname()[1]}"
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "MEDIASYNC_DATA": str(folder / "data"),
            "MEDIASYNC_ENV_FILE": str(folder / ".env"),
            "LISTEN": self.address,
            "DJANGO_SETTINGS_MODULE": "mediasync.settings",
        }
        self.log = folder / "output"
        self._started: list[subprocess.Popen[bytes]] = []
        cookies = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        self._browser = urllib.request.build_opener(urllib.request.ProxyHandler({}), cookies)

    def up(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start ``manage.py up``, as the leader of a session, with its output in ``log``."""
        with self.log.open("ab") as output:
            process = subprocess.Popen(
                [sys.executable, str(TOP / "manage.py"), "up", *arguments],
                env=self.environment, cwd=self.folder, stdout=output, stderr=output, start_new_session=True,
            )  # fmt: skip
        self._started.append(process)
        return process

    def manage(self, *arguments: str, code: int = 0) -> str:
        """Run another command to its end and return what it printed."""
        done = subprocess.run(
            [sys.executable, str(TOP / "manage.py"), *arguments],
            env=self.environment, cwd=self.folder, capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip
        assert done.returncode == code, f"{arguments}: exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def python(self, code: str) -> Any:
        """Run ``code`` in a Django shell of the installation and return what it printed as JSON."""
        return json.loads(self.manage("shell", "--no-imports", "-c", f"import json\n{code}") or "null")

    def get(self, path: str) -> tuple[int, str]:
        """Return (status, body); status 0 when nobody answers."""
        return self._open(urllib.request.Request(f"http://{self.address}{path}"))

    def post(self, path: str, **fields: str) -> tuple[int, str]:
        """Post a form with the token of the page it came from."""
        token = re.search(r'csrfmiddlewaretoken" value="([^"]+)"', self.get(fields.pop("page", path))[1])
        data = urllib.parse.urlencode({**fields, "csrfmiddlewaretoken": token.group(1) if token else ""}).encode()
        return self._open(urllib.request.Request(f"http://{self.address}{path}", data))

    def login(self) -> None:
        """Log in to the admin with the password that was shown on the first run."""
        found = re.search(r"user\s+(\S+)\s+password\s+(\S+)", self.log.read_text())
        assert found, self.log.read_text()
        status, body = self.post("/admin/login/?next=/admin/", username=found.group(1), password=found.group(2))
        assert status == 200 and "/admin/logout/" in body

    def _open(self, request: urllib.request.Request) -> tuple[int, str]:
        try:
            with self._browser.open(request, timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def wait_ready(self, seconds: float = 60) -> None:
        """Wait until jobs can run."""
        wait_for(lambda: self.get("/readyz")[0] == 200, seconds, lambda: self.get("/readyz")[1] + self.log.read_text())

    def processes(self) -> dict[int, str]:
        """Return the command line of every live process that was started with this data folder."""
        found = {}
        mine = f"MEDIASYNC_DATA={self.environment['MEDIASYNC_DATA']}".encode()
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                if entry.name.isdigit() and mine in (entry / "environ").read_bytes().split(b"\0"):
                    found[int(entry.name)] = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        return found

    def kill_all(self) -> None:
        """SIGKILL every process of it, as a power cut would."""
        for _ in range(50):
            for pid in self.processes():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            if not self.processes():
                break
            time.sleep(0.02)
        for process in self._started:
            process.wait(timeout=60)
