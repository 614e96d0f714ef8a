"""The first half of a crawl: look at the folders that are known, and write what differs.

Which are listed: those whose mtime moved, are dirty (found so by an earlier crawl), hold a removal that waits for its
second look, or were asked for by name; all of them in a full crawl and where folders' mtimes do not tell.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, groupby, islice

from mediasync.core.errors import Snooze
from mediasync.core.paths import to_bytes, to_text

from . import guards, snapshot
from .diff import Difference, compare
from .listers import Crew
from .models import Change
from .moves import Thing
from .run import Batch, Run
from .snapshot import Folder
from .walk import Found, Known

FOLDERS, FILES = 500, 20_000  # compared at once


def look(run: Run, crew: Crew) -> None:
    """Look at all known folders in scope."""
    if not run.looked:
        forced, chunks = _scope(run)
        for chunk, last in chunks:
            entries = [(each[0], each[1], None, None) if each[0] in forced else each for each in chunk]
            _look_at(run, crew, entries, run.asked.full or not run.root.directory_mtime_moves, last)
            run.rest()
    else:
        for chunk in snapshot.these(snapshot.dirty(run.root.pk), step=run.step):
            _look_at(run, crew, [(each[0], each[1], None, None) for each in chunk], True)
    _ask_parents(run, crew)
    run.looked, run.after = True, None


def _scope(run: Run) -> tuple[set[int], Iterator[tuple[list[Known], str]]]:
    """Return the ids of folders to list whatever their mtime says, and all folders to look at.

    Those come in chunks, each with the path from which to go on after it ("" if there is none).
    """
    root = run.root.pk
    forced = {folder.id for folder in snapshot.folders_at(root, run.pending).values()} | set(snapshot.dirty(root))
    if not run.whole:
        deep, shallow = _asked(run)
        return forced.union(deep, shallow), _by_level(run, deep, shallow, forced)
    if run.after is None:
        return forced, snapshot.known(root, step=run.step)
    before = ((chunk, "") for chunk in snapshot.these(forced, step=run.step))
    rest = snapshot.known(root, run.after, step=run.step)  # a new folder that was found twice would be stored twice
    return forced, chain(before, (([each for each in chunk if each[0] not in forced], last) for chunk, last in rest))


def _asked(run: Run) -> tuple[list[int], list[int]]:
    """Return the ids of the asked folders below which all is looked at, and of those that are only listed themselves:
    those of a shallow crawl, and the nearest known ones above those that are not known.

    What is new in a listed folder is explored anyway.
    """
    ways = [_upwards(path) for path in run.asked.paths]
    known = snapshot.folders_at(run.root.pk, {path for way in ways for path in way})
    deep: set[int] = set()
    shallow: set[int] = set()
    for way in ways:
        nearest = next(path for path in way if path in known)
        whole = nearest == way[0] and (not run.asked.shallow or nearest in run.asked.deep)
        (deep if whole else shallow).add(known[nearest].id)
    return sorted(deep), sorted(shallow - deep)


def _upwards(path: str) -> list[str]:
    """Return a path and all above it, up to ""."""
    parts = path.split("/") if path else []
    return ["/".join(parts[:count]) for count in range(len(parts), -1, -1)]


def _by_level(run: Run, deep: list[int], shallow: list[int], forced: set[int]) -> Iterator[tuple[list[Known], str]]:
    """Yield the folders of a crawl that was asked for some, above before below, and without those that it has looked at
    before it was interrupted."""
    every = {each[0]: each for chunk in chain(snapshot.below(deep), snapshot.these(shallow)) for each in chunk}
    order = sorted(every.values(), key=lambda each: _place(each[1]))
    done = (-1, b"") if run.after is None else _place(to_bytes(run.after))
    left = (each for each in order if _place(each[1]) > done or each[0] in forced)
    for _depth, level in groupby(left, key=lambda each: _place(each[1])[0]):
        while chunk := list(islice(level, run.step)):
            last = chunk[-1][1]
            yield chunk, to_text(last) if _place(last) > done else ""


def _place(path: bytes) -> tuple[int, bytes]:
    return (path.count(b"/") + 1 if path else 0), path


def _look_at(run: Run, crew: Crew, entries: list[Known], everything: bool, last: str = "") -> None:
    """Ask for the mtimes (unless all are to be listed), list, compare and write; then ``last`` is where to go on."""
    if not everything:
        moved = []
        for some in crew.stat([entries]):
            moved += some
            run.beat()
        run.summary.directories += len(entries) - len(moved)
        entries = moved
    found: list[Found] = []
    try:
        for listed, part in crew.check([entries]):
            run.summary.listed += listed
            run.summary.directories += listed
            found += part
            run.beat()
            if len(found) >= FOLDERS or sum(len(each[4]) for each in found) >= FILES:
                full, found = found, []
                _settle_down(run, full)
    except Snooze:
        _settle_down(run, found)
        raise
    run.after = last or run.after
    _settle_down(run, found)


def _ask_parents(run: Run, crew: Crew) -> None:
    """List the folders above those that vanished: only a complete listing says that something is not there."""
    while True:
        parents = {folder.parent_id for folder in run.gone.values() if folder.parent_id not in run.gone}
        wanted = [identity for identity in parents if identity is not None and identity not in run.handled]
        if not wanted:
            return
        run.handled.update(wanted)  # also those that fail: ask each only once
        for chunk in snapshot.these(wanted):
            _look_at(run, crew, [(each[0], each[1], None, None) for each in chunk], True)


def _settle_down(run: Run, found: Sequence[Found]) -> None:
    """Compare listings with what is stored, and write the difference."""
    if not found:
        return
    run.doubt({each[5] for each in found})
    rows = snapshot.folders(each[0] for each in found)
    listed = [each[0] for each in found if each[3] is not None]
    files, folders = snapshot.files(listed), snapshot.subfolders(listed)
    batch = Batch()
    for each in found:
        identity, mtime, signature, names, now, error = each
        folder = rows[identity]
        if names is None:
            _unlisted(run, batch, folder, mtime, signature, error)
            continue
        run.handled.add(identity)
        before, known = files.get(identity, {}), folders.get(identity, {})
        difference = compare(before, known, now, names, complete=not error)
        _note(run, batch, folder, difference, before, known)
        _note_back(run, batch, folder, {(row[0], False) for row in now} | {(name, True) for name in names})
        _explore_later(run, folder, difference.new_folders)
        waiting = bool(difference.missing or difference.missing_folders)
        if difference.new_folders and not waiting and not error:
            run.closable.add(identity)
        if error:
            run.summary.errors += 1
        sure = not (error or waiting)  # else the signature must not match: these are compared again
        if not folder.listed_at:
            mtime = mtime or folder.mtime_ns  # put off, with the time that it had then
        batch.folder_updates.append(
            (
                identity,
                mtime,
                signature if sure else 0,
                folder.listed_at if error else run.seconds,
                not sure or bool(difference.new_folders),
                error,
            )
        )
    batch.changes.sort(key=lambda row: row[2] != Change.Kind.REMOVED)  # what made way comes before what came
    run.write(batch)


def _unlisted(run: Run, batch: Batch, folder: Folder, mtime: int, signature: int, error: str) -> None:
    """Note a folder of which only the mtime moved, or which could not be listed."""
    if not error:
        run.handled.add(folder.id)
        batch.folder_updates.append((folder.id, mtime, signature, run.seconds, False, ""))
        return
    if not folder.path:
        raise guards.unusable(guards.down("guard_unreadable", error=error))
    if error == "vanished":
        run.gone[folder.id] = folder
        return
    run.summary.errors += 1
    batch.folder_updates.append((folder.id, folder.mtime_ns, folder.signature, folder.listed_at, True, error))


def _note(
    run: Run,
    batch: Batch,
    folder: Folder,
    difference: Difference,
    before: dict[str, snapshot.FileFacts],
    known: dict[str, int],
) -> None:
    """Put the difference of one folder into the batch."""
    prefix = folder.path + "/" if folder.path else ""
    for row in difference.added:
        batch.files += (folder.id, *row)
        batch.bytes += row[1]
    for row, old in difference.modified:
        batch.file_updates.append((folder.id, *row))
        batch.bytes += row[1] - old[0]
    batch.file_updates += [(folder.id, *row) for row in difference.silent]
    run.summary.added += len(difference.added)
    run.summary.modified += len(difference.modified)
    run.seen_files += len(before)
    if not run.silent:
        batch.changes += [run.change(Change.Kind.ADDED, prefix + row[0], row[1]) for row in difference.added]
        batch.changes += [run.change(Change.Kind.MODIFIED, prefix + row[0], row[1]) for row, _ in difference.modified]
    for name in difference.missing:
        _miss(run, batch, folder, name, False, before[name][0])
    for name in difference.missing_folders:
        _miss(run, batch, folder, name, True, 0)
    if run.asked.dry_run:
        run.new += [Thing(0, prefix + row[0], *row[1:]) for row in difference.added]
        run.missing += [Thing(0, prefix + name, *before[name]) for name in difference.missing]
        run.missing += _things_below([known[name] for name in difference.missing_folders])


def _things_below(ids: Sequence[int]) -> list[Thing]:
    paths = {each[0]: each[1] for chunk in snapshot.below(ids) for each in chunk}
    found = snapshot.files(paths)
    return [
        Thing(0, f"{paths[owner].decode('utf-8', 'replace')}/{name}", *facts)
        for owner, inside in found.items()
        for name, facts in inside.items()
    ]


def _miss(run: Run, batch: Batch, folder: Folder, name: str, is_dir: bool, size: int) -> None:
    """Note the first or the second look that misses a name."""
    if pending := run.pending.get(folder.path, {}).get((name, is_dir)):
        run.relooked.add(pending.id)
        return
    path = f"{folder.path}/{name}" if folder.path else name
    batch.changes.append(run.change(Change.Kind.REMOVED, path, size, state=Change.State.SEEN, is_dir=is_dir))


def _note_back(run: Run, batch: Batch, folder: Folder, now: set[tuple[str, bool]]) -> None:
    """Drop the removals of what is there again."""
    back = [pending.id for key, pending in run.pending.get(folder.path, {}).items() if key in now]
    batch.back += back
    run.summary.dropped += len(back)


def _explore_later(run: Run, folder: Folder, names: Sequence[str]) -> None:
    prefix = folder.path + "/" if folder.path else ""
    run.todo += [(folder.id, to_bytes(prefix + name)) for name in names]
    if names:
        run.open[folder.id] += len(names)
