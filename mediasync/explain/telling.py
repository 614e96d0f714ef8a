"""From the local path to each server: rule by rule, library, unit, requests and their answers, proof."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import Q
from django.utils import timezone

from mediasync.core import foreign
from mediasync.servers import selectors as fares
from mediasync.servers.models import Server
from monitors.glance import Glance
from monitors.models import Change
from scanning import explaining, facts, suggesting
from scanning.facts import Fact
from scanning.models import ScanRequest

from .parts import Part, ServerPart, Tone, sentence

State = ScanRequest.State
SHOWN, READ = 5, 50
TONES: dict[str, Tone] = {
    State.WAITING: "busy",
    State.SENDING: "busy",
    State.SENT: "ok",
    State.VERIFIED: "ok",
    State.GONE: "ok",
    State.NOT_FOUND: "bad",
    State.FAILED: "bad",
    State.NO_LIBRARY: "warn",
    State.DROPPED: "idle",
}
DONE = (State.VERIFIED, State.GONE)
TODO = {
    State.WAITING: "todo_waiting",
    State.SENDING: "todo_sending",
    State.NOT_FOUND: "todo_not_found",
    State.FAILED: "todo_failed",
    State.NO_LIBRARY: "todo_no_library",
}


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
    else:
        part.add("library", best.reason, "bad")
    rows = _requests(server, answers, group, changes)
    for request in reversed(rows):
        _request(request, part)
    newest = rows[0] if rows else None
    state = str(newest.state) if newest else ""
    if not best.asks:
        _nowhere(server, best, part)
    elif newest is None and not pending:
        part.add("request", "explain_no_request", "warn")
        part.advise("todo_never_told", path=group[0].local, server=server.name)
    elif newest is not None:
        _what_now(server, newest, part)
    return ServerPart(server.name, server.kind, server.pk, part, best.asks, state)


def _state(server: Server, part: Part) -> None:
    fare, row = fares.fare(server, timezone.now()), ("servers.Server", server.pk)
    facts_: dict[str, Any] = {"server": server.name}
    why = sentence(server.paused_reason, {"status": "401/403"}) if fare == "paused" else server.last_error
    tone: Tone = {"fine": "ok", "paused": "bad", "unreachable": "bad"}.get(fare, "warn")  # type: ignore[assignment]
    part.add("server", f"explain_server_{fare}", tone, at=server.seen_at, row=row, why=why, **facts_)
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


def _requests(
    server: Server, answers: Sequence[explaining.Explained], group: Sequence[Fact], changes: Sequence[Change]
) -> list[ScanRequest]:
    """Return the newest requests that a path stands behind: of its unit, of what it holds, of what holds it.

    What holds it counts from the newest change on: before, the request was about something else.
    """
    own, above = _paths(answers)
    since = changes[0].seen_at if changes else None
    local = {fact.local for fact in group}
    ids = {change.pk for change in changes}
    wanted = Q(path__in=own) | Q(local_path__in=local) | Q(change_id__in=ids)
    if since is not None:
        wanted |= Q(path__in=above, last_at__gte=since)
    for top in {fact.local for fact in group if fact.is_dir}:
        wanted |= Q(local_path__startswith=f"{top}/")
    rows = ScanRequest.objects.filter(wanted, server=server).select_related("library").order_by("-id")[:READ]
    return [row for row in rows if since is None or row.last_at >= since or row.change_id in ids][:SHOWN]


def _paths(answers: Sequence[explaining.Explained]) -> tuple[set[str], set[str]]:
    own, above = set(), set()
    for answer in answers:
        if answer.told.mapped.path is None:
            continue
        own |= {answer.told.mapped.path, answer.asks, answer.told.unit.path if answer.told.unit else ""} - {""}
        here, top = foreign.split(answer.told.mapped.path), foreign.split(answer.told.location or "/")
        for length in range(len(top.names), len(here.names)) if answer.told.location else ():
            above.add(str(foreign.Split(here.root, here.names[:length])))
    return own, above


def _request(row: ScanRequest, part: Part) -> None:
    place = ("scanning.ScanRequest", row.pk)
    waits = row.state == State.WAITING
    at = max(row.due_at, row.next_try_at or row.due_at) if waits else row.sent_at or row.last_at
    said = sentence(row.answer)
    shown: dict[str, Any] = {
        "asks": row.sent_path or row.path,
        "update": str(ScanRequest.Update(row.update).label),
        "state": str(State(row.state).label),
        "answer": " ".join(filter(None, (str(row.answer_status or ""), said))),
    }
    part.add("request", "explain_asked", at=row.first_at, row=place, source=row.source or "–", hits=row.hits, **shown)
    part.add("request", "explain_request", TONES[row.state], at=at, row=place, **shown)
    if row.state in DONE:
        part.add("verified", f"explain_{row.state}", "ok", at=row.verified_at, row=place)
    elif row.state == State.NOT_FOUND or row.checks:
        why = sentence(row.reason) or "–"
        tone: Tone = "bad" if row.state == State.NOT_FOUND else "busy"
        part.add("verified", "explain_unproved", tone, at=row.verify_at, row=place, why=why, checks=row.checks)


def _what_now(server: Server, row: ScanRequest, part: Part) -> None:
    page = ("scanning.ScanRequest", row.pk)
    code = TODO.get(State(row.state), "")
    if row.state == State.SENT:
        code = "todo_proving" if row.verify_at else "todo_sent"
    if code and not (row.state == State.WAITING and part.todo):  # a server that is away is the reason
        why = row.reason if row.state == State.NOT_FOUND else row.answer
        part.advise(code, page=page, server=server.name, why=sentence(why) or "–")


def _nowhere(server: Server, best: explaining.Explained, part: Part) -> None:
    rules = ("scanning.PathMapping", None)
    found = suggesting.for_path(best.path, server) if best.reason in ("no_library", "unmatched", "dropped") else None
    shown: dict[str, Any]
    if found is not None:
        shown = {"pattern": found.pattern, "replacement": found.replacement}
        part.advise("todo_suggested", page=rules, server=server.name, **shown)
    elif best.reason == "no_library" and (rule := best.told.mapped.rule) is not None:
        shown = {"rule": f"{rule.pattern} → {rule.replacement}", "path": best.told.mapped.path or ""}
        page = ("scanning.PathMapping", rule.id)
        part.advise("todo_wrong_rule", page=page, server=server.name, **shown)
    elif best.reason == "no_library":
        asked = best.told.mapped.path or best.path
        part.advise("todo_no_library", page=("servers.Server", server.pk), server=server.name, path=asked)
    else:
        part.advise("todo_no_rule", page=rules, server=server.name)
