"""What may be done while Plex runs, and when: the policy, and what the server says at this moment (F.3)."""

from __future__ import annotations

import datetime as dt

from mediasync.core.errors import NeedsOperator, Snooze

from . import apply_signals
from .apply_open import Scene

LATER = dt.timedelta(minutes=5)  # a busy server is asked again


class Gate:
    """Asked before each block. Snooze: not now; NeedsOperator: not as long as Plex runs."""

    def __init__(self, found: Scene, now: dt.datetime) -> None:
        self._policy = found.policy
        self._now = now
        self.signs = apply_signals.look(found.folder, found.data.database, now)
        self.can_watch = found.folder.server is not None

    def values(self) -> bool:
        """Let values be written; return whether Plex runs meanwhile."""
        if not self.signs.running:
            return False
        self._allow(self._policy.live_writes)
        if self.signs.busy or self.signs.watched or self.signs.butler:
            raise self._later()
        return True

    def files(self) -> None:
        """Let files be put away that nothing refers to."""
        if not self.signs.running:
            return
        self._allow(self._policy.live_deletes)
        if self.signs.busy or (self._policy.idle_only and self.signs.watched):
            raise self._later()

    def _allow(self, allowed: bool) -> None:
        if not allowed:
            message = "Plex runs, and the policy of this folder does not allow this meanwhile: stop Plex and resume."
            raise NeedsOperator(message, code="cleanup_plex_runs", why=", ".join(self.signs.why))
        if not self.signs.asked:
            message = (
                "Plex seems to run, and cannot be asked whether it is idle: link its server, or stop it and resume."
            )
            raise NeedsOperator(message, code="cleanup_plex_unknown", why=", ".join(self.signs.why))

    def _later(self) -> Snooze:
        code = "cleanup_plex_watched" if self.signs.watched else "cleanup_plex_busy"
        return Snooze("Plex is busy; it is asked again.", until=self._now + LATER, code=code)
