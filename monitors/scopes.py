"""What a crawl is asked to look at: checks, titles and lanes of its job."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mediasync.core.errors import UsageError
from mediasync.jobs.choices import LaneMode
from mediasync.jobs.registry import Lane

from .models import Root
from .placing import below
from .selectors import lane_of, root_named

FLAGS = ("full", "shallow", "announce", "dry_run", "hold")


def check_crawl(scope: Mapping[str, Any]) -> dict[str, Any]:
    """Return the scope of a crawl in its normal form, so that equal requests are one job.

    ``root`` (id, name or path), ``paths`` (below the root; absent = all of it), ``full`` (list everything again),
    ``shallow`` (list just ``paths`` and what is new in them, not all that is known below them) except below ``deep``
    (some of the ``paths``), ``announce`` (False: take what is there for known; True: a first crawl tells of it),
    ``dry_run``, ``hold`` (what it finds missing is held until a person decides).
    Raises UsageError, or NotFound for an unknown root.
    """
    if unknown := sorted(set(scope) - {"root", "paths", "deep", *FLAGS}):
        raise UsageError(f"A crawl knows no {', '.join(unknown)}.", code="bad_scope")
    if not scope.get("root"):
        raise UsageError("A crawl needs a root.", code="bad_scope")
    wanted: dict[str, Any] = {"root": root_named(str(scope["root"])).pk}
    try:
        if paths := sorted({below(str(path)) for path in scope.get("paths") or ()}):
            wanted["paths"] = paths
        if deep := sorted({below(str(path)) for path in scope.get("deep") or ()}.intersection(paths)):
            wanted["deep"] = deep
    except ValueError as error:
        raise UsageError(str(error), code="bad_scope") from None
    for flag in FLAGS:
        if scope.get(flag) or (flag == "announce" and scope.get(flag) is False):
            wanted[flag] = bool(scope[flag])
    return wanted


def crawl_title(scope: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return the title of a crawl."""
    params: dict[str, Any] = {"name": name_of(scope)}
    if scope.get("paths"):
        return "crawl_paths", params | {"count": len(scope["paths"])}
    return ("crawl_full" if scope.get("full") else "crawl"), params


def held_title(scope: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return the title of what is done about held removals."""
    return "drop" if scope.get("drop") else "release", {"name": name_of(scope), "count": len(scope["changes"])}


def root_lane(scope: Mapping[str, Any]) -> Sequence[Lane]:
    """Return the lane of all work that writes a root's snapshot."""
    return (Lane(lane_of(scope["root"]), LaneMode.EXCLUSIVE),)


def name_of(scope: Mapping[str, Any]) -> str:
    """Return the name of a scope's root; its id if it is gone."""
    name = Root.objects.filter(pk=scope["root"]).values_list("name", flat=True).first()
    return name or f"#{scope['root']}"
