"""The state of a fake Google Drive: items, the log of changes, the log of activities; on a disk too, as a mount."""

from __future__ import annotations

import datetime as dt
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

FOLDER = "application/vnd.google-apps.folder"
TOP = "0ATopOfMyDrive"

Item = dict[str, Any]


class FakeTree:
    """Change it by its verbs. ``mirror``: a folder in which the same is done, as rclone's mount would show it."""

    def __init__(self, top: str = TOP, drive: str = "", mirror: Path | None = None) -> None:
        self.top, self.drive, self.mirror = top, drive, mirror
        self.items: dict[str, Item] = {top: self._made(top, "My Drive", "", FOLDER)}
        self.log: list[str] = []  # ids, in the order of their changes
        self.gone: set[str] = set()
        self.activities: list[dict[str, Any]] = []  # the newest last
        self.now = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
        self._last = 0

    # -- Verbs

    def folder(self, name: str, parent: str = "", **more: Any) -> str:
        return self.add(name, parent, FOLDER, **more)

    def add(self, name: str, parent: str = "", kind: str = "video/x-matroska", quiet: bool = False) -> str:
        self._last += 1
        ident, parent = f"1id-{self._last:05d}_x", parent or self.top
        self.items[ident] = self._made(ident, name, parent, kind)
        self._on_disk(ident, kind)
        if not quiet:
            self._log(ident)
            moved = {"move": {"addedParents": [self._reference(parent)]}}
            self._tell(ident, {"create": {"new": {}} if kind == FOLDER else {"upload": {}}}, moved)
        return ident

    def edit(self, ident: str, size: int = 20) -> None:
        if disk := self._disk(ident):
            disk.write_bytes(b"x" * size)
        self._log(ident)
        self._tell(ident, {"edit": {}})

    def share(self, ident: str) -> None:
        self._log(ident)
        self._tell(ident, {"permissionChange": {"addedPermissions": [{"role": "EDITOR", "anyone": {}}]}})

    def rename(self, ident: str, name: str) -> None:
        old, before = self.items[ident]["name"], self._disk(ident)
        self.items[ident]["name"] = name
        self._follow(before, ident)
        self._log(ident)
        self._tell(ident, {"rename": {"oldTitle": old, "newTitle": name}})

    def move(self, ident: str, parent: str) -> None:
        old, before = self.items[ident]["parents"][0], self._disk(ident)
        self.items[ident]["parents"] = [parent]
        self._follow(before, ident)
        self._log(ident)
        added, removed = self._reference(parent), self._reference(old)
        self._tell(ident, {"move": {"addedParents": [added], "removedParents": [removed]}})

    def trash(self, ident: str) -> None:
        before = self._disk(ident)
        self.items[ident]["trashed"] = True
        if before and self.mirror:
            before.rename(self.mirror.parent / f"bin-{ident}")
        self._log(ident)
        self._tell(ident, {"delete": {"type": "TRASH"}})

    def restore(self, ident: str) -> None:
        self.items[ident]["trashed"] = False
        if (after := self._disk(ident)) and self.mirror:
            (self.mirror.parent / f"bin-{ident}").rename(after)
        self._log(ident)
        self._tell(ident, {"restore": {"type": "UNTRASH"}})

    def delete(self, ident: str) -> None:
        """Delete for good, with all below; Drive tells of each that it is removed."""
        self._tell(ident, {"delete": {"type": "PERMANENT_DELETE"}})
        if disk := self._disk(ident):
            shutil.rmtree(disk) if disk.is_dir() else disk.unlink()
        for each in [ident, *self._below(ident)]:
            del self.items[each]
            self.gone.add(each)
            self._log(each)

    # -- What is asked

    def trashed(self, ident: str) -> bool:
        """Tell whether an item or a folder above it is in the bin."""
        item = self.items.get(ident)
        return item is not None and (item["trashed"] or any(self.trashed(parent) for parent in item["parents"]))

    def shown(self, ident: str) -> Item:
        """Return an item as the API shows it."""
        where = {"driveId": self.drive} if self.drive else {}
        return {**self.items[ident], "trashed": self.trashed(ident), **where}

    def changes(self, since: int) -> Sequence[dict[str, Any]]:
        """Return what changed since, each file once, as it is now."""
        told = []
        for ident in reversed(list(dict.fromkeys(reversed(self.log[since:])))):
            removed = ident not in self.items
            file = {} if removed else {"file": self.shown(ident)}
            told.append({"kind": "drive#change", "changeType": "file", "fileId": ident, "removed": removed, **file})
        return told

    def within(self, ident: str, folder: str) -> bool:
        return ident == folder or any(
            self.within(each, folder) for each in self.items.get(ident, {}).get("parents", [])
        )

    # -- Parts

    def _made(self, ident: str, name: str, parent: str, kind: str) -> Item:
        parents = [parent] if parent else []
        return {"kind": "drive#file", "id": ident, "name": name, "parents": parents, "mimeType": kind, "trashed": False}

    def _log(self, ident: str) -> None:
        self.log.append(ident)

    def _tell(self, ident: str, *details: Mapping[str, Any]) -> None:
        self.now += dt.timedelta(seconds=1)
        item = self.items[ident]
        kind = {"driveFolder": {"type": "STANDARD_FOLDER"}} if item["mimeType"] == FOLDER else {"driveFile": {}}
        target = {"driveItem": {"name": f"items/{ident}", "title": item["name"], "mimeType": item["mimeType"], **kind}}
        activity = {
            "primaryActionDetail": details[0],
            "actors": [{"user": {"knownUser": {"isCurrentUser": True, "personName": "people/1"}}}],
            "actions": [{"detail": detail} for detail in details],
            "targets": [target],
            "timestamp": self.now.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        }
        above = list(self._above(ident))
        self.activities.append({"activity": activity, "at": self.now, "above": above})

    def _reference(self, ident: str) -> dict[str, Any]:
        kind = "MY_DRIVE_ROOT" if ident == self.top else "STANDARD_FOLDER"
        return {
            "driveItem": {
                "name": f"items/{ident}",
                "title": self.items.get(ident, {}).get("name", ""),
                "driveFolder": {"type": kind},
            }
        }

    def _above(self, ident: str) -> Iterator[str]:
        """Yield an item and all folders above it."""
        yield ident
        for parent in self.items.get(ident, {}).get("parents", []):
            yield from self._above(parent)

    def _below(self, ident: str) -> Iterator[str]:
        for each in [each for each, item in self.items.items() if ident in item["parents"]]:
            yield each
            yield from self._below(each)

    # -- The mirror

    def _disk(self, ident: str) -> Path | None:
        """Return where an item is on the disk; None if there is no mirror, or the item does not show in it."""
        if self.mirror is None or self.trashed(ident) or not self.within(ident, self.top):
            return None
        names: list[str] = []
        while ident != self.top:
            names.append(self.items[ident]["name"].replace("/", "／"))
            ident = self.items[ident]["parents"][0]
        return self.mirror.joinpath(*reversed(names))

    def _on_disk(self, ident: str, kind: str) -> None:
        if disk := self._disk(ident):
            disk.mkdir() if kind == FOLDER else disk.write_bytes(b"x" * 10)

    def _follow(self, before: Path | None, ident: str) -> None:
        if before and (after := self._disk(ident)):
            os.rename(before, after)
