"""Writing link rules: what a target may be, and what follows when a rule changes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction

from mediasync.core.errors import UsageError
from mediasync.core.paths import for_people, is_within, normalise, to_bytes, to_text
from mediasync.jobs import services as jobs
from mediasync.jobs.choices import ACTIVE
from mediasync.jobs.models import Job
from mediasync.jobs.services import Submitted
from monitors.extensions import KINDS
from monitors.models import Root
from monitors.selectors import lane_of

from .links.names import FIELDS, unknown_fields
from .links.rules import real
from .models import LinkFolder, LinkRule


def save_rule(root: Root, target: str, **options: Any) -> tuple[LinkRule, list[str]]:
    """Make or change the link rule of a root; return it with sentences that a person should read.

    Raises UsageError, which says what to do, for a rule that cannot be.
    """
    rule = LinkRule.objects.filter(root=root).first() or LinkRule(root=root)
    rule.target = target
    for name, value in options.items():
        setattr(rule, name, value)
    return rule, store_rule(rule)


def store_rule(rule: LinkRule) -> list[str]:
    """Check and save a rule that was filled in; its next job looks at every folder again."""
    check_rule(rule)
    before = LinkRule.objects.filter(pk=rule.pk).first() if rule.pk else None
    said = [*_warnings(rule)] if before is None or before.target != rule.target else []
    with transaction.atomic():
        if before is not None and before.target != rule.target and _forget(before):
            said.append(f"The links in {for_people(before.target)} stay as they are; remove them by hand.")
        rule.built_at = None
        rule.save()
    return said


def check_rule(rule: LinkRule) -> None:
    """Normalise the target and raise UsageError if the rule cannot be."""
    rule.target = check_target(rule.root, rule.target)
    _check_useful(rule)
    if unknown := sorted(set(rule.kinds or ()) - set(KINDS)):
        raise UsageError(f"No such kind: {', '.join(unknown)}. There are: {', '.join(KINDS)}.", code="bad_kinds")
    if wrong := unknown_fields(rule.strm_body):
        known = ", ".join(f"{{{name}}}" for name in FIELDS)
        raise UsageError(f"A .strm knows no {{{wrong[0]}}}. There are: {known}.", code="bad_strm_body")


def _check_useful(rule: LinkRule) -> None:
    """Refuse links to what is not on this machine; a ``.strm`` file only says where a server finds it."""
    if rule.root.mounted:
        return
    if rule.mode != LinkRule.Mode.STRM:
        text = (
            f"{rule.root.name} is not mounted on this machine, so a symbolic link would lead nowhere. Make .strm files."
        )
        raise UsageError(text, code="not_mounted")
    if rule.companions != LinkRule.Companions.LEAVE:
        text = (
            f"{rule.root.name} is not mounted on this machine: companions cannot be linked or copied. Leave them out."
        )
        raise UsageError(text, code="not_mounted")


def check_target(root: Root, target: str) -> str:
    """Return the normalised target, or raise UsageError: links must not land where they are looked for."""
    try:
        target = normalise(target.strip())
    except ValueError as error:
        raise UsageError(f"{error}; give the whole path of a folder.", code="bad_target") from None
    if target == "/":
        raise UsageError("Links cannot be made in /; choose a folder of its own.", code="bad_target")
    for other in Root.objects.all() if root.pk else [root, *Root.objects.all()]:
        _check_apart(target, other)
    data = to_text(os.fsencode(Path(settings.DATA_DIR)))
    if _overlap(target, data):
        raise UsageError(f"{data} holds our own data; choose a folder elsewhere.", code="bad_target")
    raw = to_bytes(target)
    if os.path.lexists(raw) and not os.path.isdir(raw):
        raise UsageError(f"{for_people(target)} is not a folder.", code="bad_target")
    return target


def _check_apart(target: str, root: Root) -> None:
    for one, other in ((target, root.path), (real(target), real(root.path))):
        if is_within(one, other):
            text = f"{for_people(target)} lies in the watched folder {for_people(root.path)}; choose one outside of it."
            raise UsageError(text, code="target_in_root", root=root.path)
        if is_within(other, one):
            text = f"{for_people(target)} holds the watched folder {for_people(root.path)}; choose one beside it."
            raise UsageError(text, code="root_in_target", root=root.path)


def _overlap(one: str, other: str) -> bool:
    return any(is_within(a, b) or is_within(b, a) for a, b in ((one, other), (real(one), real(other))))


def _warnings(rule: LinkRule) -> Iterator[str]:
    """Yield what is allowed, but should be known."""
    try:
        with os.scandir(to_bytes(rule.target)) as entries:
            if next(entries, None) is not None:
                yield f"{for_people(rule.target)} is not empty; what is there stays, unless it is a right link."
    except FileNotFoundError:
        yield f"{for_people(rule.target)} is not there yet; it will be made."
    except OSError as error:
        yield f"{for_people(rule.target)} cannot be read: {error.strerror}."


def _forget(rule: LinkRule) -> bool:
    """Forget the links in a target that is left for another; they stay on the disk."""
    return bool(LinkFolder.objects.filter(rule=rule).delete()[0])


def unfinished(root: Root) -> list[Job]:
    """Return the jobs that hold a root: they run elsewhere, or were killed and wait for somebody to go on."""
    return list(Job.objects.filter(lanes__key=lane_of(root.pk), state__in=ACTIVE).order_by("pk"))


def repair(root: Root, *, sweep: bool = False, actor: str = "") -> Submitted:
    """Ask for every folder of a root's links to be looked at; ``sweep`` also removes what has lost its source."""
    scope: dict[str, Any] = {"root": root.pk, "full": True}
    return jobs.submit("link", scope if sweep else scope | {"keep": True}, actor=actor)
