"""Where a root may lie: what is refused, and what to do instead."""

from __future__ import annotations

import errno
import os

from django.conf import settings

from mediasync.core.errors import UsageError
from mediasync.core.paths import for_people, is_within, normalise, to_bytes, to_text

from . import guards, probe
from .filesystems import place_of
from .models import Root


def check_path(path: str, *, but: Root | None = None) -> str:
    """Return the normalised path of a folder that may become a root; UsageError says why another may not."""
    try:
        path = normalise(path)
    except ValueError as error:
        raise UsageError(f"{error}. Give the whole path of a folder.", code="bad_path") from None
    shown = for_people(path)
    if path == "/":
        raise UsageError("The whole file system cannot be a root. Give the folder with the media.", code="bad_path")
    place = place_of(to_bytes(path))
    _must_be_folder(path, shown, remote=place.is_remote)
    real = path if place.is_remote else to_text(os.path.realpath(to_bytes(path)))
    data = to_text(os.path.realpath(os.fsencode(settings.DATA_DIR)))
    for other in {path, real}:
        if is_within(other, data) or is_within(data, other):
            raise UsageError(f"{shown} holds, or lies in, mediasync's own data folder.", code="bad_path")
    for root in Root.objects.exclude(pk=but.pk) if but else Root.objects.all():
        for other in {path, real}:
            if is_within(other, root.path):
                what = "is" if other == root.path else "lies in"
                raise UsageError(f"{shown} {what} the root {root.name!r} already.", code="nested_root", root=root.pk)
            if is_within(root.path, other):
                raise UsageError(
                    f"{shown} contains the root {root.name!r}. Remove that root first, or add a folder beside it.",
                    code="nested_root",
                    root=root.pk,
                )
    return path


def _must_be_folder(path: str, shown: str, *, remote: bool) -> None:
    seen = (guards.look_in_child if remote else probe.look)(to_bytes(path), b"", 1)
    if seen is None:
        raise UsageError(f"{shown} does not answer. Is its mount alive?", code="bad_path")
    if seen["errno"] == errno.ENOENT:
        raise UsageError(f"{shown} does not exist. Make or mount it first.", code="bad_path")
    if seen["errno"] == errno.ENOTDIR:
        raise UsageError(f"{shown} is not a folder. Give the folder that holds it.", code="bad_path")
    if seen["error"]:
        raise UsageError(f"{shown} cannot be read: {seen['error']}.", code="bad_path")


def free_name(path: str) -> str:
    """Return the last component of a path, with a number if another root is called so."""
    base = for_people(path.rpartition("/")[2])[:90]
    taken = set(Root.objects.values_list("name", flat=True))
    return next(name for n in range(1, len(taken) + 2) if (name := base if n == 1 else f"{base} {n}") not in taken)


def below(path: str) -> str:
    """Return a path below a root in its normal form ("" for the root); ValueError for "..".

    A leading slash is dropped: people write ``/Movies`` for ``Movies``.
    """
    return normalise(f"/{path}").lstrip("/")
