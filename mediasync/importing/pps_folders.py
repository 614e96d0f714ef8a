"""The folders that partial-path-scanner looked at: in its configuration, or in the SQLite file beside it."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from django.utils.translation import gettext as _

from mediasync.core.paths import is_within, normalise, to_bytes
from monitors import guards, probe
from monitors.filesystems import place_of

from . import durations, globs
from .plan import AddRoot, Plan
from .tree import Node, Section

EVERY = 3600.0  # seconds; what it takes when a folder says nothing
MOST = 10_000  # folders


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder, named as CloudDrive2 does."""

    node: Node
    path: str
    every: float
    blacklist: tuple[str, ...] = ()
    enabled: bool = True


def from_yaml(top: Section) -> Iterator[Folder]:
    """Yield the folders under ``MONITOR_FOLDER``, a mapping by path (once, a list)."""
    node = top.get("MONITOR_FOLDER")
    if node is None:
        return
    if isinstance(node.value, list):
        yield from (Folder(each, each.string(), EVERY) for each in node.items())
        return
    for path, each in top.below(node).entries():
        section = top.below(each)
        section.get("overwrite_db"), section.get("schedule_random_offset")  # of its own schedule and store
        every = section.get("schedule_interval") or section.get("interval")
        enabled = section.get("enabled")
        yield Folder(
            each,
            path,
            EVERY if every is None else durations.words(every),
            tuple(member.string() for member in section.items("blacklist")),
            enabled is None or enabled.bool(),
        )


def from_sqlite(section: Section, plan: Plan) -> Iterator[Folder]:
    """Yield the folders of the newer versions, which keep them in a file beside the configuration. It is only read."""
    for name in ("pool_timeout", "pool_size"):
        section.get(name)
    node = section.get("path")
    if node is None:
        return
    file = plan.path.parent / node.string().strip()
    if not os.path.isfile(file):  # also false for a name that cannot be
        text = _("The folders are in “%s”, which is not beside this file. Copy it there, and import again.")
        plan.not_taken(node, text % node.string().strip())
        return
    try:
        rows = _rows(file)
    except (sqlite3.Error, ValueError, TypeError):
        plan.not_taken(node, _("The folders in this file cannot be read. Add them as roots by hand."))
        return
    for folder, enabled, blacklist, interval in rows:
        at = Node(None, str(interval or ""), f"{node.key}: {folder}", node.line)
        yield Folder(at, folder, durations.words(at) if interval else EVERY, blacklist, enabled)


def _rows(file: Path) -> list[tuple[str, bool, tuple[str, ...], str]]:
    address = f"file:{quote(bytes(file.resolve()))}?mode=ro"
    connection = sqlite3.connect(address, uri=True, timeout=5)
    try:
        query = f"SELECT folder, enabled, blacklist, interval FROM monitored_folder LIMIT {MOST}"
        rows = connection.execute(query).fetchall()
    finally:
        connection.close()
    return [(str(row[0]), bool(row[1]), _paths(row[2]), str(row[3] or "")) for row in rows]


def _paths(stored: object) -> tuple[str, ...]:
    members = json.loads(stored) if isinstance(stored, str) and stored.strip() else []
    return tuple(str(each) for each in members) if isinstance(members, list) else ()


def roots(plan: Plan, folders: Iterable[Folder], account: str) -> None:
    """Plan roots. A folder inside another is looked at with it: roots do not overlap here."""
    found = []
    for folder in folders:
        try:
            found.append((normalise(folder.path), folder))
        except ValueError:
            plan.not_taken(folder.node, _("This is no whole path. Add the folder as a root by hand."))
    for path, folder in sorted(found, key=lambda pair: (pair[0].count("/"), pair[1].node.line or 0)):
        around = next((other for other, _f in found if other != path and is_within(path, other)), None)
        if around is not None:
            text = _(
                "It lies in “%(root)s”, which is looked at as a whole. If it is to be seen sooner, look there "
                "more often; the push messages of CloudDrive2 tell of changes at once."
            )
            plan.not_taken(folder.node, text % {"root": around})
            continue
        _root(plan, path, folder, account)


def is_here(path: str) -> bool:
    """Tell whether a folder is on this machine; a mount that does not answer cannot hold us up."""
    data = to_bytes(path)
    seen = (guards.look_in_child if place_of(data).is_remote else probe.look)(data, b"", 1)
    return seen is not None and not seen["error"]


def _root(plan: Plan, path: str, folder: Folder, account: str) -> None:
    exclude = []
    for blocked in folder.blacklist:
        if glob := globs.below(blocked, path):
            exclude.append(glob)
        else:
            plan.not_taken(folder.node, _("“%s” is on its blacklist, but does not lie in it.") % blocked)
    options = {"every": max(60, round(folder.every)), "exclude": exclude, "enabled": folder.enabled}
    here = bool(account) and is_here(path)
    if account:
        options |= {"remote_path": path, "mounted": here, "lister": "clouddrive", "feed": "clouddrive"}
    plan.add(AddRoot, folder.node, path=path, options=options, account=account)
