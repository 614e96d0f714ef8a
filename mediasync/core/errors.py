"""Every error that mediasync raises on purpose, as one tree.

::

    MediasyncError                     exit code 1
    ├── UsageError                     2   the input is wrong; the message says what to do
    ├── Conflict                       4   refused: the thing is in another state
    │   └── IllegalTransition
    ├── NotFound                       5
    ├── NoWorker                       75  nobody is there to do it now
    ├── WorkError                      raised by a stage while it runs an item
    │   ├── Transient                  try again later (``retry_after`` seconds, if known)
    │   │   └── Unreachable            the other side could not be reached at all
    │   ├── Permanent                  trying again will not help
    │   │   └── AccessDenied           401 or 403: credentials or rights
    │   ├── Snooze                     not now; not an attempt (``until``)
    │   └── NeedsOperator              6   a person must act
    └── LostLease                      another worker holds this job now

    Stop (BaseException)               pause, cancel or shutdown reached a safe point

Each carries ``code`` (stable, English, for events and the API) and ``params`` (JSON-able facts). ``str(error)`` is
one sentence for people.
"""

from __future__ import annotations

import datetime as dt
from typing import Any, ClassVar


class MediasyncError(Exception):
    """Base of all: ``MediasyncError("Sentence.", code="stable_code", path=…)``."""

    default_code: ClassVar[str] = "error"
    exit_code: ClassVar[int] = 1

    def __init__(self, message: str = "", *, code: str | None = None, **params: Any) -> None:
        super().__init__(message or code or self.default_code)
        self.code = code or self.default_code
        self.params = params


class UsageError(MediasyncError):
    """The input cannot be used; the message says what to do instead."""

    default_code = "usage"
    exit_code = 2


class Conflict(MediasyncError):
    """The request is refused because of the state that things are in."""

    default_code = "conflict"
    exit_code = 4


class IllegalTransition(Conflict):
    """The job may not go from its state to the one asked for."""

    default_code = "illegal_transition"


class NotFound(MediasyncError):
    """There is no such thing."""

    default_code = "not_found"
    exit_code = 5


class NoWorker(MediasyncError):
    """No worker is running that could do this now."""

    default_code = "no_worker"
    exit_code = 75


class WorkError(MediasyncError):
    """Base of what a stage may raise for one item."""

    default_code = "work_failed"


class Transient(WorkError):
    """Trying again later may help; ``retry_after`` is in seconds and wins over our own back-off."""

    default_code = "transient"

    def __init__(
        self, message: str = "", *, code: str | None = None, retry_after: float | None = None, **params: Any
    ) -> None:
        super().__init__(message, code=code, **params)
        self.retry_after = retry_after


class Unreachable(Transient):
    """The other side refused the connection, timed out or could not be found."""

    default_code = "unreachable"


class Permanent(WorkError):
    """Trying the same again cannot help."""

    default_code = "permanent"


class AccessDenied(Permanent):
    """The other side answered 401 or 403."""

    default_code = "access_denied"


class Snooze(WorkError):
    """Put the whole job to sleep until ``until`` (aware UTC); counts as no attempt."""

    default_code = "snoozed"

    def __init__(self, message: str = "", *, until: dt.datetime, code: str | None = None, **params: Any) -> None:
        super().__init__(message, code=code, **params)
        self.until = until


class NeedsOperator(WorkError):
    """The job rests (paused) until a person has acted."""

    default_code = "needs_operator"
    exit_code = 6


class LostLease(MediasyncError):
    """Another worker owns this job by now: stop, roll back, write nothing."""

    default_code = "lost_lease"


class Stop(BaseException):
    """Raised by ``ctx.checkpoint()`` when a pause, a cancel or a shutdown was asked for.

    A BaseException, so that a stage's ``except Exception`` cannot swallow it.
    """
