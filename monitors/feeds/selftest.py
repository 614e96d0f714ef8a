"""Does a root's feed really hear of changes? Write a file, wait for the running feed to hear of it, remove the file.

The file is empty, its name is hidden and never counts as content. It is written by this process, not by the watcher:
so the watcher hears of it as of any other program's.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import sys
import uuid
from contextlib import suppress
from typing import Any, NamedTuple

from mediasync.core.clock import Clock, system
from mediasync.core.paths import to_bytes
from mediasync.jobs import registry
from monitors.filesystems import Place, place_of
from monitors.models import FeedState, Root

from . import marker
from .base import MARK
from .choosing import reason
from .kernel import LIMIT, Kernel
from .lead import leader
from .polling import Polling

WAIT_SECONDS = 10.0
LOOK_SECONDS = 0.2
PATIENCE_SECONDS = 10.0  # with a mount


class Result(NamedTuple):
    """``code`` has a sentence in texts.py."""

    ok: bool
    code: str
    params: dict[str, Any]

    def __str__(self) -> str:
        return registry.text(self.code, self.params)


def run(root: Root, clock: Clock = system) -> Result:
    """Test the feed of a root; takes some ten seconds at most for what is heard, thirty for a mount that hangs."""
    if (cannot := _cannot(root, clock)) is not None:
        return cannot
    name = MARK + uuid.uuid4().hex
    path = os.path.join(to_bytes(root.path), name.encode())
    begun = clock.now()
    try:
        written = _marker("write", path)
        if "error" in written:
            return _no(root, "test_read_only", error=written["error"])
        place = place_of(to_bytes(root.path))
        if reason(root)[0] == Polling.kind:
            moved = written["before"] != written["after"]
            return Result(moved, "test_time_moves" if moved else "test_time_rests", {"name": root.name})
        return _listen(root, place, name, begun, clock)
    except subprocess.TimeoutExpired:
        return _no(root, "test_hangs", seconds=PATIENCE_SECONDS)
    finally:
        _remove(path)


def _cannot(root: Root, clock: Clock) -> Result | None:
    """Say why a root's feed cannot be tested."""
    kind, code, params = reason(root)
    if not leader(clock):
        return _no(root, "test_nobody")
    if not kind:
        return _no(root, "test_no_feed", why=registry.text(code, params))
    if kind not in (Kernel.kind, Polling.kind) or not root.mounted:
        return _no(root, "test_by_account")
    row = FeedState.objects.filter(kind=kind, root=root).first()
    if row is None or (row.state != FeedState.State.FINE and row.code != LIMIT):
        why = registry.text(row.code, row.params) if row and row.code else str(FeedState.State.STARTING.label)
        return _no(root, "test_feed_down", why=why)
    return None


def _listen(root: Root, place: Place, name: str, begun: dt.datetime, clock: Clock) -> Result:
    far, params = place.is_remote, {"name": root.name, "type": place.type}
    end = clock.monotonic() + WAIT_SECONDS
    while clock.monotonic() < end:
        heard = FeedState.objects.filter(kind=Kernel.kind, root=root).values_list("heard", flat=True).first()
        if heard and heard["name"] == name:
            seconds = max(0.0, (dt.datetime.fromisoformat(heard["at"]) - begun).total_seconds())
            return Result(True, "test_heard_remote" if far else "test_heard", {**params, "seconds": f"{seconds:.2f}"})
        clock.sleep(LOOK_SECONDS)
    return Result(False, "test_silent_remote" if far else "test_silent", {**params, "seconds": f"{WAIT_SECONDS:g}"})


def _no(root: Root, code: str, **params: Any) -> Result:
    return Result(False, code, {"name": root.name, **params})


def _remove(path: bytes) -> None:
    with suppress(subprocess.TimeoutExpired):  # its mount hangs: an empty hidden file may stay
        _marker("remove", path)


def _marker(act: str, path: bytes) -> dict[str, Any]:
    _reap()
    child = subprocess.Popen(
        [sys.executable, "-I", "-S", marker.__file__, act, os.fsdecode(path)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        answer, _nothing = child.communicate(timeout=PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()  # it dies when its mount answers; waiting for it could take for ever
        _left.append(child)
        raise
    found: dict[str, Any] = json.loads(answer or b'{"error": "the process that writes died"}')
    return found


_left: list[subprocess.Popen[bytes]] = []


def _reap() -> None:
    for child in [each for each in _left if each.poll() is not None]:
        if child.stdout:
            child.stdout.close()
        _left.remove(child)
