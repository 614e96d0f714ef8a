"""A real rclone in a folder of its own: remote control on a free port of 127.0.0.1, a remote ``loc:`` over a folder."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from mediasync.core.filesystems import mounts
from monitors.accounts.secrets import set_secrets
from monitors.models import Account

DEADLINE = 60.0
BINARIES = {"debian": Path("/usr/bin/rclone"), "newer": Path(sys.prefix) / "bin/rclone"}
AT_ONCE = {"vfsOpt": {"DirCacheTime": 3600 * 10**9}}


def until(true: Callable[[], Any], said: Callable[[], str] = str, seconds: float = DEADLINE) -> None:
    """Wait until something is true."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, said()
        time.sleep(0.05)


class Daemon:
    """``rclone rcd``, or ``rclone mount --rc`` if there is a mount point. Use it as a context manager."""

    def __init__(self, binary: Path, top: Path, behind: Path, point: Path | None = None) -> None:
        self.log = top / f"rclone-{time.monotonic_ns()}.log"
        self.config = top / "rclone.conf"
        self.config.write_text(f"[loc]\ntype = alias\nremote = {behind}\n[mem]\ntype = memory\n")
        what = ["mount", "loc:", str(point), "--rc", "--dir-cache-time", "1h"] if point else ["rcd"]
        self.command = [
            str(binary), *what, "--config", str(self.config), "--rc-addr", "127.0.0.1:0", "--rc-user", "u",
            "--rc-pass", "pass-word", "--log-file", str(self.log), "-v",
        ]  # fmt: skip
        self.point = point

    def __enter__(self) -> Self:
        quiet = subprocess.DEVNULL
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.config.parent)}
        self.process = subprocess.Popen(self.command, stdin=quiet, stdout=quiet, stderr=quiet, env=environment)
        try:
            until(lambda: self.port and (self.point is None or os.path.ismount(self.point)), self.said)
        except BaseException:
            self.kill()  # nobody calls __exit__
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.kill(signal.SIGTERM)
        except BaseException:
            self.kill()
            raise

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        self.process.send_signal(number)
        self.process.wait(DEADLINE)

    def said(self) -> str:
        return self.log.read_text() if self.log.exists() else ""

    @property
    def port(self) -> str:
        found = re.search(r"remote control on http://127\.0\.0\.1:(\d+)/", self.said())
        return found[1] if found else ""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def account(self, **options: Any) -> Account:
        return make_account(self.url, **options)


def clear(point: Path) -> None:
    """End whatever was to mount on ``point``, also what a test that failed has left mounting, and unmount it."""

    def left() -> bool:
        for entry in Path("/proc").iterdir():
            with suppress(OSError):
                if entry.name.isdigit() and os.fsencode(point) in (entry / "cmdline").read_bytes():
                    os.kill(int(entry.name), signal.SIGKILL)
                    return True
        mounted = any(mount.point == str(point) for mount in mounts())
        if mounted:
            subprocess.run(["fusermount3", "-uz", str(point)], capture_output=True, check=False)
        return mounted

    until(lambda: not left())


def make_account(url: str, password: str = "pass-word", **options: Any) -> Account:
    account = Account(name="cloud", kind="rclone", options={"address": url, "user": "u", **options}, per_second=1000)
    set_secrets(account, {"password": password})
    account.save()
    return account
