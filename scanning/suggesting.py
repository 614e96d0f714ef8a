"""Suggest mapping rules: what a server calls its folders, beside what they are called here.

The last components of both are usually alike: ``/mnt/115/media/TV`` here and ``/data/media/TV`` there share
``media/TV``, so ``/mnt/115 → /data`` may be missing. Nothing is ever made of it but by a person.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from mediasync.core import foreign
from mediasync.core.paths import join
from mediasync.servers.models import LibraryPath, Server
from mediasync.servers.selectors import Places
from monitors.models import Directory, Root

from . import mapping, selectors
from .mapping import Rule, Rules
from .models import LinkRule, PathMapping

MOST = 1000  # folders of one level of a root that may be what a library calls its own
FEW = 100  # with more, a root is a library itself, and what lies below are titles


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A rule that would lead folders of ours into libraries that nothing leads to now."""

    server: Server
    pattern: str
    replacement: str
    pairs: tuple[tuple[str, str], ...]  # (folder here, location there)
    tail: int  # components that both have in common: the more, the surer

    @property
    def rule(self) -> Rule:
        return Rule(self.pattern, self.replacement)


def suggestions(servers: Iterable[Server] | None = None) -> list[Suggestion]:
    """Return rules that seem to be missing, the surest first."""
    places = [foreign.split(place) for place in dict.fromkeys(_places()) if place.startswith("/")]
    chosen = selectors.enabled_servers() if servers is None else servers
    found = [each for server in chosen for each in _for_server(server, places)]
    return sorted(found, key=lambda each: (-each.tail, -len(each.pairs), each.server.name, each.pattern))


def for_path(local: str, server: Server) -> Suggestion | None:
    """Return the surest rule that would lead one local path into a library of a server."""
    return next((each for each in suggestions([server]) if each.rule.apply(local) is not None), None)


def as_rule(server: Server, pattern: str, replacement: str) -> PathMapping:
    """Return the rule of a suggestion, not stored yet; it goes ahead of all others of its kind."""
    rows = PathMapping.objects.filter(space=PathMapping.Space.SERVER)
    first = min(rows.values_list("order", flat=True), default=101)
    order = max(first - 1, 0)
    return PathMapping(space="server", server=server, order=order, pattern=pattern, replacement=replacement)


def _places() -> Iterator[str]:
    """Yield the folders here that a library might have: roots, what lies right below them, and folders of links."""
    rules = {rule.root_id: rule.target for rule in LinkRule.objects.filter(enabled=True)}
    for root in Root.objects.filter(enabled=True):
        tops = [root.path, *([rules[root.pk]] if root.pk in rules else [])]
        below = ["", *_below(root)]
        yield from (join(top, path) for top in tops for path in below)


def _below(root: Root) -> list[str]:
    """Return folders of the snapshot, one level down, and a second one where the first is small (not a library)."""
    top = Directory.objects.filter(root=root, path="").values_list("pk", flat=True)
    first = dict(Directory.objects.filter(parent_id__in=list(top)).values_list("pk", "path")[:MOST])
    if len(first) > FEW:
        return list(first.values())
    second = Directory.objects.filter(parent_id__in=list(first)).values_list("path", flat=True)[:MOST]
    return [*first.values(), *second]


def _for_server(server: Server, places: Sequence[foreign.Split]) -> Iterator[Suggestion]:
    rules, libraries = mapping.for_server(server), Places(server)
    led = [(place, str(to)) for place in places if (to := _led(rules, place)) is not None]
    good = [place for place, to in led if libraries.libraries_for(to)]
    reached = {foreign.split(to).key for _place, to in led}
    pairs: dict[tuple[str, str], list[tuple[str, str]]] = defaultdict(list)
    tails: dict[tuple[str, str], int] = defaultdict(int)
    for here, there, tail in _cured(_missing(server, reached), places, good):
        pairs[here[0], there[0]].append((here[1], there[1]))
        tails[here[0], there[0]] = max(tails[here[0], there[0]], tail)
    for (pattern, replacement), found in pairs.items():
        yield Suggestion(server, pattern, replacement, tuple(found), tails[pattern, replacement])


def _led(rules: Rules, place: foreign.Split) -> str | None:
    return rules.translate(str(place)).path


def _missing(server: Server, reached: set[tuple[str, ...]]) -> Iterator[foreign.Split]:
    """Yield the locations of a server into which nothing of ours leads."""
    rows = LibraryPath.objects.filter(library__server=server, library__enabled=True)
    for location in sorted(set(rows.values_list("path", flat=True))):
        try:
            there = foreign.split(location)
        except ValueError:  # "smb://…"
            continue
        if not any(there.key[: len(key)] == key or key[: len(there.key)] == there.key for key in reached):
            yield there


def _cured(
    missing: Iterable[foreign.Split], places: Sequence[foreign.Split], good: Sequence[foreign.Split]
) -> Iterator[tuple[tuple[str, str], tuple[str, str], int]]:
    """Yield ((pattern, folder here), (replacement, location), tail).

    The common tail is cut off where that does not lead two ways, nor takes along what arrives well as things are.
    """
    found = [(here, there, tail) for there in missing for here, tail in _alike(places, there)]
    ways: dict[str, set[str]] = defaultdict(set)
    for here, there, _common in found:
        pattern, replacement = _cut(here, there)
        ways[str(pattern)].add(str(replacement))
    for here, there, tail in found:
        pattern, replacement = _cut(here, there)
        if len(ways[str(pattern)]) > 1 or any(each.below(pattern) is not None for each in good):
            pattern, replacement = here, there
        yield (str(pattern), str(here)), (str(replacement), str(there)), tail


def _alike(places: Sequence[foreign.Split], there: foreign.Split) -> list[tuple[foreign.Split, int]]:
    """Return the places with the longest common tail, and its length; none if not even the last name is alike."""
    scored = [(place, tail) for place in places if (tail := _tail(place.names, there.names))]
    best = max((tail for _place, tail in scored), default=0)
    return [(place, tail) for place, tail in scored if tail == best]


def _tail(here: Sequence[str], there: Sequence[str]) -> int:
    tail = 0
    for ours, theirs in zip(reversed(here), reversed(there), strict=False):
        if ours != theirs and ours.casefold() != theirs.casefold():
            break
        tail += 1
    return tail


def _cut(here: foreign.Split, there: foreign.Split) -> tuple[foreign.Split, foreign.Split]:
    """Return both without what they end in alike, letter by letter; something must be left of each."""
    cut, most = 0, min(len(here.names), len(there.names)) - 1
    while cut < most and here.names[-1 - cut] == there.names[-1 - cut]:
        cut += 1
    ours, theirs = len(here.names) - cut, len(there.names) - cut
    return foreign.Split(here.root, here.names[:ours]), foreign.Split(there.root, there.names[:theirs])
