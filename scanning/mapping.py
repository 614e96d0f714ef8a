"""Translate paths between three name spaces: source → local → server.

*Source* is how a webhook or a cloud names a path, *local* is how we do, *server* is how one media server does. Rules
are tried in order and the first that matches wins (never one after the other: a later rule would rewrite the result of
an earlier one). A plain rule matches whole components, so ``/115/Pub`` leaves ``/115/Public2`` alone; a regex rule
matches from the start, and ``$1`` … ``$9`` or ``${name}`` in its replacement stand for its groups.

All but ``rules_of`` is pure, so the tester, *explain* and the scan stage run the same code.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from mediasync.core import foreign
from mediasync.servers.models import Server

from .models import PathMapping

PASS, DROP, ERROR = Server.Unmatched.PASS, Server.Unmatched.DROP, Server.Unmatched.ERROR
_GROUP = re.compile(r"\$(?:(\d)|\{(\w+)\}|(\$))")


@dataclass(frozen=True)
class Rule:
    """A mapping rule, compiled once. ``id`` finds the row again; None for a rule that is only being tried."""

    pattern: str
    replacement: str
    regex: bool = False
    id: int | None = None

    @cached_property
    def _compiled(self) -> re.Pattern[str]:
        return re.compile(self.pattern)

    @cached_property
    def _top(self) -> foreign.Split:
        return foreign.split(self.pattern)

    def apply(self, path: str) -> str | None:
        """Return the translated path, or None if the rule does not match."""
        if not self.regex:
            names = foreign.split(path).below(self._top)
            return None if names is None else _joined(self.replacement, names)
        match = self._compiled.match(path)
        if match is None:
            return None
        start = _GROUP.sub(lambda group: _expand(group, match), self.replacement)
        rest = path[match.end() :]
        return foreign.normalise(start + (rest.replace("/", "\\") if foreign.is_windows(start) else rest))


def _joined(top: str, names: Sequence[str]) -> str:
    root, above = foreign.split(top)
    return str(foreign.Split(root, (*above, *names)))


def _expand(group: re.Match[str], match: re.Match[str]) -> str:
    number, name, dollar = group.groups()
    return "$" if dollar else (match.group(int(number) if number else name) or "")


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a translation, for people: ``outcome`` is a code (see texts.py)."""

    outcome: str  # normalised, no_match, matched, passed, dropped, unmatched, bad_path
    path: str  # as it is after the step
    rule: Rule | None = None


@dataclass(frozen=True, slots=True)
class Mapped:
    """How a translation ended. ``path`` is None when it was dropped, or could not be translated (``error``)."""

    path: str | None
    rule: Rule | None = None
    error: str = ""  # a code: unmatched, bad_path


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules between two name spaces in their order, and what happens to a path that none matches."""

    rules: tuple[Rule, ...] = ()
    unmatched: str = PASS
    used: dict[int, int] = field(default_factory=dict, compare=False)  # rule id → hits, written back by services

    def translate(self, path: str) -> Mapped:
        """Return what ``path`` (stored text) becomes."""
        try:
            for rule in self.rules:
                if (result := rule.apply(path)) is not None:
                    if rule.id is not None:
                        self.used[rule.id] = self.used.get(rule.id, 0) + 1
                    return Mapped(result, rule)
            if self.unmatched == PASS:
                return Mapped(foreign.normalise(path))
        except (ValueError, IndexError, re.error):
            return Mapped(None, error="bad_path")
        return Mapped(None) if self.unmatched == DROP else Mapped(None, error="unmatched")

    def trace(self, path: str) -> list[Step]:
        """Return every step of ``translate``, also the rules that did not match."""
        mapped = Rules(self.rules, self.unmatched).translate(path)
        steps = []
        for rule in self.rules:
            if rule is mapped.rule:
                break
            steps.append(Step("no_match", path, rule))
            if mapped.error == "bad_path":
                break
        if mapped.path is None:
            return [*steps, Step(mapped.error or "dropped", path)]
        return [*steps, Step("matched" if mapped.rule else "passed", mapped.path, mapped.rule)]


def check(pattern: str, replacement: str, regex: bool) -> None:
    """Raise ValueError, with a sentence for people, for a rule that can never work."""
    if not regex:
        foreign.split(pattern)
        foreign.split(replacement)
        return
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise ValueError(f"not a regular expression: {error}") from None
    for number, name, _ in _GROUP.findall(replacement):
        if (number and int(number) > compiled.groups) or (name and name not in compiled.groupindex):
            raise ValueError(f"the expression has no group {number or name}")


def compiled(rows: Iterable[PathMapping]) -> tuple[Rule, ...]:
    """Return rows as rules, in the order given."""
    return tuple(Rule(row.pattern, row.replacement, row.regex, row.pk) for row in rows)


def for_source(source: str, unmatched: str = PASS) -> Rules:
    """Load the rules that turn what ``source`` says into local paths."""
    rows = PathMapping.objects.filter(space=PathMapping.Space.SOURCE, enabled=True, source__in={"", source})
    return Rules(compiled(rows), unmatched)


def for_server(server: Server) -> Rules:
    """Load the rules that turn local paths into those of ``server``."""
    rows = PathMapping.objects.filter(space=PathMapping.Space.SERVER, enabled=True)
    wanted = [row for row in rows if row.server_id in (None, server.pk)]
    return Rules(compiled(wanted), server.unmatched)
