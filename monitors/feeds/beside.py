"""What else runs in ``manage.py watch`` while it leads, one line each in mediasync/wiring.py."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from mediasync.core.clock import Clock


class Beside(Protocol):
    """Something with threads of its own. Both are called by the watcher's thread and must not take long."""

    def tick(self) -> None:
        """Do what is due; called about twice a second."""

    def close(self) -> None:
        """End all threads; another watcher may begin at once."""


Maker = Callable[[Clock], Beside]
MAKERS: dict[str, Maker] = {}


def run_beside(name: str, maker: Maker) -> None:
    """Have ``maker`` called by the watcher when it begins to lead; it imports what it needs only then."""
    MAKERS[name] = maker
