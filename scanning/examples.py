"""Examples of the mapping rules: keep what is right, and tell when a rule makes it wrong."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from mediasync.core.errors import Conflict, UsageError
from mediasync.servers.models import Server

from . import mapping, selectors
from .arriving import Arrivals
from .mapping import Mapped
from .models import MappingExample

MOST = 500  # examples that are kept: all are judged whenever a rule is saved


@dataclass(frozen=True, slots=True)
class Answer:
    """What the rules make of a path now. ``rules`` are the ids of those that decided it."""

    local: str
    servers: dict[str, str]  # id of the server as text → path, or "!code"
    rules: frozenset[int]


@dataclass(frozen=True, slots=True)
class Judged:
    """An example with what the rules make of it now. ``wrong``: (server, expected, now) of each difference."""

    example: MappingExample
    now: Answer
    wrong: Sequence[tuple[str, str, str]] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        return not self.wrong


class Judge:
    """The rules of all servers and sources, read once."""

    def __init__(self) -> None:
        self._servers = {str(server.pk): server for server in selectors.enabled_servers()}
        self._rules = {key: mapping.for_server(server) for key, server in self._servers.items()}
        self._sources: dict[str, Arrivals] = {}

    def answer(self, path: str, source: str) -> Answer:
        """Return what becomes of a path as a source says it."""
        used: set[int] = set()
        local: str | None = path
        if source:
            if source not in self._sources:
                self._sources[source] = Arrivals(source)
            arrived = self._sources[source].arrive(path)
            local = arrived.local
            used |= {arrived.rule.id} if arrived.rule and arrived.rule.id else set()
        if local is None:
            return Answer("", {}, frozenset(used))
        servers = {key: _said(_noted(rules.translate(local), used)) for key, rules in self._rules.items()}
        return Answer(local, servers, frozenset(used))

    def judge(self, example: MappingExample) -> Judged:
        """Compare an example with what is now; a server that was added or switched off since does not count."""
        now = self.answer(example.path, example.source)
        wrong = [("", example.local, now.local)] if now.local != example.local else []
        for key, expected in example.expected.items():
            if key in self._servers and (got := now.servers.get(key, "")) != expected:
                wrong.append((self._servers[key].name, expected, got))
        return Judged(example, now, wrong)


def _noted(mapped: Mapped, used: set[int]) -> Mapped:
    if mapped.rule is not None and mapped.rule.id is not None:
        used.add(mapped.rule.id)
    return mapped


def _said(mapped: Mapped) -> str:
    return f"!{mapped.error or 'dropped'}" if mapped.path is None else mapped.path


def judged(examples: Iterable[MappingExample] | None = None) -> list[Judged]:
    """Return examples (all, if none are given) with what the rules make of each now."""
    rows = list(MappingExample.objects.order_by("id")[:MOST] if examples is None else examples)
    if not rows:
        return []
    judge = Judge()
    return [judge.judge(row) for row in rows]


def failing() -> list[Judged]:
    """Return the examples that do not hold any more."""
    return [each for each in judged() if not each.holds]


def by_rule(found: Iterable[Judged]) -> dict[int, tuple[int, int]]:
    """Return, for each rule that decides some example, how many hold and how many do not."""
    counts: dict[int, tuple[int, int]] = {}
    for each in found:
        for rule in each.now.rules:
            good, bad = counts.get(rule, (0, 0))
            counts[rule] = (good + each.holds, bad + (not each.holds))
    return counts


def save(path: str, source: str = "") -> MappingExample:
    """Keep a path with what the rules make of it now; an example of the same path is replaced.

    Raises UsageError for what is no path, Conflict when there are too many.
    """
    if not path or "\0" in path or len(path) > 4096 or len(source) > 50:
        raise UsageError("This is no path that could be kept.", code="bad_path")
    known = MappingExample.objects.filter(source=source, path=path)
    if not known.exists() and MappingExample.objects.count() >= MOST:
        raise Conflict(f"There are {MOST} examples already: delete some first.", code="too_many_examples")
    now = Judge().answer(path, source)
    row, _new = MappingExample.objects.update_or_create(
        source=source, path=path, defaults={"local": now.local, "expected": now.servers}
    )
    return row


def accept(row: MappingExample) -> MappingExample:
    """Take what the rules make of an example now for right."""
    return save(row.path, row.source)


def server_names() -> dict[str, str]:
    """Return the names of all servers by their id as text, for showing what was expected."""
    return {str(pk): name for pk, name in Server.objects.values_list("pk", "name")}
