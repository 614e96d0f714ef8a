"""Tell a cluster that is busy from one that has gone deaf: a beat must be carried now and then."""

from __future__ import annotations

from collections.abc import Callable

from mediasync.core.clock import Clock

EVERY = 30.0  # seconds between two beats
HURRIED = 5.0  # the same, while something waits
IDLE_PATIENCE = 10.0  # a cluster without a slice carries a beat in well under a second
START_PATIENCE = 60.0  # a slow disk may take long to load the program
BUSY_PATIENCE = 180.0  # one with slices carries it in their turn


class Watchdog:
    """``deaf()`` is asked every second or so; ``restarted()`` is told of a new cluster."""

    def __init__(
        self, clock: Clock, *, send: Callable[[], str], arrived: Callable[[str], bool], busy: Callable[[], bool]
    ) -> None:
        self.clock, self._send, self._arrived, self._busy = clock, send, arrived, busy
        self.restarted()

    def restarted(self) -> None:
        """Begin anew: the next beat is sent at once."""
        self._token, self._patience = "", START_PATIENCE
        self._next = self._sent = self._last_busy = self.clock.monotonic()

    def hurry(self) -> None:
        """Send the next beat sooner: something waits, perhaps because nobody listens any more."""
        self._next = min(self._next, self._sent + HURRIED)

    def deaf(self) -> bool:
        """Send a beat when it is time; True when the last one should have been carried long ago."""
        now = self.clock.monotonic()
        if self._token and self._arrived(self._token):
            self._token, self._patience = "", IDLE_PATIENCE
        if not self._token:
            if now >= self._next:
                self._token, self._sent, self._next = self._send(), now, now + EVERY
                self._last_busy = now
            return False
        if self._busy():
            self._last_busy = now
        return now - self._last_busy > self._patience or now - self._sent > BUSY_PATIENCE
