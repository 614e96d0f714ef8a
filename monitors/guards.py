"""Is a root to be believed?

``OK``: yes. ``SUSPECT``: what appears is believed, what is missing is held until a person looks. ``DOWN``: the root
cannot be used, nothing is crawled. A listing that raised proves nothing, and neither does an empty mount point.

What lies on this machine is judged by the disk, what does not (``Root.mounted`` False) through its lister
(``looking_through``). What serves a mount (``AccountKind.mount_state``) may make a verdict worse, never better.
"""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from django.db import transaction
from django.dispatch import Signal

from mediasync.core.clock import Clock, system
from mediasync.core.errors import Permanent
from mediasync.core.paths import for_people, to_bytes
from mediasync.jobs.choices import Level
from mediasync.jobs.models import Event

from . import probe
from .filesystems import locate, mounts_below
from .models import Change, Root

PROBE_SECONDS = 20.0  # how long a network or FUSE mount may take to list the root folder
SMALL = 20  # so many removals in one crawl are never judged by their share
ABOUT_REMOVALS = ("guard_removed_share", "guard_removed_count", "guard_listing_errors", "guard_held")

recovered = Signal()
"""Sent with ``root`` when a root can be used again (OK, or no longer DOWN); mediasync/wiring.py says what follows."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a look showed. ``code`` has a sentence in texts.py; ``place``, ``mounts`` and ``shown_at`` are kept for the
    next one."""

    state: str = Root.Guard.OK
    code: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)
    place: str = ""
    mounts: Sequence[str] = ()  # below the root
    shown_at: str = ""

    @property
    def ok(self) -> bool:
        return self.state == Root.Guard.OK

    @property
    def down(self) -> bool:
        return self.state == Root.Guard.DOWN


def down(code: str, **params: Any) -> Verdict:
    """Return "cannot be used"."""
    return Verdict(Root.Guard.DOWN, code, params)


def suspect(code: str, **params: Any) -> Verdict:
    """Return "looks wrong"."""
    return Verdict(Root.Guard.SUSPECT, code, params)


Look = Callable[[bytes, bytes, int], dict[str, Any] | None]


def check(root: Root, *, look: Look | None = None) -> Verdict:
    """Look at a root before it is crawled; never hangs (``look`` None: a child process if it is not local).

    Raises Snooze if it can only be read through an account that may not be asked just now.
    """
    from .looking_through import at_mount, at_root

    verdict = on_disk(root, look) if root.mounted else at_root(root)
    said = None if verdict.down else at_mount(root)
    if said is None:
        return verdict
    return said if said.down or (verdict.ok and not said.ok) else replace(verdict, shown_at=said.shown_at)


def on_disk(root: Root, look: Look | None = None) -> Verdict:
    """Judge a root by the disk alone: nobody is asked over the network. Never hangs, as ``check``."""
    path = to_bytes(root.path)
    place, is_mount_point = locate(path)
    before = _Before.of(root.device)
    if root.must_be_mount and not is_mount_point:
        return down("guard_not_mounted")
    if before.depth > place.depth or (before.remote and not place.is_remote):
        return down("guard_mount_gone", before=before.type, now=place.type)
    if look is None:
        look = look_in_child if place.is_remote else probe.look
    verdict = judge(root, look(path, to_bytes(root.anchor), max(root.minimum_entries, 1)))
    if not verdict.ok:
        return verdict
    verdict = replace(verdict, place=f"{place.type}@{place.depth}{'!' if place.is_remote else ''}")
    return _with_mounts(root, verdict, path if place.is_remote else os.path.realpath(path))


def _with_mounts(root: Root, verdict: Verdict, path: bytes) -> Verdict:
    """Return a verdict that was OK with what is mounted below the root; SUSPECT if something is no longer."""
    now = mounts_below(path)
    if gone := sorted(set(root.mounts) - set(now)):
        return suspect("guard_mount_below_gone", mounts=", ".join(map(for_people, gone)))
    return replace(verdict, mounts=now)


def judge(root: Root, seen: dict[str, Any] | None) -> Verdict:
    """Return what follows from what a look at the root folder has shown (``probe.look``)."""
    if seen is None:
        return down("guard_hangs", seconds=PROBE_SECONDS)
    if seen["errno"] == errno.ENOENT:
        return down("guard_missing")
    if seen["errno"] == errno.ENOTDIR:
        return down("guard_not_a_directory")
    if seen["error"]:
        return down("guard_unreadable", error=seen["error"])
    if not seen["anchor"]:
        return down("guard_anchor", anchor=root.anchor)
    entries, wanted = seen["entries"], root.minimum_entries
    if entries < wanted and not entries and root.files:
        return down("guard_empty", files=root.files)
    if entries < wanted and (root.files or wanted > 1):
        return suspect("guard_few_entries", entries=entries, wanted=wanted)
    return Verdict()


def unusable(verdict: Verdict) -> Permanent:
    """Return the error of a root that is DOWN; its code is the guard's, so that the job says why it failed."""
    return Permanent("The root cannot be used.", code=verdict.code, **verdict.params)


def judge_removals(root: Root, *, removed: int, known: int, errors: int) -> Verdict:
    """Say whether so many missing files (of ``known``, with so many listings that failed) may be believed.

    ``max_removed_count`` 0 holds every removal; ``max_removed_ratio`` 1 never holds any for its share.
    """
    if not removed:
        return Verdict()
    if removed > root.max_removed_count:
        return suspect("guard_removed_count", removed=removed, limit=root.max_removed_count)
    share = removed / max(known, removed)
    if removed > SMALL and share > root.max_removed_ratio:
        return suspect("guard_removed_share", removed=removed, known=known, percent=round(100 * share))
    if removed > SMALL and errors:
        return suspect("guard_listing_errors", removed=removed, errors=errors)
    return Verdict()


def record(root: Root, verdict: Verdict, clock: Clock = system) -> bool:
    """Store a verdict on the root (in memory too) and tell of a change; True if the state or its reason changed.

    "OK" from ``check`` says nothing about missing files: while removals are held, the root stays SUSPECT.
    """
    while True:
        seen = _unless_held(root, verdict) if verdict.ok else verdict
        before = root.guard, root.guard_code
        fields: dict[str, Any] = {"guard_checked": clock.now()}
        if seen.place:
            fields |= {"device": seen.place, "mounts": list(seen.mounts)}
        if seen.shown_at:
            fields["shown_at"] = seen.shown_at
        if before != (seen.state, seen.code):
            fields |= {"guard": seen.state, "guard_code": seen.code, "guard_params": dict(seen.params)}
            fields["guard_since"] = fields["guard_checked"]
        with transaction.atomic():
            if Root.objects.filter(pk=root.pk, guard=before[0], guard_code=before[1]).update(**fields):
                for name, value in fields.items():
                    setattr(root, name, value)
                if "guard" in fields:
                    _tell(root, before[0], seen, clock)
                return "guard" in fields
        root.refresh_from_db(fields=["guard", "guard_code"])  # somebody was faster: look at what they found


def _unless_held(root: Root, verdict: Verdict) -> Verdict:
    held = Change.objects.filter(root_id=root.pk, state=Change.State.HELD).count()
    if not held:
        return verdict
    code = root.guard_code if root.guard_code in ABOUT_REMOVALS else "guard_held"
    return replace(verdict, state=Root.Guard.SUSPECT, code=code, params={"held": held})


def _tell(root: Root, before: str, verdict: Verdict, clock: Clock) -> None:
    level = {Root.Guard.OK: Level.INFO, Root.Guard.SUSPECT: Level.WARNING}.get(Root.Guard(verdict.state), Level.ERROR)
    params = {"root": root.pk, "name": root.name, "path": root.path, **verdict.params}
    Event.objects.create(at=clock.now(), level=level, code=verdict.code or "guard_ok", params=params)
    if verdict.ok or (before == Root.Guard.DOWN and not verdict.down):
        recovered.send(sender=Root, root=root)


def look_in_child(path: bytes, anchor: bytes, wanted: int) -> dict[str, Any] | None:
    """Look from a child process, which may hang for ever in our stead; None if it did not answer in time."""
    _reap()
    command = [sys.executable, "-I", "-S", probe.__file__, os.fsdecode(path), os.fsdecode(anchor), str(wanted)]
    nothing, pipe = subprocess.DEVNULL, subprocess.PIPE  # if it hangs, who reads our stderr must not wait for it
    child = subprocess.Popen(command, stdin=nothing, stdout=pipe, stderr=nothing, start_new_session=True)
    try:
        answer, _nothing = child.communicate(timeout=PROBE_SECONDS)
    except subprocess.TimeoutExpired:
        give_up(child)
        return None
    if child.returncode:
        return {"error": f"probe ended with {child.returncode}", "errno": errno.EIO, "entries": 0, "anchor": True}
    seen: dict[str, Any] = json.loads(answer)
    return seen


_stuck: list[subprocess.Popen[bytes]] = []


def give_up(child: subprocess.Popen[bytes]) -> None:
    """Leave a child behind that hangs: it dies when its mount answers, and waiting for that could take for ever."""
    _reap()
    child.kill()
    _stuck.append(child)


def _reap() -> None:
    for child in [each for each in _stuck if each.poll() is not None]:
        for pipe in (child.stdin, child.stdout):
            if pipe:
                pipe.close()
        _stuck.remove(child)


@dataclass(frozen=True, slots=True)
class _Before:
    """What ``Root.device`` remembers: "fuse.rclone@2!" is a remote mount two folders deep."""

    type: str = ""
    depth: int = 0
    remote: bool = False

    @classmethod
    def of(cls, device: str) -> _Before:
        kind, _at, depth = device.rstrip("!").rpartition("@")
        return cls(kind, int(depth), device.endswith("!")) if depth.isdigit() else cls()
