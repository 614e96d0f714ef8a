"""When a server may be asked: its breaker, its pace, its pause. All by compare-and-set.

- Five failures to reach it in a row open the breaker: 30 s, doubled up to 15 min. After that one caller may probe; the
  others wait for what it finds. When the breaker closes, the requests that waited go out at an even pace, not at once.
  A 502, 503 or 504 counts as such: so speaks a proxy whose server is away, or a server that is starting.
- 401 and 403 pause the server until a person has acted.
- A library is asked at most once per ``Server.pace`` seconds; a server at most ``SHARE`` times that, with short bursts.
"""

from __future__ import annotations

import datetime as dt

from django.db.models import F, Q

from mediasync.core import clock
from mediasync.core.errors import AccessDenied, MediasyncError, Transient, Unreachable
from mediasync.core.ratelimit import backoff, gcra

from .models import Library, Server

OPENS_AT = 5  # failures in a row
FIRST_COOLDOWN = 30.0  # seconds
LONGEST_COOLDOWN = 900.0  # seconds
PROBE_TIME = dt.timedelta(seconds=60)  # how long the others wait for the one that probes
RESTING = dt.timedelta(seconds=60)  # when to look again at a paused server
AWAY = frozenset({502, 503, 504})
SHARE = 4
BURST = 10


def ready(server: Server, now: dt.datetime | None = None) -> dt.datetime | None:
    """Return None if the server may be asked now, else when to come back.

    While the breaker is half open only one caller gets None, so ask only if you will really send.
    """
    now = now or clock.system.now()
    server.refresh_from_db(fields=["enabled", "paused", "cooldown_until", "fails"])
    if server.paused or not server.enabled:
        return now + RESTING
    until = server.cooldown_until
    if until is not None and until > now:
        return until
    if server.fails < OPENS_AT:
        return None
    mine = _update(server, Q(cooldown_until=until, fails__gte=OPENS_AT), cooldown_until=now + PROBE_TIME)
    return None if mine else now + PROBE_TIME


def take(server: Server, library: Library | None = None, now: dt.datetime | None = None) -> dt.datetime | None:
    """Take the right to send one request at the server's pace: None, or when it may be had."""
    now = now or clock.system.now()
    pace = dt.timedelta(seconds=server.pace)
    # The library first: one with much to say must not use up the share of the others while it waits for itself.
    wait = _take(Library, library.pk, now, pace, dt.timedelta(0)) if library is not None else None
    return wait or _take(Server, server.pk, now, pace / SHARE, pace * BURST / SHARE)


def succeeded(server: Server, now: dt.datetime | None = None) -> None:
    """Remember that the server answered; closes the breaker."""
    now = now or clock.system.now()
    values = {"fails": 0, "cooldown_until": None, "seen_at": now, "last_error": ""}
    if server.fails >= OPENS_AT:
        # All of the burst is spent: what has piled up goes out one by one.
        values["next_at"] = now + dt.timedelta(seconds=server.pace) * BURST / SHARE
    _update(server, Q(), **values)


def failed(server: Server, error: Exception, now: dt.datetime | None = None) -> None:
    """Remember that a request failed: pause, open the breaker, or wait as long as the server asked for."""
    now = now or clock.system.now()
    text = str(error)[:500]
    if isinstance(error, AccessDenied):
        _update(server, Q(), paused=True, paused_reason=error.code, last_error=text, fails=0, cooldown_until=None)
    elif isinstance(error, Transient):
        away = is_away(error)
        _update(server, Q(), fails=F("fails") + 1 if away else 0, last_error=text)
        rest = min(error.retry_after or 0.0, LONGEST_COOLDOWN)
        if server.fails >= OPENS_AT:
            own = backoff(server.fails - OPENS_AT + 1, first=FIRST_COOLDOWN, most=LONGEST_COOLDOWN)
            rest = max(rest, own)
        if rest or not away:
            _update(server, Q(), cooldown_until=now + dt.timedelta(seconds=rest) if rest else None)
    elif isinstance(error, MediasyncError):
        # It refused this request, but it is there.
        _update(server, Q(), fails=0, cooldown_until=None, seen_at=now, last_error=text)


def is_away(error: MediasyncError) -> bool:
    """Tell whether an error shows that nobody is there, rather than that the server does not want to."""
    return isinstance(error, Unreachable) or error.params.get("status") in AWAY


def _update(server: Server, where: Q, **values: object) -> bool:
    """Set columns of the row if ``where`` still holds, and read them back into ``server``."""
    done = Server.objects.filter(where, pk=server.pk).update(**values)
    if done:
        server.refresh_from_db(fields=list(values))
    return bool(done)


def _take(
    model: type[Server] | type[Library], pk: int, now: dt.datetime, interval: dt.timedelta, burst: dt.timedelta
) -> dt.datetime | None:
    rows = model._default_manager.filter(pk=pk)
    while True:
        before = rows.values_list("next_at", flat=True).get()
        wait, after = gcra(before, now, interval, burst)
        if wait is not None or rows.filter(next_at=before).update(next_at=after):
            return wait
