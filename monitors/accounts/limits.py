"""When an account may be asked: its pace, its budget of the day, its breaker and its pause, shared by all who ask.

Everything stands in the row of the account and moves by compare-and-set, so it holds over processes and hosts.

- Pace: turns are handed out at an even pace; who gets one sleeps until it has come. One that is far off is not taken.
- Budget: ``per_day`` requests a day (UTC).
- Breaker: throttling opens it at once, five failures in a row too; 30 or 60 s, doubled up to an hour. After that one
  caller may probe, the others wait for what it finds. A spent quota closes the door until the next day (UTC).
- Pause: refused credentials. A person saves others, or presses *Try again*.
"""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeVar

from django.db import OperationalError, connection
from django.db.models import Q

from mediasync.core.clock import Clock, system
from mediasync.core.errors import AccessDenied, MediasyncError, Permanent, Snooze, Transient
from mediasync.core.ratelimit import backoff, gcra
from monitors.models import Account

from . import spare

THROTTLED, QUOTA_SPENT = "throttled", "quota_spent"  # codes of errors that open the breaker at once
OPENS_AT = 5  # failures in a row
FIRST_COOLDOWN, THROTTLE_COOLDOWN, LONGEST_COOLDOWN = 30.0, 60.0, 3600.0  # seconds
PATIENCE = dt.timedelta(seconds=10)  # the longest sleep for a turn
SET_BACK = dt.timedelta(minutes=1)  # nobody takes a turn so much later: the clock was set back
PROBE_TIME = dt.timedelta(seconds=60)  # how long the others wait for the one that probes
PAUSED = dt.timedelta(minutes=5)  # when to look again at an account that waits for a person
TRIES = 100  # at a database that is locked
FAST = 20.0  # requests a second from which turns are taken by the half second

T = TypeVar("T")
OPEN = Q(fails__gte=OPENS_AT)
LIMITS = (
    *("enabled", "paused", "per_second", "per_day", "next_at", "cooldown_until", "fails", "used_on", "used"),
    *("last_code", "seen_at"),
)


def take(
    account: Account,
    n: int = 1,
    *,
    rest: Callable[[float], bool] | None = None,
    clock: Clock = system,
    pace: bool = True,
) -> None:
    """Wait for the right to send ``n`` requests; raises Snooze(``until``) when that would take long.

    ``rest`` sleeps instead of us and says whether to give up. ``pace`` False: for what is not a request that the cloud
    counts (a stream that stays open): only pause and breaker are asked.
    """
    wait = None
    while wait is None:
        now = clock.now()
        if (wait := spare.use(account.pk, n, now, PATIENCE)) is not None:
            _asking.probes = None
        else:
            wait = _patiently(partial(_taken, account, n, clock, pace=pace))
    if wait > 0:
        if rest is None:
            clock.sleep(wait)
        elif rest(wait):
            raise Snooze("It was asked to end.", until=now, code="account_stopped", account=account.name)


def succeeded(account: Account, clock: Clock = system, *, surely: bool = False) -> None:
    """Remember that the account answered; closes the breaker. Writes at most every few seconds when all is well.

    An answer to what was asked before the breaker opened does not close it again, unless ``surely``.
    """
    now = clock.now()
    probed = _probed(account) or surely
    quiet = not (account.fails or account.cooldown_until or account.last_code or probed)
    if quiet and account.seen_at is not None and now - account.seen_at < PATIENCE:
        return
    values: dict[str, Any] = {"fails": 0, "cooldown_until": None, "seen_at": now, "last_code": "", "last_error": ""}
    rows = Account.objects.filter(pk=account.pk)
    rows = rows if probed else rows.exclude(OPEN, cooldown_until__gt=now)
    if _patiently(lambda: rows.update(**values)):
        for name, value in values.items():
            setattr(account, name, value)


def failed(account: Account, error: Exception, clock: Clock = system) -> None:
    """Remember that a request failed: pause, open the breaker, or only note it."""
    now = clock.now()
    code = error.code if isinstance(error, MediasyncError) else "error"
    said: dict[str, Any] = {"last_code": code[:100], "last_error": str(error)[:500]}
    if isinstance(error, Snooze):
        return
    if isinstance(error, AccessDenied | Transient):
        spare.forget(account.pk)
    if isinstance(error, AccessDenied):
        _set(account, paused=True, fails=0, cooldown_until=None, **said)
    elif code == QUOTA_SPENT:
        rest = getattr(error, "retry_after", None)
        until = now + dt.timedelta(seconds=rest) if rest else tomorrow(now)
        _set(account, fails=OPENS_AT, cooldown_until=until, **said)
    elif isinstance(error, Transient):
        _after_failure(account, error, now, said)
    else:  # it refused this one request ("no such folder"), but it is there
        succeeded(account, clock)


def again(account: Account) -> None:
    """Let an account be asked again at once (a person said so)."""
    spare.forget(account.pk)
    _set(account, paused=False, fails=0, cooldown_until=None, last_code="", last_error="")


@contextmanager
def asking(
    account: Account, *, rest: Callable[[float], bool] | None = None, clock: Clock = system, pace: bool = True
) -> Iterator[None]:
    """Take the right to one request, and remember what becomes of it."""
    take(account, rest=rest, clock=clock, pace=pace)
    try:
        yield
    except MediasyncError as error:
        failed(account, error, clock)
        raise
    succeeded(account, clock)


def pace_of(account: Account) -> float:
    """Return the requests a second of an account; 0: no limit."""
    from . import KINDS

    kind = KINDS.get(account.kind)
    return account.per_second or (kind.per_second if kind else 1.0)


def used_today(account: Account, now: dt.datetime) -> int:
    """Return how many requests were sent on this day (UTC)."""
    return account.used if account.used_on == now.date() else 0


def tomorrow(now: dt.datetime) -> dt.datetime:
    """Return when the next day (UTC) begins."""
    return dt.datetime.combine(now.date() + dt.timedelta(days=1), dt.time(), dt.UTC)


def _patiently(work: Callable[[], T]) -> T:
    """Do it again while the database is locked for longer than a connection waits by itself: an answer that came, or
    throttling, is worth more."""
    for _ in range(TRIES):
        try:
            return work()
        except OperationalError:
            if connection.in_atomic_block:
                raise
            connection.close_if_unusable_or_obsolete()
            time.sleep(0.05)
    return work()


_asking = threading.local()  # who takes, asks and tells what became of it is one thread


def _probed(account: Account) -> bool:
    """Return whether what this thread asked last was the probe of a half open breaker."""
    was: int | None = getattr(_asking, "probes", None)
    _asking.probes = None
    return was is not None and was == account.pk


def _after_failure(account: Account, error: Transient, now: dt.datetime, said: dict[str, Any]) -> None:
    throttled = error.code == THROTTLED
    row, probed = _patiently(lambda: _fresh(account)), _probed(account)
    if row.fails >= OPENS_AT and row.cooldown_until is not None and row.cooldown_until > now and not probed:
        return  # others asked at the same time, and it is open already
    fails = max(row.fails + 1, OPENS_AT if throttled else 0)
    if fails < OPENS_AT:
        until = now + dt.timedelta(seconds=min(error.retry_after, LONGEST_COOLDOWN)) if error.retry_after else None
    else:
        first = THROTTLE_COOLDOWN if throttled else FIRST_COOLDOWN
        grown = backoff(fails - OPENS_AT + 1, first=first, most=LONGEST_COOLDOWN)
        until = now + dt.timedelta(seconds=max(grown, error.retry_after or 0.0))
    _set(account, fails=fails, cooldown_until=until, **said)


def _taken(account: Account, n: int, clock: Clock, *, pace: bool) -> float | None:
    """Take the right to ask and return the seconds until then; None if somebody else was faster."""
    row, now = _fresh(account), clock.now()
    probes = _may_ask(row, now)
    if pace:
        wait = _turn(row, n, now, probes=probes)
    else:
        wait = 0.0 if not probes or _put(row, cooldown_until=now + PROBE_TIME) else None
    if wait is not None:
        _asking.probes = account.pk if probes else None
        for name in LIMITS:  # only now: threads share ``account``
            setattr(account, name, getattr(row, name))
    return wait


def _may_ask(account: Account, now: dt.datetime) -> bool:
    """Return whether who asks now is the one that probes; Snooze if nobody may ask."""
    name = account.name
    if not account.enabled:
        raise Snooze("The account is switched off.", until=now + PAUSED, code="account_off", account=name)
    if account.paused:
        raise Snooze("The account waits for a person.", until=now + PAUSED, code="account_paused", account=name)
    until = account.cooldown_until
    if until is not None and until > now:
        raise Snooze("The account rests.", until=until, code="account_rests", account=name)
    return until is not None and account.fails >= OPENS_AT


def _turn(account: Account, n: int, now: dt.datetime, *, probes: bool) -> float | None:
    """Take the next turns and return the seconds until they come; None if somebody else was faster."""
    rate = pace_of(account)
    ahead = rate >= FAST and not probes and not account.per_day  # a budget is counted to the last request
    count = max(n, int(rate / 2)) if ahead else n
    used = used_today(account, now)
    if account.per_day and used + n > account.per_day:
        text = "The budget of today is used up."
        raise Snooze(text, until=tomorrow(now), code="account_budget", account=account.name)
    interval = dt.timedelta(seconds=count / rate) if rate > 0 else dt.timedelta(0)
    booked = account.next_at
    if booked is not None and booked > now + PATIENCE + interval + SET_BACK:
        booked = None
    begins = max(now, booked or now)
    later, after = gcra(booked, now, interval, PATIENCE)
    if later is not None:
        raise Snooze("Others ask this account already.", until=later, code="account_busy", account=account.name)
    spent = spare.spent(account.pk)
    values: dict[str, Any] = {"next_at": after, "used": used + n + spent, "used_on": now.date()}
    if probes:
        values["cooldown_until"] = now + PROBE_TIME
    if not _put(account, **values):
        spare.unspent(account.pk, spent)
        return None
    if ahead:
        spare.keep(account.pk, count - n, begins, after)
    return (begins - now).total_seconds()


def _fresh(account: Account) -> Account:
    row = Account.objects.filter(pk=account.pk).only("name", "kind", *LIMITS).first()
    if row is None:
        raise Permanent("The account does not exist any more.", code="account_gone", account=account.name)
    return row


def _put(account: Account, **values: Any) -> bool:
    """Set columns if nobody has moved the limit since we read it."""
    seen = {name: getattr(account, name) for name in ("next_at", "cooldown_until", "used", "used_on", "paused")}
    if not Account.objects.filter(pk=account.pk, **seen).update(**values):
        return False
    for name, value in values.items():
        setattr(account, name, value)
    return True


def _set(account: Account, **values: Any) -> None:
    _patiently(lambda: Account.objects.filter(pk=account.pk).update(**values))
    for name, value in values.items():
        setattr(account, name, value)
