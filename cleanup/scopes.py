"""What a job of the clean-up is asked to do: checks, titles and lanes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mediasync.core.errors import UsageError
from mediasync.jobs.choices import LaneMode
from mediasync.jobs.registry import Lane

from . import steps
from .models import PlexFolder, Run
from .plexdata import layout

Scope = Mapping[str, Any]
FILTERS = ("sections", "prefixes", "types", "limit")
TYPES = (*layout.TYPES, "Media", steps.CACHE)


def check_run(scope: Scope) -> dict[str, Any]:
    """Return ``{"run": id}``; UsageError for anything else."""
    if set(scope) != {"run"} or not str(scope["run"]).isdecimal() or not Run.objects.filter(pk=scope["run"]).exists():
        raise UsageError("There is no such run of the clean-up.", code="cleanup_no_run")
    return {"run": int(scope["run"])}


def check_plan(scope: Scope) -> dict[str, Any]:
    """Return the scope of a plan in its normal form: ``{"run": id}``, or what a schedule says.

    The latter: ``folder`` (id or name), ``steps``, the filters, and ``apply`` (true: accept by itself, as long as the
    policy's limits are kept, and apply it).
    """
    if "run" in scope:
        return check_run(scope)
    if unknown := sorted(set(scope) - {"folder", "steps", "apply", *FILTERS}):
        raise UsageError(f"A plan knows no {', '.join(unknown)}.", code="bad_scope")
    folder = folder_of(str(scope.get("folder", "")))
    given = scope.get("steps", ())
    checked: dict[str, Any] = {
        "folder": folder.pk,
        "steps": steps.check([given] if isinstance(given, str) else given),
        **check_filters(scope),
    }
    if scope.get("apply"):
        checked["apply"] = True
    return checked


def check_filters(given: Scope) -> dict[str, Any]:
    """Return those filters that are set; UsageError for what is no section, prefix, type or number.

    ``sections`` are numbers of libraries, ``prefixes`` digits 0 to f ("all" is none), ``types`` folders below Metadata
    or "Media", ``limit`` the most rows of the plan.
    """
    found: dict[str, Any] = {}
    sections = sorted({_number(each, "section") for each in given.get("sections") or ()})
    prefixes = sorted({str(each).lower() for each in given.get("prefixes") or ()} - {"all"})
    types = sorted({str(each) for each in given.get("types") or ()})
    if wrong := [each for each in prefixes if not layout.PREFIX.match(each)]:
        raise UsageError(f"A prefix is one of 0 to f, or all; not {', '.join(wrong)}.", code="cleanup_bad_prefix")
    if wrong := [each for each in types if each not in TYPES]:
        raise UsageError(
            f"There is no type {', '.join(wrong)}; there are: {', '.join(TYPES)}.", code="cleanup_bad_type"
        )
    for name, values in (("sections", sections), ("prefixes", prefixes), ("types", types)):
        if values:
            found[name] = values
    if limit := _number(given.get("limit") or 0, "limit"):
        found["limit"] = limit
    return found


def _number(value: Any, what: str) -> int:
    if isinstance(value, bool) or not str(value).isdecimal():
        raise UsageError(f"A {what} is a number, not {value!r}.", code="bad_scope")
    return int(value)


def folder_of(named: str) -> PlexFolder:
    """Return the data folder with this id, name or path; UsageError names those that there are."""
    rows = PlexFolder.objects.all()
    found = rows.filter(pk=int(named)).first() if named.isascii() and named.isdecimal() else None
    found = found or rows.filter(name=named).first() or rows.filter(path=named.rstrip("/") or "/").first()
    if found is None:
        names = ", ".join(rows.values_list("name", flat=True).order_by("name")) or "none"
        raise UsageError(f"There is no data folder {named!r}; there are: {names}.", code="cleanup_no_folder")
    return found


def title(code: str) -> Any:
    """Return a function that gives the title of a job for its scope."""

    def of(scope: Scope) -> tuple[str, dict[str, Any]]:
        run = scope.get("run")
        folder = _folder_id(scope)
        name = PlexFolder.objects.filter(pk=folder).values_list("name", flat=True).first() or f"#{folder}"
        return code, {"name": name, "run": run or ""}

    return of


def lane(scope: Scope) -> Sequence[Lane]:
    """Return the lane of the data folder, alone: nothing else of the clean-up works on it meanwhile."""
    return (Lane(f"plexfolder:{_folder_id(scope)}", LaneMode.EXCLUSIVE),)


def _folder_id(scope: Scope) -> Any:
    if "folder" in scope:
        return scope["folder"]
    return Run.objects.filter(pk=scope.get("run") or 0).values_list("folder_id", flat=True).first()
