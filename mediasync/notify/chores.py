"""What the conductor does for messages."""

from __future__ import annotations

import datetime as dt

from django.conf import settings

from mediasync.jobs import chores

from . import conditions, errorfile, sending, services
from .events import UNHANDLED


def tell_errors(now: dt.datetime) -> None:
    """Make notices of the unhandled errors that were written down (ErrorFile); a locked database costs none."""
    for key, facts in errorfile.take(settings.DATA_DIR / errorfile.NAME):
        services.note(UNHANDLED, [facts], key=key, now=now)


def register() -> None:
    """Give the conductor its chores; seconds between two runs of each."""
    chores.register("tell of errors", tell_errors, every=10)
    chores.register("look what is wrong", conditions.look, every=15)
    chores.register("send messages", sending.run, every=5)
    chores.register("remove old messages", sending.prune, every=600)
