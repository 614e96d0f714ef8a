"""Say, step by step, what each server would be asked about a path and why; the tester and the commands share it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from mediasync.core.paths import for_people
from mediasync.jobs import registry
from mediasync.servers.models import Server
from monitors.glance import Glance

from . import costs, facts
from .facts import Fact
from .mapping import Step
from .telling import Listener, Told
from .units import climb


@dataclass(frozen=True, slots=True)
class Explained:
    """What one server makes of one local path. ``asks`` is what it would be asked about; "" with a ``reason``."""

    server: Server
    path: str
    steps: Sequence[Step]
    told: Told
    asks: str = ""
    reason: str = ""  # a code of texts.py: unmatched, bad_path, dropped, no_library

    @property
    def cost(self) -> str:
        """The code of what it costs the server (costs.py), "" if it is not asked."""
        unit = self.told.unit
        if unit is None or not self.asks:
            return ""
        kind = self.told.libraries[0].kind if self.told.libraries else ""
        return costs.cost(self.server.kind, kind, unit.update, is_dir=unit.is_dir, whole=unit.top_level)

    def as_json(self) -> dict[str, Any]:
        """Return it as plain data, for ``--json`` and the API."""
        unit = self.told.unit
        return {
            "server": self.server.name,
            "path": self.path,
            "steps": [sentence(step) for step in self.steps],
            "libraries": [library.title for library in self.told.libraries],
            "location": self.told.location,
            "asks": self.asks,
            "update": unit.update if unit else "",
            "collected": bool(unit and unit.top_level),
            "cost": self.cost,
            "reason": self.reason,
        }


def sentence(step: Step) -> str:
    """Return a step for people."""
    outcome = registry.text(step.outcome)
    if step.rule is None:
        return f"{for_people(step.path)}: {outcome}"
    rule = f"{step.rule.pattern} → {step.rule.replacement}"
    return f"{rule}: {outcome}" + (f" → {for_people(step.path)}" if step.outcome == "matched" else "")


def explain(paths: Iterable[str], servers: Iterable[Server]) -> list[Explained]:
    """Return what each server would be asked, for each path and what stands for it among the links."""
    with Glance() as glance:
        return explain_facts(facts.of_paths(paths, glance), servers, glance)


def explain_facts(groups: Sequence[Sequence[Fact]], servers: Iterable[Server], glance: Glance) -> list[Explained]:
    """Return the same for facts; those of one group are the same thing, and one that a server has is enough."""
    found = []
    for server in servers:
        listener = Listener(server, glance.exists)
        for group in groups:
            explained = [_explain(fact, listener) for fact in group]
            found += [each for each in explained if each.asks] or explained[:1]
    return found


def _explain(fact: Fact, listener: Listener) -> Explained:
    told = listener.tell(fact)
    steps = listener.rules.trace(fact.local)
    if told.unit is not None:
        climbs = listener.server.kind == Server.Kind.PLEX and told.unit.update == "Deleted"
        asks = climb(told.unit, told.location, listener.exists) if climbs else told.unit
        return Explained(listener.server, fact.local, steps, told, asks.path)
    reason = "no_library" if told.mapped.path is not None else (told.mapped.error or "dropped")
    return Explained(listener.server, fact.local, steps, told, reason=reason)
