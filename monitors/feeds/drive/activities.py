"""What Drive Activity says, as one story an item: what was done to it, the oldest first.

Facts: schemas of Drive Activity v2 and a recorded answer. A target has an id and a title, never a path. The parents of
a new folder stand in a ``move`` among its ``actions``; time is a ``timestamp`` or the end of a ``timeRange``.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from .names import FOLDER, GOOGLE, LONGEST_ID, as_mounted, dicts_in

Deed = Literal["create", "edit", "move", "rename", "delete", "restore"]
DEEDS: tuple[Deed, ...] = ("create", "edit", "move", "rename", "delete", "restore")
EPOCH = dt.datetime.fromtimestamp(0, dt.UTC)

Record = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Event:
    at: dt.datetime
    deed: Deed
    old_name: str = ""
    added: str = ""  # id of the parent that it got
    removed: str = ""  # id of the parent that it lost


@dataclass(slots=True)
class Story:
    """All that happened to one item. ``name`` is the newest that was told."""

    ident: str
    name: str
    is_dir: bool
    events: list[Event] = field(default_factory=list)

    def origin(self, parent: str, name: str) -> tuple[str, str] | None:
        """Return (parent, name) before all of it, told backwards from how it is now; None: it was not there."""
        for event in reversed(self.events):
            if event.deed == "create":
                return None
            if event.deed == "rename" and event.old_name:
                name = event.old_name
            elif event.deed == "move":
                if not event.removed:
                    return None
                parent = event.removed
        return parent, name

    @property
    def last_parent(self) -> str:
        """Return the parent that it got last; "" if none was told."""
        return next((event.added for event in reversed(self.events) if event.added), "")


def stories(activities: Iterable[Record]) -> dict[str, Story]:
    """Return the story of each file and folder, whatever order the activities have."""
    found: dict[str, Story] = {}
    told = [(event, target) for activity in activities for event, target in _events(activity)]
    for event, target in sorted(told, key=lambda pair: pair[0].at):
        ident = _ident(target)
        kind = str(target.get("mimeType") or "")
        if not ident or (kind.startswith(GOOGLE) and kind != FOLDER):
            continue
        story = found.setdefault(ident, Story(ident, "", False))
        story.name = as_mounted(str(target.get("title") or "")) or story.name
        story.is_dir = story.is_dir or kind == FOLDER or "driveFolder" in target
        story.events.append(event)
    return found


def _events(activity: Record) -> Iterator[tuple[Event, Record]]:
    everything = [
        target["driveItem"] for target in dicts_in(activity, "targets") if isinstance(target.get("driveItem"), dict)
    ]
    actions = dicts_in(activity, "actions") or [{"detail": activity.get("primaryActionDetail")}]
    for action in actions:
        detail = action.get("detail")
        deed = next((deed for deed in DEEDS if isinstance(detail, dict) and deed in detail), None)
        if detail is None or deed is None:
            continue  # rights, comments, labels …: no matter of files
        own = (action.get("target") or {}).get("driveItem")
        event = _event(deed, detail[deed] or {}, time_of(action) or time_of(activity) or EPOCH)
        yield from ((event, target) for target in ([own] if isinstance(own, dict) else everything))


def _event(deed: Deed, detail: Record, at: dt.datetime) -> Event:
    if deed == "rename":
        return Event(at, deed, old_name=as_mounted(str(detail.get("oldTitle") or "")))
    if deed == "move":
        return Event(at, deed, added=_first(detail, "addedParents"), removed=_first(detail, "removedParents"))
    return Event(at, deed)


def _first(detail: Record, name: str) -> str:
    return next(filter(None, (_parent(reference) for reference in dicts_in(detail, name))), "")


def _parent(reference: Record) -> str:
    """Return the id of a parent: a folder, or a shared drive (whose id is that of its top folder)."""
    for kind in ("driveItem", "drive", "teamDrive"):
        if isinstance(reference.get(kind), dict):
            return _ident(reference[kind])
    return ""


def _ident(thing: Record) -> str:
    ident = str(thing.get("name") or "").rpartition("/")[2]
    return ident if len(ident) <= LONGEST_ID else ""


def time_of(thing: Record) -> dt.datetime | None:
    """Return when it happened, aware; None if that is not said."""
    span = thing.get("timeRange")
    text = thing.get("timestamp") or (span.get("endTime") if isinstance(span, dict) else None)
    try:
        at = dt.datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=dt.UTC)


def mark(activity: Record) -> str:
    """Return what tells an activity from others: it has no id."""
    return hashlib.blake2b(json.dumps(activity, sort_keys=True).encode(), digest_size=8).hexdigest()
