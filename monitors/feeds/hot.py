"""Which folders of a polled root change often, learned from what crawls found there."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from monitors.models import Change, HotFolder
from monitors.selectors import BLOCK

HALF_LIFE = dt.timedelta(days=1)  # of a score, without changes
FLOOR = 0.02  # a score below it is forgotten: after some six days without changes
MOST = 500  # folders of one root
PARENT = 0.5  # of a change counts for the folder above it: the next season comes there
CHANGES = 5000  # read at once


def learn(root_id: int, after: int | None, now: dt.datetime) -> int | None:
    """Take in what crawls found since change ``after`` (None: lately) and return the last one."""
    changes = Change.objects.filter(root=root_id).values_list("pk", "path")
    found = list(changes.filter(pk__gt=after).order_by("pk")[:CHANGES] if after else changes.order_by("-pk")[:CHANGES])
    if not found:
        return after
    gains: dict[str, float] = {}
    for folder in {path.rpartition("/")[0] for _pk, path in found}:
        gains[folder] = gains.get(folder, 0.0) + 1.0
        if folder:
            above = folder.rpartition("/")[0]
            gains[above] = gains.get(above, 0.0) + PARENT
    _add(root_id, gains, now)
    return max(pk for pk, _path in found)


def scores(root_id: int, now: dt.datetime) -> dict[str, float]:
    """Return the folders that changed lately with their scores of now."""
    rows = HotFolder.objects.filter(root=root_id).values_list("path", "score", "changed_at")
    return {path: _faded(score, changed_at, now) for path, score, changed_at in rows}


def cool(root_id: int, now: dt.datetime) -> None:
    """Forget the folders that have not changed for long, and all but the hottest."""
    hottest = sorted(scores(root_id, now).items(), key=lambda row: row[1], reverse=True)
    cold = [path for number, (path, score) in enumerate(hottest) if number >= MOST or score < FLOOR]
    for start in range(0, len(cold), BLOCK):
        HotFolder.objects.filter(root=root_id, path__in=cold[start : start + BLOCK]).delete()


def _add(root_id: int, gains: dict[str, float], now: dt.datetime) -> None:
    before = scores(root_id, now)
    rows: Iterable[HotFolder] = [
        HotFolder(root_id=root_id, path=path, score=before.get(path, 0.0) + gain, changed_at=now)
        for path, gain in sorted(gains.items())
    ]
    HotFolder.objects.bulk_create(
        rows,
        batch_size=BLOCK,
        update_conflicts=True,
        unique_fields=["root", "path"],
        update_fields=["score", "changed_at"],
    )
    cool(root_id, now)


def _faded(score: float, changed_at: dt.datetime, now: dt.datetime) -> float:
    age: float = max(now - changed_at, dt.timedelta()) / HALF_LIFE
    return float(score * 0.5**age)
