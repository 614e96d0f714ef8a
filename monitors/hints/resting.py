"""May it be looked at? What a hint names must be visible, and its size at rest; or gone, where a mount may remember it.

Plain functions over time and facts.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from monitors.models import Hint

from .sizes import FILE, FOLDER, NOTHING, UNSURE, Fact

FRESH = 5.0  # seconds; what was written to before that is at rest
REST = 5.0  # seconds between two looks that must show the same size
PAUSES = (2.0, 5.0, 10.0, 20.0, 40.0, 60.0, 60.0, 60.0, 60.0)  # seconds between looks: five minutes in all
MOST_LOOKS = 60  # at something that grows: about an hour


@dataclass(frozen=True, slots=True)
class Waits:
    """Look again at ``due``; ``size`` is what was seen this time, None if nothing was."""

    code: str
    due: dt.datetime
    size: int | None = None


@dataclass(frozen=True, slots=True)
class Ready:
    """It may be crawled: these folders (below the root), and all below those that are ``deep``."""

    hint: Hint
    paths: tuple[str, ...]
    deep: tuple[str, ...] = ()
    code: str = ""  # what was odd
    params: Mapping[str, str] = field(default_factory=dict)


def judge(hint: Hint, fact: Fact, now: dt.datetime) -> Ready | Waits:
    """Say what follows from one look."""
    kind, size, mtime_ns, above = fact
    if hint.gone:
        return _judge_gone(hint, kind, now)
    if kind == FOLDER:
        return whole(hint)
    if kind == FILE:
        return _judge_file(hint, size, mtime_ns, now)
    if hint.looks < len(PAUSES):
        code = "hint_unseen" if kind == NOTHING else "hint_no_answer"
        return Waits(code, now + dt.timedelta(seconds=PAUSES[hint.looks]))
    return Ready(hint, (above,), code="hint_gave_up", params={"folder": above or "/"})


def _judge_gone(hint: Hint, kind: str, now: dt.datetime) -> Ready | Waits:
    if kind == NOTHING:
        return whole(hint)
    if hint.looks < len(PAUSES):
        code = "hint_no_answer" if kind == UNSURE else "hint_still_there"
        return Waits(code, now + dt.timedelta(seconds=PAUSES[hint.looks]))
    return replace(whole(hint), code="hint_not_gone")


def _judge_file(hint: Hint, size: int, mtime_ns: int, now: dt.datetime) -> Ready | Waits:
    if size and now.timestamp() - mtime_ns / 1e9 >= FRESH:
        return Ready(hint, (hint.path,))
    if hint.size is None or hint.size_at is None:
        return Waits("hint_grows", now + dt.timedelta(seconds=REST), size)
    if hint.size == size:
        left = REST - (now - hint.size_at).total_seconds()
        return Ready(hint, (hint.path,)) if left <= 0 else Waits("hint_grows", now + dt.timedelta(seconds=left), size)
    if hint.looks >= MOST_LOOKS:
        return Ready(hint, (hint.path,), code="hint_still_grows")
    pause = max(REST, PAUSES[min(hint.looks, len(PAUSES) - 1)])
    return Waits("hint_grows", now + dt.timedelta(seconds=pause), size)


def unasked(hint: Hint) -> Ready:
    """Return what a hint asks for when nobody need wait for what it names."""
    return Ready(hint, (hint.path,))


def whole(hint: Hint) -> Ready:
    """Return what a hint asks for when all is as it says: its folder, and the folder that it names."""
    if not hint.name or hint.gone:
        return Ready(hint, (hint.path,), (hint.path,) if hint.deep else ())
    inside = f"{hint.path}/{hint.name}" if hint.path else hint.name
    return Ready(hint, (hint.path, inside), (inside,) if hint.deep else ())
