"""Compare one folder's listing with what is stored of it. Pure: no database, no disk.

Files are compared by *inequality* of size, mtime and ident, never by "newer": things moved in from elsewhere keep their
old times. An ident that one side lacks says nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

Facts = tuple[int, int, int | None]  # size, mtime_ns, ident
Listed = tuple[str, int, int, int | None]  # name, size, mtime_ns, ident


@dataclass(slots=True)
class Difference:
    """What differs. What is missing is only a candidate for removal."""

    added: list[Listed] = field(default_factory=list)
    modified: list[tuple[Listed, Facts]] = field(default_factory=list)  # now, before
    silent: list[Listed] = field(default_factory=list)  # only an ident was learned: stored, but no change
    missing: list[str] = field(default_factory=list)
    new_folders: list[str] = field(default_factory=list)
    missing_folders: list[str] = field(default_factory=list)


def compare(
    before: Mapping[str, Facts],
    folders_before: Collection[str],
    now: Sequence[Listed],
    folders_now: Collection[str],
    *,
    complete: bool,
) -> Difference:
    """Return the difference; an incomplete listing misses nothing, because it proves nothing."""
    out = Difference()
    for row in now:
        name, size, mtime, ident = row
        old = before.get(name)
        if old is None:
            out.added.append(row)
        elif size != old[0] or mtime != old[1]:
            out.modified.append((row, old))
        elif ident != old[2]:
            if ident is None or old[2] is None:
                out.silent.append(row)
            else:
                out.modified.append((row, old))
    known = set(folders_before)
    out.new_folders = [name for name in folders_now if name not in known]
    if complete:
        names = {row[0] for row in now}
        out.missing = [name for name in before if name not in names]
        out.missing_folders = sorted(known.difference(folders_now))
    return out
