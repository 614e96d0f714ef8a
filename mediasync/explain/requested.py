"""What a server was asked for a path, what it answered, and whether that is proved."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import Q

from mediasync.core import foreign
from mediasync.servers.models import Server
from monitors.models import Change
from scanning import explaining, selectors, taken
from scanning.facts import Fact
from scanning.models import ScanRequest

from . import working
from .parts import Part, Tone, sentence

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
ELSEWHERE = ("joined", "library_found", "replayed")  # answers of dropped rows: another row stands for them
ADVICE = {
    State.WAITING: "todo_waiting",
    State.SENDING: "todo_sending",
    State.NOT_FOUND: "todo_not_found",
    State.FAILED: "todo_failed",
    State.NO_LIBRARY: "todo_homeless",
}


def of(
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


def newest(rows: Sequence[ScanRequest]) -> ScanRequest | None:
    """Return the newest request (rows come newest first) that stands for itself."""
    return next((row for row in rows if row.state != State.DROPPED or row.answer not in ELSEWHERE), None)


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


def show(row: ScanRequest, part: Part) -> None:
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
        shown_itself = row.is_dir or row.library is None or taken.takes(row.library.kind, row.path)
        code = f"explain_{row.state}" if shown_itself or row.state != State.VERIFIED else "explain_verified_above"
        part.add("verified", code, "ok", at=row.verified_at, row=place)
    elif row.state == State.NOT_FOUND or row.checks:
        why = sentence(row.reason) or "–"
        tone: Tone = "bad" if row.state == State.NOT_FOUND else "busy" if row.verify_at else "warn"
        part.add("verified", "explain_unproved", tone, at=row.verify_at, row=place, why=why, checks=row.checks)


def what_now(server: Server, row: ScanRequest, part: Part) -> None:
    """Advise about the newest request; a server that is away is reason enough for what waits."""
    page = ("scanning.ScanRequest", row.pk)
    code, why = ADVICE.get(State(row.state), ""), row.answer
    if row.state in (State.WAITING, State.SENDING):
        if part.todo or working.rests(selectors.lane_of(server.pk), server.name, part):
            return
    elif row.state == State.SENT:
        code = "todo_proving" if row.verify_at else "todo_sent"
    elif row.state == State.NOT_FOUND:
        code, why = "todo_still_there" if row.reason == "still_there" else code, row.reason
    elif row.state == State.DROPPED:
        code = "todo_dropped"
    if code:
        part.advise(code, page=page, server=server.name, why=sentence(why) or why or "–")
