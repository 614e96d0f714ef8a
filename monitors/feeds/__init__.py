"""Where hints come from by themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from importlib import import_module

from monitors.models import Root

from .base import Feed
from .choosing import choose, reason, why

__all__ = ["KINDS", "Feed", "Wanted", "choose", "reason", "why"]

Wanted = Callable[[Sequence[Root]], Iterable[Feed]]

MODULES = {
    "inotify": "kernel",
    "polling": "polling",
    "clouddrive": "clouddrive",
    "drive_changes": "drive_changes",
    "drive_activity": "drive_activity",
    "rclone_mount": "rclone_mount",
}


def _lazily(module: str) -> Wanted:
    """Import a module only when it is asked: what it needs may not be installed."""

    def wanted(roots: Sequence[Root]) -> Iterable[Feed]:
        answer: Iterable[Feed] = import_module(f"{__name__}.{module}").wanted(roots)
        return answer

    return wanted


KINDS: dict[str, Wanted] = {kind: _lazily(module) for kind, module in MODULES.items()}
