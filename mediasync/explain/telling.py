"""From the local path to each server: rule by rule, library, unit, requests and their answers, proof."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.utils import timezone

from mediasync.servers import selectors as fares
from mediasync.servers.models import Library, Server
from monitors.glance import Glance
from monitors.models import Change
from scanning import explaining, facts, suggesting, taken
from scanning.facts import Fact
from scanning.links.names import kind_of
from scanning.models import ScanRequest

from . import requested
from .parts import Part, ServerPart, Tone, sentence


def facts_of(local: str, links: Sequence[str], glance: Glance) -> list[Fact]:
    """Return what stands for a path: itself and its links."""
    found = {fact.local: fact for group in facts.of_paths([local, *links], glance) for fact in group}
    return list(found.values())


def for_server(
    server: Server, group: Sequence[Fact], changes: Sequence[Change], glance: Glance, *, pending: bool
) -> ServerPart:
    """Return the way to one server. ``pending``: there is a reason already why it was not told."""
    part = Part()
    _state(server, part)
    answers = explaining.explain_facts([group], [server], glance)
    best = answers[0]
    for step in best.steps:
        tone: Tone = "ok" if step.outcome in ("matched", "passed") else "idle"
        row = ("scanning.PathMapping", step.rule.id) if step.rule and step.rule.id else None
        part.add("rule", "explain_rule", tone, row=row, rule=explaining.sentence(step))
    if best.asks:
        for answer in answers:
            _unit(answer, part)
        if not any(change.kind == Change.Kind.REMOVED for change in changes[:1]):
            fact = next(fact for fact in group if fact.local == best.path)
            _refused(server, best, fact, part)
    else:
        part.add("library", best.reason, "bad")
    rows = requested.of(server, answers, group, changes)
    for request in reversed(rows):
        requested.show(request, part)
    newest = requested.newest(rows)
    state = str(newest.state) if newest else ""
    if not best.asks:
        _nowhere(server, best, part)
    elif newest is None and not pending:
        part.add("request", "explain_no_request", "warn")
        part.advise("todo_never_told", path=group[0].local, server=server.name)
    elif newest is not None and not (newest.answer == "vanished" and group[0].update == ScanRequest.Update.DELETED):
        requested.what_now(server, newest, part)
    return ServerPart(server.name, server.kind, server.pk, part, best.asks, state)


def switched_off() -> list[ServerPart]:
    """Return the servers that are told nothing."""
    found = []
    for server in Server.objects.filter(enabled=False).order_by("name"):
        _state(server, part := Part())
        part.todo.clear()
        found.append(ServerPart(server.name, server.kind, server.pk, part))
    return found


def _state(server: Server, part: Part) -> None:
    fare, row = fares.fare(server, timezone.now()), ("servers.Server", server.pk)
    facts_: dict[str, Any] = {"server": server.name}
    why = sentence(server.paused_reason, {"message": server.last_error}) if fare == "paused" else server.last_error
    tone: Tone = {"fine": "ok", "paused": "bad", "unreachable": "bad"}.get(fare, "warn")  # type: ignore[assignment]
    part.add("server", f"explain_server_{fare}", tone, at=server.seen_at, row=row, why=why or "–", **facts_)
    if fare in ("paused", "unreachable"):
        part.advise(f"todo_server_{fare}", page=row, server=server.name)
    if server.libraries_at is None:
        part.advise("todo_load_libraries", page=row, server=server.name)


def _unit(answer: explaining.Explained, part: Part) -> None:
    titles = ", ".join(library.title for library in answer.told.libraries)
    row = ("servers.Library", answer.told.libraries[0].pk)
    part.add("library", "explain_library", "ok", row=row, library=titles, location=answer.told.location)
    unit = answer.told.unit
    code = "explain_unit_collected" if unit and unit.top_level else "explain_unit"
    part.add("unit", code, "ok", asks=answer.asks, update=unit.update if unit else "")


def _refused(server: Server, best: explaining.Explained, fact: Fact, part: Part) -> None:
    """Say ahead what a server never takes; what goes with a film (subtitles, pictures) is none of its own."""
    name = fact.local.rpartition("/")[2]
    path = best.told.mapped.path or ""
    if kind_of(name) not in ("", "video", "audio"):
        return
    kinds = [library.kind for library in best.told.libraries]
    found = [taken.refusal(server.kind, kind, path, is_dir=fact.is_dir) for kind in kinds]
    if found and all(found):
        part.add("unit", found[0], "warn")
        part.advise("todo_refused", server=server.name, why=sentence(found[0]))


def _nowhere(server: Server, best: explaining.Explained, part: Part) -> None:
    rules = ("scanning.PathMapping", None)
    found = suggesting.for_path(best.path, server) if best.reason in ("no_library", "unmatched", "dropped") else None
    shown: dict[str, Any]
    if found is not None and _switched_off(server, best) is None:
        shown = {"pattern": found.pattern, "replacement": found.replacement}
        part.advise("todo_suggested", page=rules, server=server.name, **shown)
    elif best.reason == "no_library" and (off := _switched_off(server, best)) is not None:
        part.advise("todo_library_off", page=("servers.Library", off.pk), server=server.name, library=off.title)
    elif best.reason == "no_library" and (rule := best.told.mapped.rule) is not None:
        shown = {"rule": f"{rule.pattern} → {rule.replacement}", "path": best.told.mapped.path or ""}
        page = ("scanning.PathMapping", rule.id)
        part.advise("todo_wrong_rule", page=page, server=server.name, **shown)
    elif best.reason == "no_library":
        asked = best.told.mapped.path or best.path
        part.advise("todo_no_library", page=("servers.Server", server.pk), server=server.name, path=asked)
    else:
        part.advise("todo_no_rule", page=rules, server=server.name)


def _switched_off(server: Server, best: explaining.Explained) -> Library | None:
    """Return the library that would have it, if somebody switched it off here."""
    path = best.told.mapped.path
    found = fares.Places(server, left_out=True).libraries_for(path) if path else []
    return found[0] if found else None
