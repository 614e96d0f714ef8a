"""The first step: what is a path as it arrives here, and if nothing here, whose name for what could it be?"""

from __future__ import annotations

from collections.abc import Iterator

from mediasync.core import foreign
from mediasync.core.paths import is_within, normalise
from mediasync.servers.models import Server
from monitors.hints.translating import is_text
from monitors.models import Hook, Root
from scanning import explaining, mapping
from scanning.arriving import Arrivals
from scanning.mapping import Rule
from scanning.models import LinkRule, PathMapping

from .parts import Part, Tone

MOST = 5  # guesses


def arrive(path: str, source: str) -> tuple[str | None, Part]:
    """Return the local path (None: there is none) and the steps that led there."""
    part = Part()
    if not is_text(path):
        part.add("arrived", "explain_bad_path", "bad", path=path[:200])
        part.advise("todo_bad_path", stops=True)
        return None, part
    part.add("arrived", "explain_arrived_from" if source else "explain_arrived", path=path, source=source)
    local = _from_source(path, source, part) if source else _as_it_is(path, part)
    if local is None and not part.todo:
        part.advise("todo_bad_path", stops=True)
    return local, part


def _as_it_is(path: str, part: Part) -> str | None:
    try:
        return normalise(path)
    except ValueError:
        windows = foreign.is_windows(path)
        part.add("arrived", "hint_windows_path" if windows else "hint_bad_path", "bad")
        if windows:
            part.advise("todo_windows", stops=True)
        return None


def _from_source(path: str, source: str, part: Part) -> str | None:
    arrivals = Arrivals(source)
    hook = arrivals.hook
    if not arrivals.known:
        part.add("arrived", "explain_no_source", "warn", source=source)
    elif hook is not None and not hook.enabled:
        part.add("arrived", "explain_hook_off", "warn", row=("monitors.Hook", hook.pk), source=source)
        part.advise("todo_hook_off", page=("monitors.Hook", hook.pk), source=source)
    found = arrivals.arrive(path)
    for step in found.steps if found.local is not None else found.steps[:-1]:
        tone: Tone = "ok" if step.outcome in ("matched", "passed", "by_account") else "idle"
        row = ("scanning.PathMapping", step.rule.id) if step.rule and step.rule.id else None
        part.add("rule", "explain_rule", tone, row=row, rule=explaining.sentence(step))
    if found.local is None:
        part.add("arrived", found.code, "bad")
        part.advise("todo_source_rule", page=("scanning.PathMapping", None), stops=True, source=source)
    return found.local


def guesses(path: str) -> list[tuple[str, str, str, str]]:
    """Return (code, name, path, source) of what a path that is nobody's here may be in another's name space.

    As a source says it: the path stays, with the source. As a server or an account names it: its path here.
    """
    tops = [*Root.objects.values_list("path", flat=True), *LinkRule.objects.values_list("target", flat=True)]
    found: list[tuple[str, str, str, str]] = []
    for code, name, local, source in _candidates(path):
        here = any(is_within(local, top) for top in tops)
        guess = (code, name, path if source else local, source)
        if here and local != path and guess not in found:
            found.append(guess)
    return found[:MOST]


def _candidates(path: str) -> Iterator[tuple[str, str, str, str]]:
    rules = PathMapping.objects.filter(enabled=True)
    named = set(rules.filter(space="source").exclude(source="").values_list("source", flat=True))
    for source in sorted(named | set(Hook.objects.values_list("name", flat=True))):
        translated = mapping.for_source(source, mapping.DROP).translate(path)
        if translated.path:
            yield "todo_guess_source", source, translated.path, source
    for root in Root.objects.exclude(remote_path="").select_related("account"):
        if (local := _back(root.remote_path, root.path, path)) is not None:
            yield "todo_guess_account", str(root.account or root), local, ""
    for server in Server.objects.filter(enabled=True):
        for row in rules.filter(space="server", regex=False):
            back = _back(row.replacement, row.pattern, path) if row.server_id in (None, server.pk) else None
            if back is not None:
                yield "todo_guess_server", server.name, back, ""


def _back(pattern: str, replacement: str, path: str) -> str | None:
    try:
        return Rule(pattern, replacement).apply(path)
    except ValueError:
        return None
