"""Which folders came with the changes at hand? The snapshot knows: nothing else lies in them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from django.db import connection

from mediasync.core.paths import is_within, relative
from monitors.models import Change

# Files in or below a folder, counted only as far as needed: one more than came would prove that it is not new.
FILES_BELOW = """
    WITH RECURSIVE below(id) AS (
        SELECT id FROM monitors_directory WHERE root_id = %s AND path = %s
        UNION ALL SELECT d.id FROM monitors_directory d JOIN below b ON d.parent_id = b.id
    )
    SELECT count(*) FROM (SELECT 1 FROM below JOIN monitors_file f ON f.directory_id = below.id LIMIT %s) AS counted
"""


class Newcomers:
    """Answers ``is_new`` for local folders below ``tops``: the root, and the folder of its links (laid out alike)."""

    def __init__(self, root_id: int, tops: Sequence[str], changes: Iterable[Change]) -> None:
        self._root_id = root_id
        self._tops = tops
        self._known: dict[str, bool] = {}
        self._came: Counter[str] = Counter()
        self._had: set[str] = set()  # folders out of which something went: an upgrade makes no folder new
        for change in changes:
            if change.kind in (Change.Kind.ADDED, Change.Kind.MOVED):
                for folder in _folders(change.path, itself=change.is_dir):
                    self._came[folder] += change.files
            if change.kind in (Change.Kind.REMOVED, Change.Kind.MOVED):
                self._had.update(_folders(change.old_path or change.path, itself=False))

    def is_new(self, local: str) -> bool:
        """Tell whether all files in the folder came with the changes."""
        top = next((top for top in self._tops if local and is_within(local, top)), None)
        below = relative(local, top) if top is not None else ""
        if not self._came[below] or not below or below in self._had:
            return False
        if below not in self._known:
            self._known[below] = self._count(below) <= self._came[below]
        return self._known[below]

    def _count(self, below: str) -> int:
        with connection.cursor() as cursor:
            cursor.execute(FILES_BELOW, [self._root_id, below, self._came[below] + 1])
            return int(cursor.fetchone()[0])


def _folders(path: str, *, itself: bool) -> list[str]:
    names = path.split("/")
    return ["/".join(names[:depth]) for depth in range(1, len(names) + (1 if itself else 0))]
