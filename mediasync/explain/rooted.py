"""From the local path to what a crawl last saw: root, guard, disk, filter, snapshot."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from mediasync.core.paths import to_bytes
from monitors import guards
from monitors.glance import SECONDS, Glance
from monitors.keep import kind_of
from monitors.models import Directory, File, Root

from .filtering import left_out
from .parts import Part, Said, Step


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known of a path below a root. ``there`` None: nobody can tell now."""

    there: bool | None
    is_dir: bool
    size: int = 0
    known: bool = False  # in the snapshot
    unseen: bool = False  # it is there and counts, and no crawl has seen it


def chain(below: str) -> list[str]:
    """Return the folders that hold a path below a root, from the top ("") down."""
    parts = below.split("/") if below else []
    return ["/".join(parts[:number]) for number in range(len(parts))]


def look(root: Root, below: str, local: str, glance: Glance, part: Part) -> Seen:
    """Add the steps of a root and return what is known of a path in it."""
    row = ("monitors.Root", root.pk)
    _root(root, part, row)
    disk = _disk(root, local, glance, part)
    owner, file, folder = _rows(root, below)
    if disk.there:
        is_dir, size = disk.is_dir, disk.size
    else:
        is_dir = folder is not None or (file is None and not kind_of(to_bytes(local.rpartition("/")[2])))
        size = file.size if file else 0
    counts = _filter(root, below, is_dir, part)
    known = (folder if is_dir else file) is not None
    _snapshot(root, below, owner, file, folder if is_dir else None, part)
    if root.guard == Root.Guard.SUSPECT and not disk.there:
        part.advise("todo_guard_suspect", page=row, root=root.name)
    unseen = bool(counts and disk.there and not known and root.baseline_at)
    return Seen(disk.there, is_dir, size, known, unseen)


def _root(root: Root, part: Part, row: tuple[str, int]) -> None:
    part.add("root", "explain_root", "ok", at=root.crawled_at, row=row, root=root.name, path=root.path)
    if not root.enabled:
        part.add("root", "hint_root_off", "bad", row=row)
        part.advise("todo_root_off", page=row, stops=True, root=root.name)
    if root.guard != Root.Guard.OK:
        down = root.guard == Root.Guard.DOWN
        said = Said(root.guard_code or "explain_guard", root.guard_params)
        part.steps.append(Step("root", said, "bad" if down else "warn", root.guard_since, row))
        if down:
            part.advise("todo_guard_down", page=row, stops=True, root=root.name)
    if root.baseline_at is None:
        part.add("root", "explain_never_crawled", "warn", row=row)
        part.advise("todo_first_crawl", page=row, root=root.name)


def _disk(root: Root, local: str, glance: Glance, part: Part) -> Seen:
    """Look whether it is there now."""
    if not root.mounted:
        part.add("disk", "explain_not_mounted")
        return Seen(None, False)
    if root.guard == Root.Guard.DOWN:
        part.add("disk", "explain_not_looked", "warn")
        return Seen(None, False)
    try:
        seen = glance.stat(local)
    except TimeoutError:
        part.add("disk", "explain_hangs", "bad", seconds=int(SECONDS))
        part.advise("todo_hangs", page=("monitors.Root", root.pk), stops=True, root=root.name)
        return Seen(None, False)
    except OSError as error:
        part.add("disk", "explain_unreadable", "bad", error=error.strerror or str(error))
        part.advise("todo_unreadable", path=local)
        return Seen(None, False)
    if not seen.there:
        part.add("disk", "explain_dangling" if seen.dangling else "explain_not_there", "warn")
        return Seen(_root_is_gone(root, part), False)
    at = dt.datetime.fromtimestamp(seen.mtime, dt.UTC)
    if seen.is_dir:
        part.add("disk", "explain_folder_there", "ok", at=at)
        return Seen(True, True)
    part.add("disk", "explain_file_there", "ok", at=at, size=seen.size)
    return Seen(True, False, seen.size)


def _root_is_gone(root: Root, part: Part) -> bool | None:
    """Return False if an absence means something, None if the whole root went away since the last crawl."""
    verdict = guards.on_disk(root)
    if not verdict.down:
        return False
    row = ("monitors.Root", root.pk)
    part.steps.append(Step("disk", Said(verdict.code, verdict.params), "bad", None, row))
    part.advise("todo_guard_down", page=row, stops=True, root=root.name)
    return None


def _filter(root: Root, below: str, is_dir: bool, part: Part) -> bool:
    row = ("monitors.Root", root.pk)
    found = left_out(root, below, is_dir)
    if found is None:
        part.add("filter", "explain_counts", "ok")
        return True
    code, facts = found
    part.add("filter", code, "bad", row=row, **facts)
    part.advise("todo_junk" if code == "explain_junk" else "todo_filter", page=row, stops=True, root=root.name)
    return False


def _rows(root: Root, below: str) -> tuple[Directory | None, File | None, Directory | None]:
    """Return the nearest folder above that is known, the file, and the folder itself."""
    holders = chain(below)
    rows = {row.path: row for row in Directory.objects.filter(root=root, path__in=[*holders, below])}
    owner = next((rows[path] for path in reversed(holders) if path in rows), None)
    parent, _slash, name = below.rpartition("/")
    file = None
    if below and parent in rows:
        file = File.objects.filter(directory_id=rows[parent].pk, name=name).first()
    return owner, file, rows.get(below)


def _snapshot(
    root: Root, below: str, owner: Directory | None, file: File | None, folder: Directory | None, part: Part
) -> None:
    nearest = folder or owner
    row = ("monitors.Directory", nearest.pk) if nearest else None
    at = dt.datetime.fromtimestamp(nearest.listed_at, dt.UTC) if nearest and nearest.listed_at else None
    if folder is not None:
        part.add("snapshot", "explain_folder_known", "ok", at=at, row=row)
    elif file is not None:
        part.add("snapshot", "explain_file_known", "ok", at=at, row=row, size=file.size)
    elif owner is not None:
        part.add("snapshot", "explain_not_known", "warn", at=at, row=row, folder=owner.path or "/")
    else:
        part.add("snapshot", "explain_no_snapshot", "warn")
    if nearest is not None and nearest.error:
        part.add("snapshot", "explain_listing_error", "bad", at=at, row=row, error=nearest.error)
        part.advise("todo_listing_error", page=row, path=nearest.path or "/", error=nearest.error)
    elif nearest is not None and nearest.dirty:
        part.add("snapshot", "explain_dirty", "busy", row=row)
