"""The first step of a plan: everything that must be sure before a single file is called needless."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from contextlib import closing
from typing import Any

from mediasync.core.errors import Permanent

from . import coverage, crew, libraries, preflight, reading, separate, steps
from . import policy as policies
from .apply_checks import identity_of
from .choices import Klass
from .locks import Ask
from .locks_server import ask_of
from .models import PlexFolder, Run
from .plexdata import database, places
from .plexdata.index import Index
from .plexdata.places import Data


def open_run(run: Run, now: dt.datetime) -> dict[str, Any]:
    """Return the facts of a run: preflight, and unless only the cache is asked for, the copy, its index and coverage.

    Raises UsageError or Permanent (with the code and facts of the refusal), Transient when the database is locked.
    """
    policy = policies.of(run.policy)
    asked = steps.resolve(run.steps, policy)
    data = places.resolve(run.folder.path, run.folder.cache_path)
    check_places(run.folder, data)
    withheld = {str(klass): "cleanup_by_policy" for klass in asked.withheld}
    if any(Klass.REHOST in work.classes for work in asked.works) and run.folder.image_host_id is None:
        withheld[str(Klass.REHOST)] = "cleanup_no_host"
    facts: dict[str, Any] = {
        "begun": now.isoformat(),
        "root": data.root,
        "planned_on": identity_of(data.database),
        "lacks": list(data.lacks),
        "withheld": withheld,
        "warnings": [],
        **preflight.disk(data),
    }
    if asked.only_cache:
        return facts
    crew.expected(run.pk, data.database)
    snapshot = reading.take(data, run.pk)
    source = reading.of(run.pk)
    facts |= {
        "snapshot": {"size": snapshot.size, "sha256": snapshot.sha256},
        "database": preflight.about(data, source.schema),
        "index": dict(source.index.counts),
        "coverage": coverage.measure(source.con, source.schema),
        **preflight.shelves(source.con, source.schema, policy.elsewhere),
    }
    believable(source.index, run.folder.last_index, policy.shrink)
    reading.keep(source)
    facts["warnings"] = preflight.warnings(facts)
    return facts


def check_places(folder: PlexFolder, data: Data) -> None:
    """Raise UsageError if the cache or the quarantine that a person chose lies where a library or Plex keeps files."""
    if not folder.cache_path and not folder.quarantine_path:
        return
    with closing(database.open_ro(data.database)) as con:
        found = [each.path for each in libraries.locations(con, database.probe(con)) if each.path.startswith("/")]
    if folder.quarantine_path:
        separate.quarantine(folder.quarantine_path, data, found)
    if folder.cache_path:
        separate.cache(data, found)


def believable(index: Index, before: Mapping[str, int], most: float) -> None:
    """Raise Permanent, with the figures, for an index that lost more than ``most`` since then, or says nothing.

    Where no item has any picture, all files would be needless: rather the database is not what it should be.
    """
    if not index.values:
        raise Permanent("No item of the database has a picture.", code="plex_index_empty")
    lost = index.shrank(before)
    if lost > most:
        message = f"The database knows {lost:.0%} less than at the last plan; {most:.0%} is believed."
        counts = {f"{name}_before": before.get(name, 0) for name in ("items", "parts")}
        raise Permanent(
            message,
            code="cleanup_index_shrank",
            lost=round(lost * 100),
            most=round(most * 100),
            items=index.counts["items"],
            parts=index.counts["parts"],
            **counts,
        )


def asker(folder: PlexFolder) -> Ask | None:
    """Return how to ask the linked server which fields of an item are locked, None if there is none to ask."""
    if folder.server is None or not folder.server.enabled or folder.server.paused:
        return None
    return ask_of(folder.server)
