"""What tests of the rules share: the drafts for a built folder, without a job and without our own database."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cleanup import policy as policies
from cleanup import steps
from cleanup.choices import Action, Klass
from cleanup.locks import Ask
from cleanup.planning import Found, Planner, units
from cleanup.plexdata import database, index, places
from cleanup.reading import Reading
from cleanup.rules.base import Draft
from tests.cleanup.plexfolder.builder import PlexBuilder

NOW_NS = 4_000_000_000 * 10**9  # far ahead, unless a test says otherwise: nothing is too young
EVERYTHING = {"classes": list(Klass.values), "columns": ["thumb", "art", "banner", "music", "clear_logo", "square_art"]}


@dataclass
class Plan:
    """All drafts of a folder, and why other things stayed."""

    drafts: list[Draft]
    kept: Counter[str]
    found: Found

    def paths(self, klass: Klass | None = None, action: Action = Action.FILE) -> set[str]:
        return {each.path for each in self.drafts if each.action == action and klass in (None, each.klass)}

    def updates(self) -> set[tuple[int | None, str, str]]:
        return {(each.item, each.column, each.new) for each in self.drafts if each.action == Action.UPDATE}


@contextmanager
def reading(folder: Path) -> Iterator[Reading]:
    con = database.open_ro(places.resolve(str(folder)).database)
    try:
        schema = database.probe(con)
        yield Reading("", con, schema, index.build(con, schema))
    finally:
        con.close()


def plan(
    built: PlexBuilder | Path,
    wanted: Sequence[str] = ("all",),
    *,
    now_ns: int = NOW_NS,
    sections: Sequence[int] = (),
    host: bool = False,
    ask: Ask | None = None,
    **policy: Any,
) -> Plan:
    """Return what the steps find; everything is allowed, but no file is kept for its age, unless ``policy`` says so."""
    folder = built.finish() if isinstance(built, PlexBuilder) else built
    allowed = policies.of({**EVERYTHING, **policy})
    data = places.resolve(str(folder))
    kept, found = Counter[str](), Found()
    asked = steps.resolve(list(wanted), allowed)
    with ExitStack() as stack:
        source = None if asked.only_cache else stack.enter_context(reading(folder))
        planner = Planner(data, allowed, now_ns, frozenset(sections), host, ask, source and (lambda: source))
        drafts = [
            draft
            for work in asked.works
            for unit in units(work, data, frozenset())
            for draft in planner.drafts(unit, work, found, kept)
        ]
    return Plan(drafts, kept, found)
