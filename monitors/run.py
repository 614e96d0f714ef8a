"""What one crawl carries along: its root, what it was asked, what it has counted, and how it writes."""

from __future__ import annotations

import datetime as dt
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import F, Max
from django.db.models.functions import Greatest

from mediasync.core.errors import Permanent, Snooze
from mediasync.core.paths import for_people
from mediasync.jobs.registry import Context

from . import guards, snapshot
from .bulk import store
from .bulk.base import ChangeRow, DirectoryRow, DirectoryUpdate, FileRow
from .listers import Lister
from .models import Change, Directory, Root
from .moves import Thing
from .snapshot import BLOCK, Folder
from .walk import Unknown


@dataclass(frozen=True, slots=True)
class Asked:
    """What a crawl is asked for (``scopes.check_crawl`` says what each means)."""

    paths: tuple[str, ...] = ()  # below the root; none = all of it
    full: bool = False
    shallow: bool = False
    deep: tuple[str, ...] = ()  # of the paths
    announce: bool | None = None  # None: only what comes after the first crawl
    dry_run: bool = False
    hold: bool = False


@dataclass(slots=True)
class Summary:
    """What a crawl did. ``errors``: folders that could not be listed; ``skipped``: FIFOs, broken links and so on."""

    directories: int = 0  # looked at
    listed: int = 0
    files: int = 0  # known in the root at the end
    bytes: int = 0
    added: int = 0
    modified: int = 0
    removed: int = 0
    moved: int = 0
    seen: int = 0  # missing, waiting for the second look
    held: int = 0  # held back by the guard
    dropped: int = 0  # were missing, and are back
    errors: int = 0
    skipped: int = 0
    seconds: float = 0.0


DISTRUSTED = "guard_distrusted"  # the reason of removals that are held because of who told of them
WRITE_SECONDS = 5.0  # between two transactions
HARMLESS = frozenset({"", "permission_denied", "name_too_long", "link_loop"})  # no sign of a mount that went away
KEPT = ("added", "modified", "removed", "moved", "held", "dropped", "skipped")  # by the cursor


class Pending(NamedTuple):
    """A removal that an earlier crawl, or this one before it was interrupted, has seen."""

    id: int
    path: str
    is_dir: bool
    state: str
    seen_at: dt.datetime


@dataclass(slots=True)
class Batch:
    """What goes into one transaction."""

    folders: list[DirectoryRow] = field(default_factory=list)
    files: list[Any] = field(default_factory=list)  # flat
    folder_updates: list[DirectoryUpdate] = field(default_factory=list)
    file_updates: list[FileRow] = field(default_factory=list)
    changes: list[ChangeRow] = field(default_factory=list)
    back: list[int] = field(default_factory=list)  # changes whose file is there again
    closed: list[int] = field(default_factory=list)  # folders of which every folder has its row by now
    bytes: int = 0


class Run:
    """One crawl of one root."""

    def __init__(self, root: Root, asked: Asked, lister: Lister, ctx: Context, cursor: Any = None) -> None:
        cursor = cursor or {}
        self.root, self.asked, self.lister, self.ctx = root, asked, lister, ctx
        self.bulk = store()
        slow = snapshot.STEP * lister.parallel if lister.remote else snapshot.CHUNK
        self.step = getattr(lister, "step", slow)
        self.written = time.monotonic()
        self.now: dt.datetime = ctx.now()
        self.summary = Summary(**cursor.get("summary", {}))
        self.silent = not (root.baseline_at if asked.announce is None else asked.announce)
        self.after: str | None = cursor.get("after")
        self.looked: bool = cursor.get("looked", False)
        self.floor: int = cursor["floor"] if "floor" in cursor else _highest()  # folders above it are new
        self.pending: dict[str, dict[tuple[str, bool], Pending]] = defaultdict(dict)
        self.relooked: set[int] = set()  # pending removals of which this crawl made the second look
        self.seen_files = 0  # only for the progress
        self.todo: list[Unknown] = []  # folders to explore
        self.open: Counter[int] = Counter()  # folder id → how many folders in it have no row yet
        self.closable: set[int] = set()  # rows that are dirty for that reason alone
        self.lost: set[int] = set()  # folders in which one vanished after they were listed
        self.handled: set[int] = set()  # folders whose listing was compared
        self.gone: dict[int, Folder] = {}
        self.missing: list[Thing] = []  # of a dry run
        self.new: list[Thing] = []
        self.invented = 1 << 40  # ids of a dry run
        self._load_pending()

    def _load_pending(self) -> None:
        waiting = (Change.State.SEEN, Change.State.HELD)
        found = Change.objects.filter(root=self.root, kind=Change.Kind.REMOVED, state__in=waiting)
        for pending in map(Pending._make, found.values_list("id", "path", "is_dir", "state", "seen_at").iterator()):
            parent, _, name = pending.path.rpartition("/")
            self.pending[parent][name, pending.is_dir] = pending

    @property
    def whole(self) -> bool:
        """True if all of the root is looked at."""
        return not self.asked.paths

    @property
    def seconds(self) -> int:
        """The time of this crawl as ``Directory.listed_at`` has it."""
        return int(self.now.timestamp())

    def cursor(self) -> dict[str, Any]:
        """Return where to go on after a crash; what is not in it stands in the tables."""
        kept = {name: value for name, value in asdict(self.summary).items() if name in KEPT}
        return {"after": self.after, "looked": self.looked, "floor": self.floor, "summary": kept}

    def reserve(self, count: int) -> int:
        """Return the first of so many directory ids."""
        if self.asked.dry_run:
            self.invented += count
            return self.invented - count
        with self.ctx.transaction():
            return self.bulk.reserve(count)

    def beat(self, path: str = "") -> None:
        """Report, and stop here if asked to: only between writes."""
        self.ctx.progress(for_people(path), directories=self.summary.directories, files=self.seen_files)
        self.ctx.checkpoint()

    def rest(self) -> None:
        """Say that the time of a slice may end here: what was done so far is done."""
        if not self.asked.dry_run:
            self.ctx.checkpoint(self.cursor())

    @property
    def overdue(self) -> bool:
        """True when what was found should be written, however little it is: slow listings must get somewhere too."""
        return time.monotonic() - self.written > WRITE_SECONDS

    def doubt(self, reasons: Iterable[str]) -> None:
        """Look at the root again when listings fail in a way that smells of a mount that went away.

        Raises Permanent with the guard's code if it did: what failed then is not even worth a note. Where the account
        may not be asked just now, nothing is known against it, and what was found must be written.
        """
        if HARMLESS.issuperset(reasons):
            return
        try:
            verdict = guards.check(self.root)
        except Snooze:
            return
        if verdict.down:
            raise self.down(verdict)

    def down(self, verdict: guards.Verdict) -> Permanent:
        """Store that the root cannot be used; return what to raise."""
        if not self.asked.dry_run:
            with self.ctx.transaction():
                guards.record(self.root, verdict)
        return guards.unusable(verdict)

    def change(
        self, kind: str, path: str, size: int, *, state: str = Change.State.NEW, is_dir: bool = False
    ) -> ChangeRow:
        """Return the row of a change."""
        reason = DISTRUSTED if self.asked.hold and kind == Change.Kind.REMOVED else ""
        return (self.root.pk, self.ctx.job.id, kind, state, is_dir, path, "", size, 1, reason, self.now)

    def write(self, batch: Batch, *, rest: bool = True) -> None:
        """Write a batch and the cursor in one transaction; then the time of a slice may end."""
        if self.asked.dry_run:
            return
        with self.ctx.transaction(self.cursor()):
            self._must_exist()
            if batch.folders:
                self.bulk.insert_directories(batch.folders)
            if batch.files:
                self.bulk.insert_files(batch.files)
            if batch.folder_updates:
                self.bulk.update_directories(batch.folder_updates)
            if batch.file_updates:
                self.bulk.update_files(batch.file_updates)
            if batch.changes:
                self.bulk.insert_changes(batch.changes)
            Change.objects.filter(pk__in=batch.back).update(state=Change.State.DROPPED, settled_at=self.now)
            in_blocks_do("UPDATE monitors_directory SET dirty = %s WHERE id IN ({})", batch.closed, False)
            self.count(len(batch.folders), len(batch.files) // 5, batch.bytes)
        self.written = time.monotonic()
        if rest:
            self.rest()

    def _must_exist(self) -> None:
        """Raise Permanent (``root_gone``) if the root was removed meanwhile: rows of files would stay for ever."""
        if not Root.objects.filter(pk=self.root.pk).exists():
            raise Permanent("The root does not exist any more.", code="root_gone")

    def count(self, directories: int, files: int, size: int) -> None:
        """Move the root's counters, in the transaction of the rows that they count."""
        if directories or files or size:
            deltas = {"directories": directories, "files": files, "bytes": size}
            changed = {name: Greatest(F(name) + delta, 0) for name, delta in deltas.items()}
            Root.objects.filter(pk=self.root.pk).update(**changed)


def _highest() -> int:
    return Directory.objects.aggregate(top=Max("id"))["top"] or 0


def in_blocks_do(sql: str, ids: Sequence[int], *params: Any) -> None:
    """Run a statement with ``IN ({})`` over many ids."""
    with connection.cursor() as cursor:
        for start in range(0, len(ids), BLOCK):
            part = ids[start : start + BLOCK]
            cursor.execute(sql.format(", ".join(["%s"] * len(part))), [*params, *part])
