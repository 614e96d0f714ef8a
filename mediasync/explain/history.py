"""What was said, found and linked: hints, changes and links of a path below a root."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from django.conf import settings
from django.db.models import Q

from mediasync.core.paths import join
from monitors import reasons
from monitors.models import Change, Hint, Root
from monitors.selectors import lane_of
from scanning.links.names import kind_of, split_disc
from scanning.models import Link, LinkRule

from . import working
from .parts import Part, Tone, sentence
from .rooted import Seen, chain

SHOWN, READ = 5, 50  # rows of a kind on the page; of those below a folder that are looked through
HINTS: dict[str, Tone] = {"waiting": "busy", "taken": "ok", "passed": "ok", "dropped": "warn"}
CHANGES: dict[str, Tone] = {"seen": "busy", "held": "bad", "new": "busy", "linked": "busy", "told": "ok"}
ADVICE = {"seen": "todo_second_look", "held": "todo_held", "new": "todo_job", "linked": "todo_job"}


def hints(root: Root | None, below: str, part: Part, *, known: bool = False) -> None:
    """Add the newest hints that look at a path (below a root; absolute without one).

    Of what is ``known`` already, a hint only tells that something newer is on its way.
    """
    folder, _slash, name = below.rpartition("/")
    if root is None:
        folder = folder or "/"
    here = Q(path=below, name="") | Q(path=folder, name__in=("", name))
    rows = Hint.objects.filter(here, root=root).order_by("-id")[:SHOWN]
    for row in reversed(rows):
        why = sentence(row.code, row.params)
        state = Hint.State(row.state).label
        facts = {"source": row.source, "state": str(state), "why": why, "hits": row.hits}
        part.add("hint", "explain_hint", HINTS[row.state], at=row.last_at, row=("monitors.Hint", row.pk), **facts)
        kind, _space, number = row.reference.partition(" ")
        if kind == "payload" and number.isdecimal():
            payload = ("monitors.Payload", int(number))
            part.add("hint", "explain_payload", at=row.first_at, row=payload, number=number, source=row.source)
    if rows and rows[0].state == Hint.State.WAITING:
        part.advise("todo_hint", page=("monitors.Hint", rows[0].pk), late=known)


def changes(root: Root, below: str, seen: Seen, part: Part) -> list[Change]:
    """Add the newest changes of a path, of a folder that holds it, and of what a folder holds; return them."""
    found = _changes(root, below, seen.is_dir)
    for row in reversed(found):
        what = f"{row.old_path} → {row.path}" if row.old_path else row.path or "/"
        facts: dict[str, Any] = {
            "kind": str(Change.Kind(row.kind).label),
            "what": what,
            "state": str(Change.State(row.state).label),
        }
        why = reasons.why(row)
        at, tone = row.told_at or row.settled_at or row.seen_at, CHANGES.get(row.state, "idle")
        part.add("change", "explain_seen", at=row.seen_at, row=("monitors.Change", row.pk), **facts)
        part.add("change", "explain_change", tone, at=at, row=("monitors.Change", row.pk), why=why, **facts)
    if found:
        _what_now(root, found[0], part)
    elif seen.known:
        days = settings.KEEP_JOBS_DAYS
        part.add("change", "explain_no_change", "idle", at=root.baseline_at, days=days)
    return found


def _what_now(root: Root, newest: Change, part: Part) -> None:
    code = ADVICE.get(newest.state)
    if code is None:
        return
    if code == "todo_held" or not working.rests(lane_of(root.pk), root.name, part):
        part.advise(code, page=("monitors.Change", newest.pk), root=root.name)
    part.todo[-1] = replace(part.todo[-1], stops=True)


def _changes(root: Root, below: str, is_dir: bool) -> list[Change]:
    holders = [path for path in chain(below) if path]
    wanted = Q(path=below) | Q(old_path=below)
    wanted |= Q(is_dir=True, path__in=holders) | Q(is_dir=True, old_path__in=holders)
    if is_dir and below:
        wanted |= Q(path__startswith=f"{below}/")  # SQLite ignores case in it
    rows = Change.objects.filter(wanted, root=root).exclude(path="", old_path="").order_by("-id")
    rows = rows.select_related("root")[:READ]
    exact = {below, *holders}
    return [row for row in rows if {row.path, row.old_path} & exact or (is_dir and row.path.startswith(f"{below}/"))][
        :SHOWN
    ]


def links(root: Root, below: str, seen: Seen, part: Part) -> list[str]:
    """Add what the link rule of a root makes of a path; return the absolute paths of its links that are in place."""
    rule = LinkRule.objects.filter(root=root).first()
    if rule is None:
        return []
    row = ("scanning.LinkRule", rule.pk)
    if not rule.enabled:
        part.add("link", "explain_links_off", "idle", row=row)
        return []
    rows = _links(rule, below, seen.is_dir)
    for link in rows[:SHOWN]:
        tone: Tone = "ok" if link.state == Link.State.OK else "warn"
        facts: dict[str, Any] = {"path": join(rule.target, link.path), "state": str(Link.State(link.state).label)}
        part.add("link", "explain_link", tone, at=link.changed_at, row=("scanning.Link", link.pk), **facts)
    if seen.there and rows and not any(link.state == Link.State.OK for link in rows):
        conflict = rows[0].state == Link.State.CONFLICT
        part.advise("todo_link_conflict" if conflict else "todo_link", page=row, root=root.name, path=facts["path"])
    if not rows:
        code, why = _why_none(rule, below, seen)
        part.add("link", code, "warn" if code == "explain_link_missing" else "idle", row=row, **why)
        if code == "explain_link_missing" and seen.known:
            part.advise("todo_link", page=row, root=root.name)
    return [join(rule.target, link.path) for link in rows if link.state == Link.State.OK and not seen.is_dir]


def _links(rule: LinkRule, below: str, is_dir: bool) -> list[Link]:
    rows = Link.objects.filter(folder__rule=rule).select_related("folder").order_by("-changed_at", "-id")
    if is_dir:
        inside = rows.filter(Q(folder__path=below) | Q(folder__path__startswith=f"{below}/" if below else ""))
        return [link for link in inside[:READ] if f"{link.path}/".startswith(f"{below}/" if below else "")]
    folder, _slash, name = below.rpartition("/")
    return list(rows.filter(folder__path=folder, source=name)[:SHOWN])


def _why_none(rule: LinkRule, below: str, seen: Seen) -> tuple[str, dict[str, Any]]:
    """Return why a path has no link: the rule, not the disk, answers."""
    name = below.rpartition("/")[2]
    kinds: Sequence[str] = rule.kinds or ["video"]
    kind = kind_of(name)
    if seen.is_dir:
        return "explain_no_links_below", {}
    if (split_disc(below.rpartition("/")[0]) or ("", ""))[1]:
        return "explain_disc", {"discs": str(LinkRule.Discs(rule.discs).label)}
    if kind in kinds and kind == "video" and seen.size < rule.minimum_size:
        return "explain_too_small", {"size": seen.size, "least": rule.minimum_size}
    if kind not in kinds and (not kind or rule.companions == LinkRule.Companions.LEAVE):
        return "explain_not_linked", {"kind": kind or "–", "kinds": ", ".join(kinds)}
    return "explain_link_missing", {}


def source_of_link(local: str) -> tuple[LinkRule, str, Link | None] | None:
    """Return the rule in whose target a path lies, the path below it, and our link there."""
    for rule in LinkRule.objects.select_related("root"):
        if local == rule.target or local.startswith(rule.target.rstrip("/") + "/"):
            below = local[len(rule.target.rstrip("/")) :].lstrip("/")
            folder, _slash, name = below.rpartition("/")
            link = Link.objects.filter(folder__rule=rule, folder__path=folder, name=name).select_related("folder")
            return rule, below, link.first()
    return None
