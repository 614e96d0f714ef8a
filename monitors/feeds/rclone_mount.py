"""Watch the mounts of rclone: one that is lost is known at once, and mounted again where the account says how.

It hears of no change; it stands beside the feed that does. A mount that is back has the guards of its roots checked,
and one that recovers is crawled (``mediasync/wiring.py``).
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from mediasync.core.clock import Clock, system
from mediasync.core.errors import UsageError, WorkError
from mediasync.core.paths import is_within
from mediasync.core.ratelimit import backoff
from mediasync.jobs import registry
from mediasync.jobs.choices import Level
from mediasync.jobs.models import Event
from monitors import services
from monitors.accounts import rclone_mounts as mounts
from monitors.accounts.gdrive_mount import keeper_name
from monitors.accounts.rclone_vfs import mount_point
from monitors.models import Account, Root

from .base import Desk, Feed

EVERY = 15.0  # seconds between two looks
PAUSE = 5.0  # seconds in which somebody else may mount it first
FIRST, LONGEST = 15.0, 900.0  # seconds between two tries


@dataclass(slots=True)
class Point:
    """A mount point as it was at the last look."""

    path: str
    state: str = ""
    tries: int = 0
    try_at: float = 0.0  # monotonic
    failure: str = ""


class MountWatch:
    """One for each account whose roots lie on a mount."""

    kind = "rclone_mount"

    def __init__(self, account: Account, roots: Sequence[Root], clock: Clock = system) -> None:
        self.account, self.clock = account, clock
        self.key, self.name = f"account {account.pk}", account.name
        self.root_ids = tuple(sorted(root.pk for root in roots))
        self.account_id: int | None = account.pk
        places = tuple(sorted((root.pk, root.path) for root in roots))
        self.depends: Hashable = (json.dumps(account.options, sort_keys=True), account.secrets_sealed, places)
        self.points: dict[str, Point] = {}

    def run(self, desk: Desk) -> None:
        """See ``Feed.run``."""
        while not desk.rest(self.look(desk)):
            pass

    def look(self, desk: Desk) -> float:
        """Look at all mounts, do what is due, and return the seconds until the next look."""
        roots = list(Root.objects.filter(pk__in=self.root_ids, enabled=True).select_related("account"))
        for root in roots:
            if path := mount_point(self.account.options, root):
                self.points.setdefault(path, Point(path))
        wait = EVERY
        for point in self.points.values():
            wait = min(wait, self._follow(desk, point, _on(point, roots)))
        if not self.points:
            desk.trouble("rclone_no_point")
        elif all(point.state == "there" for point in self.points.values()):
            desk.fine(mounts=", ".join(sorted(self.points)))
        return wait

    def _follow(self, desk: Desk, point: Point, roots: Iterable[Root]) -> float:
        before, point.state = point.state, mounts.state_of(point.path)
        if point.state == "there":
            if before not in ("", "there"):
                self._tell(Level.INFO, "rclone_back", point)
                self._back(point, roots)
            return EVERY
        if point.state != before:
            point.try_at = self.clock.monotonic() + PAUSE
            _check(roots)
        if not point.failure:
            desk.trouble(f"rclone_{point.state}", point=point.path)
        if point.state == "hangs" or not self.account.options.get("remount"):
            return EVERY
        if (wait := point.try_at - self.clock.monotonic()) > 0:
            return wait
        return self._try(desk, point, roots)

    def _try(self, desk: Desk, point: Point, roots: Iterable[Root]) -> float:
        point.tries += 1
        try:
            mounts.mount_again(self.account, point.path, desk.rest)
        except (WorkError, UsageError) as error:
            wait = backoff(point.tries, first=FIRST, most=LONGEST)
            point.try_at = self.clock.monotonic() + wait
            said = registry.text(error.code, error.params, default=str(error))
            desk.trouble("rclone_mount_failed", account=self.name, point=point.path, error=said)
            if said != point.failure:  # the same again and again is told once
                point.failure = said
                self._tell(Level.ERROR, "rclone_mount_failed", point, error=said)
            return min(wait, EVERY)
        self._tell(Level.INFO, "rclone_mounted", point)
        point.state = "there"
        self._back(point, roots)
        return EVERY

    def _back(self, point: Point, roots: Iterable[Root]) -> None:
        point.tries, point.failure = 0, ""
        _check(roots)

    def _tell(self, level: Level, code: str, point: Point, **params: Any) -> None:
        params |= {"account": self.name, "point": point.path}
        Event.objects.create(at=self.clock.now(), level=level, code=code, params=params)


def wanted(roots: Sequence[Root]) -> Iterable[Feed]:
    """Return one feed for each account of rclone with roots on a mount, its own or those of a Drive that names it."""
    by_account: defaultdict[Account, list[Root]] = defaultdict(list)
    mounted = [root for root in roots if root.mounted]
    names = {name for root in mounted if (name := keeper_name(root))}
    keepers = Account.objects.filter(kind=Account.Kind.RCLONE, name__in=names) if names else ()
    named = {keeper.name: keeper for keeper in keepers}
    for root in mounted:
        account = named.get(keeper_name(root), root.account)
        if account is not None and account.kind == Account.Kind.RCLONE and account.enabled:
            by_account[account].append(root)
    for account, found in by_account.items():
        yield MountWatch(account, found)


def _on(point: Point, roots: Sequence[Root]) -> list[Root]:
    """Return the roots on a mount; all of them where none lies on it: a union of file systems lies between."""
    return [root for root in roots if is_within(root.path, point.path)] or list(roots)


def _check(roots: Iterable[Root]) -> None:
    for root in roots:
        root.refresh_from_db()
        services.check_guard(root)
