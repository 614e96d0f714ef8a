"""A folder that moved takes what lies beside our links along: artwork, .nfo files that a server wrote."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

from django.db import connection

from mediasync.jobs.registry import Context
from monitors.models import Change

from . import store
from .places import Changed
from .rules import RuleSpec
from .tree import There, Tree, parent_of


def move_folders(spec: RuleSpec, changes: Iterable[Changed], ctx: Context) -> int:
    """Rename the folders of the target whose source was renamed; the links in them are repaired afterwards.

    Rows first: after a crash between the rows and the rename, doing it again renames the folder.
    """
    moved = 0
    for change in changes:
        if change.kind == Change.Kind.MOVED and change.is_dir and change.path and change.old_path:
            moved += _move(spec, change.old_path, change.path, ctx)
    return moved


def _move(spec: RuleSpec, old: str, new: str, ctx: Context) -> bool:
    tree = Tree(spec.target)
    if tree.look(old) is not There.REAL or tree.look(new) is not There.ABSENT or new.startswith(old + "/"):
        return False
    above = tree.missing(parent_of(new))
    with ctx.transaction():
        _rename_rows(spec, old, new)
        store.put_folders(spec, dict.fromkeys(above, True))
    for path in above:
        tree.make(path)
    if tree.look(parent_of(new)) is not There.REAL:
        return False
    os.rename(tree.place(old), tree.place(new))
    return True


def _rename_rows(spec: RuleSpec, old: str, new: str) -> None:
    """Move our rows from below ``old`` to below ``new``; rows that stand there are of links that are gone."""
    here, here_values = _within(spec, old)
    there, there_values = _within(spec, new)
    if not store.select(f"SELECT 1 FROM scanning_linkfolder WHERE {here} LIMIT 1", here_values):
        return  # they were moved before a crash
    inner = f"SELECT id FROM scanning_linkfolder WHERE {there}"
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM scanning_link WHERE folder_id IN ({inner})", there_values)
        cursor.execute(f"DELETE FROM scanning_linkfolder WHERE {there}", there_values)
        cursor.execute(
            f"UPDATE scanning_linkfolder SET path = %s || SUBSTR(path, %s), mtime_ns = 0 WHERE {here}",
            [new, len(old) + 1, *here_values],
        )


def _within(spec: RuleSpec, path: str) -> tuple[str, list[Any]]:
    below, params = store.below("path", path)
    return f"rule_id = %s AND (path = %s OR ({below}))", [spec.id, path, *params]
