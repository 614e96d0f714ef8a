"""Is rclone's mount there, and how to mount it again: by a command, or by rclone itself (``mount/mount``)."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import IO, Literal

from mediasync.core.errors import Permanent, Stop, Transient, WorkError
from mediasync.core.paths import to_bytes
from mediasync.core.texts import plain
from monitors import guards
from monitors.filesystems import locate, places
from monitors.models import Account

from .rclone import command_of, mount_options_of
from .rclone_client import SLOW, Remote
from .rclone_vfs import active

State = Literal["there", "lost", "stale", "hangs"]
WORKS = ("there", "hangs")  # what hangs may only be slow: it is never cleared away
Rest = Callable[[float], bool]  # waits so many seconds; True: give up

COMMAND_SECONDS = 90.0  # ``rclone mount --daemon`` itself waits a minute for the mount
APPEARS_SECONDS = 20.0  # between the end of the command and the mount
UNMOUNT_SECONDS = 10.0
KEPT = 1000  # characters of what a command wrote
PRIVATE = frozenset({"SECRET_KEY", "FIELD_KEY", "DATABASE_URL"})  # no business of a program that may run for months


def is_mounted(point: str) -> bool:
    """Tell whether a remote file system is mounted on ``point`` (stored text); nothing is touched."""
    path = to_bytes(point)
    table = places()
    place, is_point = table.get(path), True
    if place is None:
        place, is_point = locate(path, table)
    return is_point and place.is_remote


def state_of(point: str) -> State:
    """Return what has become of a mount; takes up to ``guards.PROBE_SECONDS`` when it hangs."""
    if not is_mounted(point):
        return "lost"
    seen = guards.look_in_child(to_bytes(point), b"", 1)
    if seen is None:
        return "hangs"
    return "stale" if seen["errno"] == errno.ENOTCONN else "there"


def mount_again(account: Account, point: str, rest: Rest) -> None:
    """Mount what is lost (or stale) in the way that the account says; returns when it is there.

    Raises WorkError with a code of ``rclone_texts`` when it is not, and Stop when ``rest`` says so.
    """
    options, state = account.options, state_of(point)
    if state in WORKS:
        return  # somebody else was faster
    if state == "stale" and options.get("unmount_stale", True):
        clear(point)
    said = run(command_of(options), rest) if options.get("remount") == "command" else by_rclone(account, point)
    for _ in range(int(APPEARS_SECONDS / 0.5)):
        if state_of(point) in WORKS:
            return
        if rest(0.5):
            raise Stop
    text = "Nothing is mounted there, although it should be."
    raise Transient(text, code="rclone_still_lost", point=point, error=said)


def clear(point: str) -> None:
    """Unmount what a dead rclone has left behind; what still uses it keeps a dead end (lazy)."""
    for program in ("fusermount3", "fusermount"):
        if path := shutil.which(program):
            with suppress(subprocess.TimeoutExpired):
                quiet = subprocess.DEVNULL
                command = [os.fsencode(path), b"-uz", to_bytes(point)]
                subprocess.run(command, stdin=quiet, stdout=quiet, stderr=quiet, timeout=UNMOUNT_SECONDS, check=False)
            return


def by_rclone(account: Account, point: str) -> str:
    """Ask rclone to mount. One that thinks it has it mounted still (it was unmounted elsewhere) is told first."""
    remote = Remote(account, SLOW)
    try:
        if point in active(remote)[0]:
            with suppress(WorkError):
                remote.call("mount/unmount", mountPoint=point)
        remote.call("mount/mount", **mount_options_of(account.options), mountPoint=point)
    finally:
        remote.close()
    return ""


def run(command: Sequence[str], rest: Rest, seconds: float = COMMAND_SECONDS) -> str:
    """Run a command that ends by itself and return the end of what it wrote.

    What it leaves running in a session of its own (``--daemon``) goes on; it writes into a file, not into a pipe, so
    nobody waits for that one to close it.
    """
    environment = {name: value for name, value in os.environ.items() if name not in PRIVATE}
    with tempfile.TemporaryFile() as output:
        try:
            process = subprocess.Popen(
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd="/",
                env=environment,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            text = "The command could not be started."
            raise Permanent(text, code="rclone_no_command", error=plain(str(error))) from None
        deadline = time.monotonic() + seconds
        try:
            while process.poll() is None:
                if rest(0.1):
                    raise Stop
                if time.monotonic() > deadline:
                    text = "The command did not end: it must mount in the background."
                    raise Transient(text, code="rclone_command_slow", seconds=seconds, error=_end(output))
        except BaseException:
            _kill(process)
            raise
        if process.returncode:
            text = f"The command ended with {process.returncode}."
            raise Transient(text, code="rclone_command_failed", status=process.returncode, error=_end(output))
        return _end(output)


def _kill(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _end(output: IO[bytes]) -> str:
    size = output.seek(0, os.SEEK_END)
    output.seek(max(0, size - KEPT))
    return plain(output.read(KEPT).decode("utf-8", "replace")).strip()
