"""Google Drive's activity below a root's folder, asked each hour: who did what, without a tree of our own.

The window ``time > … AND time <= …`` moves on only after all of it was followed. Windows overlap, because entries come
late; what was followed already is known by a mark of each activity. Source: Drive Activity v2 ``activity.query``.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from contextlib import closing
from typing import Any

from mediasync.core.clock import Clock, system
from mediasync.core.errors import Transient
from monitors.accounts.gdrive_client import Drive
from monitors.models import Account, Root

from .base import Desk
from .drive.activities import EPOCH, Record, Story, mark, stories, time_of
from .drive.ancestry import Ancestry, folder_of
from .drive.lost import folders_with
from .drive.names import dicts_in, item_of
from .drive.page import TooMuch
from .drive.places import Names, Spot, Told
from .drive.turns import take_turns
from .drive_changes import by_account, depends_on

KIND = "drive_activity"
EVERY = 3600.0  # seconds
OVERLAP = dt.timedelta(minutes=10)  # how late an entry may come
MOST_PAGES = 100
MOST_MARKS = 2000


class DriveActivity:
    """See ``base.Feed``."""

    kind = KIND

    def __init__(self, account: Account, root: Root, clock: Clock = system) -> None:
        self.account, self.root, self.clock = account, root, clock
        self.key, self.name, self.root_ids = f"root {root.pk}", root.name, (root.pk,)
        self.account_id = account.pk
        self.every = root.feed_every or EVERY
        self.depends = depends_on(account, [root])

    def run(self, desk: Desk) -> None:
        with closing(Drive(self.account, desk.rest, self.clock)) as client:
            take_turns(desk, self.account, lambda: self._turn(desk, client), self.every, self.clock)

    def _turn(self, desk: Desk, client: Drive) -> None:
        cursor, until = desk.cursor or {}, milliseconds(self.clock.now())
        folder = folder_of(client, self.root)
        after = {"folder": folder, "until": until, "marks": []}
        if cursor.get("folder") != folder or cursor["until"] > until:  # the clock was ahead: what it skipped is unknown
            desk.gap("drive_first")
            desk.commit(cursor=after)
        else:
            self._window(desk, client, cursor, after)
        desk.fine(until=self.clock.now().isoformat(timespec="seconds"))

    def _window(self, desk: Desk, client: Drive, cursor: dict[str, Any], after: dict[str, Any]) -> None:
        since = cursor["until"] - milliseconds(EPOCH + OVERLAP)
        try:
            found = self._activities(client, after["folder"], f"time > {since} AND time <= {after['until']}")
            known = set(cursor.get("marks") or [])
            fresh = [activity for activity in found if mark(activity) not in known]
            told, lost = self._tell(stories(fresh), Ancestry(client, after["folder"]))
        except TooMuch as error:
            desk.gap(error.code)
            desk.commit(cursor=after)
            return
        again = since_ms(after["until"])
        after["marks"] = [mark(each) for each in found if (time_of(each) or EPOCH) > again][:MOST_MARKS]
        desk.look(self.root.pk, sorted(folders_with(self.root, lost)))
        if told.roots:
            desk.gap("drive_root", told.roots)
        desk.commit(list(told.notices), cursor=after, reference=f"until {after['until']}")

    def _activities(self, client: Drive, folder: str, span: str) -> list[Record]:
        """Return all that happened in a window, all pages."""
        found: list[Record] = []
        page = ""
        for _ in range(MOST_PAGES):
            answer = client.activities(folder, span, page)
            found += dicts_in(answer, "activities")
            before, page = page, str(answer.get("nextPageToken") or "")
            if not page:
                return found
            if page == before:
                raise Transient("Google says not where its activities go on.", code="drive_unreadable")
        raise TooMuch("Too much happened.")

    def _tell(self, found: dict[str, Story], ancestry: Ancestry) -> tuple[Told, set[str]]:
        """Return what to say, and the names of what is gone from we do not know where."""
        told, lost = Told(), set[str]()
        for story in found.values():
            if story.ident == ancestry.top:
                told.roots.add(self.root.pk)
            else:
                self._story(story, ancestry, told, lost)
        return told, lost

    def _story(self, story: Story, ancestry: Ancestry, told: Told, lost: set[str]) -> None:
        file = ancestry.file(story.ident)
        item = item_of(file) if file else None
        if file and item is None:
            return  # a document, a shortcut
        parent, name = (item.parent, item.name) if item else (story.last_parent, story.name)
        is_dir = item.is_dir if item else story.is_dir
        alive = file is not None and not file.get("trashed")
        origin = story.origin(parent, name)
        before = ancestry.names(*origin) if origin and origin[0] else None
        now = ancestry.names(parent, name) if alive else None
        group = story.ident if before and now and before != now else ""
        if before and before != now:
            told.add(self._spots(before), "delete", is_dir, group)
        elif origin and not origin[0] and not alive and name:
            lost.add(name)
        if now:
            told.add(self._spots(now), "upsert", is_dir, group)

    def _spots(self, names: Names) -> list[Spot]:
        return [Spot(self.root, "/".join(names))]


def milliseconds(at: dt.datetime) -> int:
    return int((at - EPOCH) / dt.timedelta(milliseconds=1))


def since_ms(until: int) -> dt.datetime:
    """Return from when on the next window will repeat what this one had."""
    return EPOCH + dt.timedelta(milliseconds=until) - OVERLAP


def wanted(roots: Sequence[Root]) -> Iterable[DriveActivity]:
    """Return a feed for each root that wants one."""
    return [DriveActivity(account, root) for account, mine in by_account(roots, KIND) for root in mine]
