"""Read what a batch of folders has and should have: snapshot, our rows, discs, companions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from django.db import connection

from monitors.extensions import DISCS, KINDS
from scanning.models import LinkRule

from . import names, store
from .rules import RuleSpec
from .store import Place, Row
from .tree import parent_of
from .wanted import Entry, Wanted, is_main, links_for


@dataclass(slots=True)
class Work:
    """One folder: what it should have and what our rows say it has."""

    place: Place
    wanted: list[Wanted] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)


def load(spec: RuleSpec, places: Sequence[Place]) -> list[Work]:
    """Return the work of each folder, parents before children."""
    known = [p.directory for p in places if p.directory is not None and names.split_disc(p.path) is None]
    files = store.files_of(known)
    rows = store.rows_of([p.folder for p in places if p.folder is not None])
    discs = _discs(spec, known)
    mains = Mains(
        spec, lambda: [p.path for p in places if any(is_main(spec, e) for e in files.get(p.directory or 0, ()))]
    )
    found = []
    for place in sorted(places):
        work = Work(place, rows=rows.get(place.folder or 0, []))
        here, discs_here = files.get(place.directory or 0, []), discs.get(place.directory or 0, [])
        if here or discs_here:
            work.wanted = links_for(spec, place.path, here, discs_here, lambda path=place.path: mains.below(path))  # type: ignore[misc]
        found.append(work)
    return found


class Mains:
    """Answers "is there a file worth a link in or below this film's, season's or show's folder?"."""

    def __init__(self, spec: RuleSpec, seen: Callable[[], Sequence[str]]) -> None:
        """``seen()`` names folders that surely hold one; called when the first question comes, if one comes."""
        self._spec = spec
        self._seen = seen
        self._known: dict[str, bool] = {}

    def _note_seen(self) -> None:
        for path in self._seen():
            while not self._known.get(path):
                self._known[path] = True
                path = parent_of(path)

    def below(self, path: str) -> bool:
        """Tell it for the unit that ``path`` belongs to (``Film/Subs`` → ``Film``)."""
        if not self._known:
            self._note_seen()
        unit = names.unit_of(path)
        if unit not in self._known:
            self._known[unit] = self._ask(unit)
        return self._known[unit]

    def _ask(self, unit: str) -> bool:
        """Look at the folder itself, then below it; ends at the first find."""
        test, values = main_sql(self._spec)
        sql = f"""SELECT d.path FROM monitors_directory d JOIN monitors_file f ON f.directory_id = d.id
                  WHERE d.root_id = %s AND {{}} AND {test}"""
        below, params = store.below("d.path", unit)
        for where, more in (("d.path = %s", [unit]), (below, params)):
            for (path,) in _rows(sql.replace("{}", where), [self._spec.root_id, *more, *values]):
                if names.split_disc(path) is None:
                    return True
        return self._spec.discs == LinkRule.Discs.UNIT and self._disc_below(unit)

    def _disc_below(self, unit: str) -> bool:
        below, params = store.below("path", unit)
        sql = f"SELECT path FROM monitors_directory WHERE root_id = %s AND {below} AND {_LIKE_DISC}"
        return any(True for _ in _rows(sql, [self._spec.root_id, *params, *_DISC_VALUES]))


def _rows(sql: str, params: Sequence[object]) -> list[tuple[str]]:
    """Fetch a few rows: the first is nearly always enough, discs may hide the next ones."""
    return [(row[0],) for row in store.select(sql + " LIMIT 1000", params)]


def main_sql(spec: RuleSpec) -> tuple[str, list[object]]:
    """Return the SQL (and parameters) for "the file ``f`` is linked for its own sake"."""
    by_length: dict[int, list[str]] = {}
    tests, values = [], list[object]()
    for video in (True, False):
        by_length.clear()
        for kind in spec.kinds:
            if (kind == "video") == video:
                for extension in KINDS[kind]:
                    by_length.setdefault(len(extension) + 1, []).append("." + extension)
        for length, extensions in sorted(by_length.items()):
            marks = ",".join(["%s"] * len(extensions))
            tests.append(f"(LOWER({_right(length)}) IN ({marks}) AND LENGTH(f.name) > {length} AND f.size >= %s)")
            values += [*sorted(extensions), spec.minimum_size if video else 0]
    return f"({' OR '.join(tests) or '1 = 0'})", values


def _right(length: int) -> str:
    return f"RIGHT(f.name, {length})" if connection.vendor == "postgresql" else f"SUBSTR(f.name, -{length})"


_ONE = "UPPER(path) = %s OR UPPER(path) LIKE %s ESCAPE '!'"
_LIKE_DISC = f"({' OR '.join([_ONE] * len(DISCS))})"
_DISC_VALUES = [value for name in sorted(DISCS) for value in (name, f"%/{name.replace('_', '!_')}")]


def _discs(spec: RuleSpec, directories: Sequence[int]) -> dict[int, list[Entry]]:
    """Return the disc folders right inside each directory, when they are linked as one."""
    found: dict[int, list[Entry]] = {}
    if spec.discs != LinkRule.Discs.UNIT:
        return found
    sql = f"SELECT parent_id, path FROM monitors_directory WHERE {_LIKE_DISC} AND parent_id IN {{}}"
    for parent, path in store.select_in(sql, _DISC_VALUES, directories):
        name = path.rpartition("/")[2]
        stream = _largest(spec, path) if spec.mode == LinkRule.Mode.STRM else ""
        found.setdefault(parent, []).append(Entry(name, disc=f"{name}/{stream}" if stream else ""))
    return found


def _largest(spec: RuleSpec, disc: str) -> str:
    """Return the largest film of a disc folder, below it; "" if there is none (AUDIO_TS, CERTIFICATE)."""
    below, params = store.below("d.path", disc)
    sql = f"""SELECT d.path, f.name FROM monitors_directory d JOIN monitors_file f ON f.directory_id = d.id
              WHERE d.root_id = %s AND (d.path = %s OR ({below})) ORDER BY f.size DESC, d.path, f.name LIMIT 50"""
    for path, name in store.select(sql, [spec.root_id, disc, *params]):
        if names.kind_of(name) == "video":
            return f"{path}/{name}"[len(disc) + 1 :]
    return ""
