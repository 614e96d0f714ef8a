"""One question at a time a host, for all threads and processes of this machine.

What is known of a host lies in one small file: when the next question may go, and how often in a row it asked us to
wait. The lock on that file is the turn. A process that is killed loses its turn with it.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings

from mediasync.core.clock import Clock
from mediasync.core.ratelimit import backoff

from .errors import RateLimited

JITTER = 0.3  # of the pace: a machine's rhythm is not to be seen
STEP = 0.2  # seconds between two looks whether we are to stop
LONGEST_WAIT = 20.0  # seconds in a thread; whoever has to wait longer comes again
FIRST_REST, LONGEST_REST = 30.0, 3600.0  # seconds, after a host asked us to wait
FORGIVEN = 3600.0  # seconds without complaint
CALM = 0.2  # complaints that one good answer makes up for
PATIENCE = 5.0  # complaints after which waiting counts as an attempt, so that a job comes to its end

Check = Callable[[], None]


@contextmanager
def turn(host: str, pace: float, clock: Clock, check: Check) -> Iterator[None]:
    """Wait for our turn with ``host`` and hold it; the next one begins ``pace`` seconds after it, or a little later.

    Raises RateLimited if it would be long, and what ``check`` raises while we wait.
    """
    with _locked(host, clock, check) as file:
        known = _read(file)
        left = _left(known, clock)
        if left > LONGEST_WAIT:
            waits = RateLimited(f"{host} asked us to wait.", code="source_waits", retry_after=left, host=host)
            waits.tried = known.get("anger", 0.0) >= PATIENCE
            raise waits
        rest(left, clock, check)
        try:
            yield
        finally:
            known = _read(file)
            known["anger"] = max(0.0, known.get("anger", 0.0) - CALM)  # a complaint comes after this, and adds to it
            known["next"] = max(known.get("next", 0.0), _now(clock) + pace * (1 + random.random() * JITTER))
            _write(file, known)


def rest(seconds: float, clock: Clock, check: Check) -> None:
    """Wait, looking now and then whether we are to stop."""
    until = clock.monotonic() + seconds
    check()
    while (left := until - clock.monotonic()) > 0:
        clock.sleep(min(STEP, left))
        check()


def slow_down(host: str, clock: Clock, seconds: float | None = None) -> float:
    """Let ``host`` rest for ``seconds``, or longer each time it complains; return for how long."""
    with _open(host) as file:  # whoever complains has the turn, or just had it: one write, no lock
        known = _read(file)
        now = _now(clock)
        again = 0 <= now - known.get("complained", 0.0) < FORGIVEN
        known["complaints"] = known.get("complaints", 0) + 1 if again else 1
        known["complained"] = now
        known["anger"] = known.get("anger", 0.0) + CALM + 1
        seconds = seconds or backoff(known["complaints"], first=FIRST_REST, most=LONGEST_REST)
        known["next"] = now + min(seconds, LONGEST_REST)
        _write(file, known)
    return seconds


def _now(clock: Clock) -> float:
    return clock.now().timestamp()


def _left(known: dict[str, Any], clock: Clock) -> float:
    left = float(known.get("next", 0.0)) - _now(clock)
    return left if 0 < left <= LONGEST_REST + 60 else 0.0  # more than that means that the clock was set back


@contextmanager
def _locked(host: str, clock: Clock, check: Check) -> Iterator[int]:
    with _open(host) as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                rest(STEP, clock, check)
        yield file


@contextmanager
def _open(host: str) -> Iterator[int]:
    folder = Path(settings.DATA_DIR) / "pace"
    folder.mkdir(parents=True, exist_ok=True)
    name = hashlib.sha256(host.encode("utf-8", "replace")).hexdigest()[:16]
    file = os.open(folder / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        yield file
    finally:
        os.close(file)  # and the lock with it


def _read(file: int) -> dict[str, Any]:
    try:
        found = json.loads(os.pread(file, 4096, 0) or b"{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _write(file: int, known: dict[str, Any]) -> None:
    data = json.dumps(known).encode()
    os.pwrite(file, data.ljust(200), 0)  # always as long: an older text never shows through
