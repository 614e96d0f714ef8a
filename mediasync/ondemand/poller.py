"""The poller of a mail folder inside ``manage.py watch``: off until IMAP_URL is set."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from django.conf import settings
from django.db import connection

from mediasync.core.clock import Clock
from mediasync.core.errors import AccessDenied, UsageError
from mediasync.core.ratelimit import backoff

logger = logging.getLogger(__name__)
FIRST = 5.0  # seconds after a first failure: a database that was busy is there again
LONGEST = 900.0  # seconds between two tries while it fails


class Poller:
    """Reads the folder in a thread of its own, one turn at a time (feeds.beside.Beside)."""

    def __init__(self, clock: Clock, read: Callable[[], int] | None, every: float) -> None:
        self._clock = clock
        self._read = read
        self._every = max(every, 5.0)
        self._next = clock.monotonic()
        self._fails = 0
        self._thread: threading.Thread | None = None

    def tick(self) -> None:
        """Begin a turn if one is due and none is under way."""
        if self._read is None or (self._thread and self._thread.is_alive()) or self._clock.monotonic() < self._next:
            return
        self._next = self._clock.monotonic() + self._every
        self._thread = threading.Thread(target=self._turn, daemon=True, name="mails")
        self._thread.start()

    def close(self) -> None:
        """Leave a turn to its end: what it does twice does no harm."""
        self._read = None

    def _turn(self) -> None:
        try:
            if self._read is not None:
                self._read()
            self._fails = 0
        except Exception as error:  # the next turn may go better
            self._fails += 1
            wait = LONGEST if isinstance(error, AccessDenied) else backoff(self._fails, first=FIRST, most=LONGEST)
            self._next = self._clock.monotonic() + wait
            logger.warning("the mail folder could not be read, again in %.0f s: %s", wait, error)
        finally:
            connection.close()


def maker(clock: Clock) -> Poller:
    """Return the poller as the settings want it; a wrong address is told once, and then nothing is polled."""
    if not settings.IMAP_URL:
        return Poller(clock, None, settings.IMAP_EVERY)
    from . import mailbox, services  # guessit and imaplib, only where they are wanted

    try:
        box = mailbox.Box.of(settings.IMAP_URL, settings.IMAP_PASSWORD)
    except UsageError as error:
        logger.error("%s", error)
        return Poller(clock, None, settings.IMAP_EVERY)
    reader = mailbox.Reader(box, services.by_name)
    return Poller(clock, reader.read, settings.IMAP_EVERY)
