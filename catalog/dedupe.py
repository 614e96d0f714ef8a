"""Copies of one version in one folder of ours: found, and all but one taken away."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from django.db import transaction
from django.db.models import Count

from mediasync.core.errors import Conflict, UsageError
from mediasync.core.paths import for_people, to_bytes
from mediasync.jobs.choices import ACTIVE as RUNNING_JOBS
from mediasync.jobs.choices import TERMINAL, ItemState
from mediasync.jobs.models import EngineState, Item, Job

from . import presence, signals
from .models import FileLocation, UploadTask
from .places import is_needed, path_of
from .songs import local_files

ACTIVE, INACTIVE = FileLocation.Status.ACTIVE, FileLocation.Status.INACTIVE
_COPY = re.compile(r"\s*\(\d{1,3}\)$")  # what browsers and downloaders add to a name that is taken


@dataclass(frozen=True, slots=True)
class Copy:
    """One of the files of a version: ``size`` is None when it is not there."""

    location: int
    locator: str
    path: str  # absolute stored text, "" if the locator leads out of its folder
    size: int | None


@dataclass(frozen=True, slots=True)
class Group:
    """The copies of one version on one backend, the one to keep first."""

    asset: int
    backend: int
    song: str
    copies: tuple[Copy, ...]

    @property
    def keep(self) -> Copy:
        return self.copies[0]

    @property
    def drop(self) -> tuple[Copy, ...]:
        return self.copies[1:]

    def as_json(self) -> dict[str, Any]:
        """Return it as plain data for people and programs."""
        rows = [
            {"location": each.location, "locator": for_people(each.locator), "exists": each.size is not None}
            for each in self.copies
        ]
        return {
            "file_asset": self.asset,
            "backend": self.backend,
            "song": self.song,
            "keep": rows[0],
            "duplicates": rows[1:],
        }


@dataclass(slots=True)
class Deduped:
    """What was done: copies that do not count any more, files that are gone, and what went wrong with some."""

    groups: int = 0
    inactive: int = 0
    deleted: int = 0
    freed: int = 0  # bytes
    problems: list[str] = field(default_factory=list)


def rank(copy: Copy, size: int) -> tuple[bool, bool, bool, int, int]:
    """Return the place of a copy, the smallest is kept.

    A file that exists, then one of the right size (a cut one is no copy), a name without ``(1)``, the shorter
    locator, the older row.
    """
    stem = copy.locator.rpartition("/")[2].rpartition(".")[0] or copy.locator.rpartition("/")[2]
    return (copy.size is None, copy.size != size, bool(_COPY.search(stem)), len(copy.locator), copy.location)


def scan() -> list[Group]:
    """Return the versions that have several active files in one local backend; changes nothing."""
    doubled = local_files().order_by().values("file_asset", "backend").annotate(n=Count("pk")).filter(n__gt=1)
    assets = set(doubled.values_list("file_asset", flat=True))
    return list(_groups(assets))


def run() -> Deduped:
    """Keep one copy of each version: point to it, mark the others as gone, then delete their files.

    Raises Conflict (409) while any job or item runs. Each version is one transaction; its files go after that, so a
    file that cannot be deleted leaves the rows right.
    """
    refuse_while_running()
    done = Deduped()
    for group in scan():
        if group.keep.size is None:  # absence is not deletion: is the folder mounted?
            done.problems.append(f"{for_people(group.keep.locator)}: none of the copies is there")
            continue
        dropped = _settle(group)
        if not dropped:
            continue
        done.groups += 1
        done.inactive += len(dropped)
        _delete(group, dropped, done)
    return done


def refuse_while_running() -> None:
    """Raise Conflict if anything runs."""
    job = Job.objects.filter(state__in=RUNNING_JOBS).order_by("pk").first()
    if job is None:
        open_ones = Item.objects.filter(state=ItemState.RUNNING).exclude(stage__job__state__in=TERMINAL)
        item = open_ones.select_related("stage__job").first()
        job = item.stage.job if item else None
    if job is not None:
        text = f"Job #{job.pk} is running: wait for it, or pause everything, and try again."
        raise Conflict(text, code="others_run", job=job.pk)


def _groups(assets: Iterable[int]) -> Iterable[Group]:
    wanted = sorted(assets)
    for start in range(0, len(wanted), 500):
        rows = local_files().filter(file_asset__in=wanted[start : start + 500])
        rows = rows.select_related("file_asset__song", "backend").order_by("file_asset_id", "backend_id", "id")
        for (asset, backend), found in groupby(rows, key=lambda row: (row.file_asset_id, row.backend_id)):
            locations = list(found)
            if len(locations) > 1:
                size = locations[0].file_asset.file_size_bytes
                copies = sorted(map(_copy, locations), key=lambda copy: rank(copy, size))
                yield Group(asset, backend, str(locations[0].file_asset.song), tuple(copies))


def _copy(row: FileLocation) -> Copy:
    try:
        path = path_of(row.backend, row.locator)
        return Copy(row.pk, row.locator, path, os.stat(to_bytes(path)).st_size)
    except UsageError:
        return Copy(row.pk, row.locator, "", None)
    except OSError:
        return Copy(row.pk, row.locator, path, None)


def _settle(group: Group) -> Sequence[Copy]:
    """Bring the rows of a group in order, in one transaction; return the copies that do not count any more.

    Nothing to do when somebody changed them since they were looked at.
    """
    ids = [each.location for each in group.copies]
    with transaction.atomic():
        EngineState.objects.select_for_update().filter(pk=1).first()
        refuse_while_running()
        rows = FileLocation.objects.select_for_update().filter(pk__in=ids, status=ACTIVE)
        if {row.pk for row in rows} != set(ids):
            return ()
        drop = ids[1:]
        UploadTask.objects.filter(source_location__in=drop).update(source_location=ids[0])
        primary = any(row.is_primary for row in rows)
        FileLocation.objects.filter(pk__in=drop).update(status=INACTIVE, is_primary=False)
        FileLocation.objects.filter(pk=ids[0]).update(is_primary=primary)
        presence.refresh(FileLocation.objects.filter(pk=ids[0]).values_list("file_asset__song", flat=True))
    return group.drop


def _delete(group: Group, dropped: Sequence[Copy], done: Deduped) -> None:
    """Delete files that exist, but never the kept one by another name, nor one that another song has too."""
    gone = []
    for copy in dropped:
        if copy.size is None or is_needed(group.backend, copy.locator):
            continue
        path = to_bytes(copy.path)
        try:
            if _is_the_same(path, to_bytes(group.keep.path)):
                done.problems.append(f"{for_people(copy.path)}: it is the kept file by another name")
                continue
            os.unlink(path)
        except FileNotFoundError:
            continue
        except OSError as error:
            done.problems.append(f"{for_people(copy.path)}: {error.strerror}")
            continue
        done.deleted += 1
        done.freed += copy.size
        gone.append(copy.path)
    if gone:
        with transaction.atomic():
            signals.removed.send_robust(sender=FileLocation, paths=gone)


def _is_the_same(path: bytes, kept: bytes) -> bool:
    """Tell whether taking ``path`` away would take the kept file away: one name in two cases, or a link to it."""
    with suppress(OSError):
        if not os.path.samefile(path, kept):
            return False
        if os.path.islink(path):
            return False  # only a link goes
        return os.path.islink(kept) or os.stat(path).st_nlink < 2
    return True
