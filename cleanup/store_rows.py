"""Drafts as plain values in the order of the columns, ready for a statement or for a pipe. Knows no database."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from .choices import PHASES, Action, Klass, Risk
from .rules.base import Draft

TITLE = 200
FACTS = ("phase", *Draft._fields)
# What tells something in a row about a name on the disk; the other facts have their defaults there.
OF_NAMES = (
    *("phase", "klass", "action", "path", "bundle", "base", "dev", "ino", "size", "blocks", "mtime_ns", "nlink"),
    *("risk", "reason"),
)
NAMED = frozenset({Action.FILE, Action.FOLDER, Action.REPORT})
LSTAT = Draft._fields.index("files")  # where what lstat said ends
TITLED, RISKY = Draft._fields.index("title"), Draft._fields.index("risk")
_phases = {str(action): phase for action, phase in PHASES.items()}
_plain = {str(word): str(word) for words in (Klass, Action, Risk) for word in words}  # not of classes of their own


class Packed(NamedTuple):
    """The values of many rows one after the other: ``of_names`` has those of ``OF_NAMES``, ``others`` of ``FACTS``."""

    others: list[Any]
    of_names: list[Any]

    @property
    def rows(self) -> int:
        return len(self.others) // len(FACTS) + len(self.of_names) // len(OF_NAMES)


def pack(drafts: Iterable[Draft]) -> Packed:
    """Return the values of drafts, those of each action in their order."""
    others: list[Any] = []
    of_names: list[Any] = []
    for draft in drafts:
        action = draft[1]
        begin = (_phases[action], _plain[draft[0]], _plain[action])
        if action in NAMED:
            of_names += (*begin, *draft[2:LSTAT], _plain[draft.risk], draft.reason)
        else:
            others += (*begin, *draft[2:TITLED], _fitting(draft.title), *draft[TITLED + 1 : RISKY])
            others += (_plain[draft.risk], draft.reason)
    return Packed(others, of_names)


def _fitting(title: str) -> str:
    """Return a title that fits into its column; only titles are longer than what we make ourselves."""
    if len(title) <= TITLE and "\0" not in title:
        return title
    return title.replace("\0", " ")[:TITLE]
