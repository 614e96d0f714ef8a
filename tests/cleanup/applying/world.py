"""A data folder with everything in it, and runs on it from the plan to the end."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import apsw  # as in the product: two libraries on one database in one process undo each other's locks

from cleanup import services
from cleanup.choices import Klass, Outcome
from cleanup.models import PlanRow, PlexFolder, Run
from cleanup.plexdata import layout
from mediasync.jobs.choices import JobState
from mediasync.jobs.drain import drain
from mediasync.jobs.models import Job
from tests.cleanup.plexfolder import sample
from tests.cleanup.plexfolder.sample import Sample

ALL = [str(each) for each in Klass if each != Klass.REHOST]
POLICY: dict[str, Any] = {
    "classes": ALL,
    "columns": ["thumb", "banner", "music", "clear_logo", "square_art"],
    "upload_days": 30,
    "upload_newest": 1,
    "most_share": 1.0,
    "collections": True,
    "live_deletes": True,
}
Tree = dict[str, tuple[Any, ...]]


class World:
    """``plan`` → ``accept`` → ``apply`` → ``restore`` or ``purge``; each returns the run as it is then."""

    def __init__(self, path: Path, web: Any = None, script: str = "", **policy: Any) -> None:
        self.path, self.web = path, web
        self.sample: Sample = sample.make(path, script)
        (path / "media" / "film.mkv").write_text("a film")
        self.root = self.sample.folder
        self.folder = PlexFolder.objects.create(
            name=f"Plex {path}"[:100], path=str(self.root), policy=POLICY | policy, quarantine_days=14
        )
        self.job: Job | None = None

    def policy(self, **values: Any) -> None:
        self.folder.policy = self.folder.policy | values
        self.folder.save()

    def plan(self, *steps: str) -> Run:
        return self._drain(services.plan(self.folder, steps or ("all",), actor="test"))

    def accepted(self, *steps: str) -> Run:
        run = self.plan(*steps)
        assert run.state == "planned", (run.state, run.reason, run.facts.get("why"))
        return services.accept(run, files_typed=run.facts["sums"]["files"], actor="test")

    def apply(self, run: Run | None = None, *steps: str) -> Run:
        return self._drain(services.apply(run or self.accepted(*steps), actor="test"))

    def restore(self, run: Run, rows: list[int] | None = None) -> Run:
        return self._drain(services.restore(run, rows, actor="test"))

    def purge(self, run: Run) -> Run:
        return self._drain(services.purge(run, actor="test"))

    def _drain(self, started: services.Started) -> Run:
        self.job = drain(started.job.pk)
        return Run.objects.get(pk=started.run.pk)

    def until_it_sleeps(self, started: services.Started) -> Job:
        """Work on a job until it is put to sleep."""
        asleep = Job.objects.filter(pk=started.job.pk, state=JobState.SCHEDULED)
        self.job = drain(started.job.pk, stop=asleep.exists)
        return self.job

    # -- What is there

    def outcomes(self, run: Run) -> dict[str, int]:
        found: dict[str, int] = {}
        for outcome in PlanRow.objects.filter(run=run).values_list("outcome", flat=True):
            found[outcome] = found.get(outcome, 0) + 1
        return found

    def row(self, run: Run, path: str) -> PlanRow:
        return PlanRow.objects.get(run=run, path=path)

    def rows(self, run: Run, outcome: Outcome) -> list[PlanRow]:
        return list(PlanRow.objects.filter(run=run, outcome=outcome))

    def there(self, name: str) -> bool:
        return os.path.lexists(self.root / self.sample.paths.get(name, name))

    def values(self) -> dict[tuple[int, str], str | None]:
        """Return all values of items' columns that hold addresses."""
        columns, rows = ask(self.sample.plex.database, "SELECT * FROM metadata_items")
        return {
            (row[columns.index("id")], name): row[columns.index(name)]
            for row in rows
            for name in columns
            if name.endswith("_url")
        }

    def dump(self) -> list[str]:
        """Return the database as text, virtual tables and all."""
        database = self.sample.plex.database
        _columns, tables = ask(
            database,
            "SELECT name FROM sqlite_master WHERE type='table' AND sql NOT LIKE 'CREATE VIRTUAL%' ORDER BY name",
        )
        return [repr((name, sorted(map(repr, ask(database, f'SELECT * FROM "{name}"')[1])))) for (name,) in tables]

    def tree(self) -> Tree:
        """Return all below the data folder but the database: kind, rights, content and times of each name."""
        return tree_of(self.root)

    def set(self, item: str, column: str, value: str | None) -> None:
        """Change a value as Plex would, past the triggers."""
        number = self.sample.items[item].id
        write(self.sample.plex.database, f"UPDATE metadata_items SET {column}=? WHERE id=?", value, number)

    def lost(self) -> set[str]:
        """Return the files that a column of an item names and that are not there: what must never come to be."""
        return lost(self.root, self.sample.plex.database)


def ask(database: Path, query: str) -> tuple[list[str], list[Any]]:
    """Return the names of the columns and the rows."""
    con = apsw.Connection(str(database), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        found = con.execute(query)
        rows, columns = [], []
        for row in found:
            columns = columns or [each[0] for each in found.get_description()]
            rows.append(row)
        return columns, rows
    finally:
        con.close()


def write(database: Path, query: str, *values: Any) -> None:
    con = apsw.Connection(str(database))
    try:
        con.set_busy_timeout(20_000)
        con.config(apsw.SQLITE_DBCONFIG_ENABLE_TRIGGER, 0)
        con.execute(query, values)
    finally:
        con.close()


def tree_of(root: Path) -> Tree:
    found: Tree = {}
    for above, folders, files in os.walk(root):
        for name in (*folders, *files):
            path = os.path.join(above, name)
            rel = os.path.relpath(path, root)
            if rel.startswith("Plug-in Support"):
                continue
            facts = os.lstat(path)
            if stat.S_ISLNK(facts.st_mode):
                found[rel] = ("link", os.readlink(path), facts.st_mtime_ns)
            elif stat.S_ISDIR(facts.st_mode):
                found[rel] = ("folder", stat.S_IMODE(facts.st_mode))
            else:
                found[rel] = ("file", stat.S_IMODE(facts.st_mode), facts.st_mtime_ns, Path(path).read_bytes())
    return found


def lost(root: Path, database: Path, before: set[str] | None = None) -> set[str]:
    """Return the values that name a file which no bundle has (any more)."""
    columns = [row[1] for row in ask(database, "PRAGMA table_info(metadata_items)")[1] if row[1].endswith("_url")]
    query = (
        f"SELECT i.hash, p.hash, g.hash, {', '.join('i.' + name for name in columns)} FROM metadata_items i"
        " LEFT JOIN metadata_items p ON p.id=i.parent_id LEFT JOIN metadata_items g ON g.id=p.parent_id"
    )
    rows = ask(database, query)[1]
    found = set()
    for row in rows:
        for value in row[3:]:
            if (
                value
                and not value.startswith("http")
                and not _readable(root, [each for each in row[:3] if each], value)
            ):
                found.add(value)
    return found - (before or set())


def _readable(root: Path, hashes: list[str], value: str) -> bool:
    scheme, _, rel = value.partition("://")
    if scheme == "media":
        return (root / layout.MEDIA / rel).is_file()
    below = layout.COMBINED if scheme == "metadata" else layout.UPLOADS
    return any(
        (root / layout.bundle_path(layout.METADATA, folder, each) / below / rel).is_file()
        for each in hashes
        for folder in layout.TYPES
    )
