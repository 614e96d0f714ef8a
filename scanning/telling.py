"""From what happened here to what each server is to be told: mapping, library, unit."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace

from mediasync.servers.models import Library, Server
from mediasync.servers.selectors import Places

from .facts import Fact, exists
from .mapping import Mapped, for_server
from .requests import Wanted
from .units import Exists, Unit, Update, unit_for


@dataclass(frozen=True, slots=True)
class Told:
    """How a fact reads for one server: what the tester shows and the stage writes."""

    mapped: Mapped
    libraries: tuple[Library, ...] = ()
    location: str = ""
    unit: Unit | None = None


def nothing_is_new(_local: str) -> bool:
    return False


class Listener:
    """One server with its rules and locations, read once and asked often."""

    def __init__(self, server: Server, exists: Exists = exists) -> None:
        self.server = server
        self.exists = exists
        self.rules = for_server(server)
        self.places = Places(server)

    def tell(self, fact: Fact, is_new: Exists = nothing_is_new) -> Told:
        """Return what this server would be told about a fact."""
        mapped = self.rules.translate(fact.local)
        if mapped.path is None:
            return Told(mapped)
        unit = Unit(mapped.path, fact.local if fact.here else "", fact.update, fact.is_dir)
        libraries = tuple(self.places.libraries_for(mapped.path))
        location = self.places.location_of(mapped.path)
        if not libraries or location is None:
            return Told(mapped)
        return Told(mapped, libraries, location, unit_for(self.server.kind, unit, location, is_new, self.exists))

    def wanted(self, facts: Iterable[Fact], source: str, is_new: Exists = nothing_is_new) -> list[Wanted]:
        """Return what is to be noted for facts that stand for one change, in the root and among its links.

        Only when no library has any of them, this is worth a row: a server usually looks at one of the two trees.
        """
        found: list[Wanted] = []
        homeless: list[Wanted] = []
        for fact in facts:
            told = self.tell(fact, is_new)
            if told.unit is not None:
                found += [Wanted(told.unit, library.pk, source, fact.change) for library in told.libraries]
            elif told.mapped.path is not None or told.mapped.error:
                homeless.append(self._homeless(told, fact, source))
        return found or homeless[:1]

    def _homeless(self, told: Told, fact: Fact, source: str) -> Wanted:
        path = fact.local if told.mapped.path is None else told.mapped.path
        unit = Unit(path, fact.local if fact.here else "", fact.update, fact.is_dir)
        with suppress(ValueError):  # a path that is none
            folder = unit.up()
            update = fact.update if fact.update == Update.DELETED else folder.update
            unit = unit if fact.is_dir else replace(folder, update=update)
        return Wanted(unit, None, source, fact.change, told.mapped.error)
