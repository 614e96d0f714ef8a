"""What a rule sees and says. Rules are pure: the same facts give the same drafts, and nothing is touched."""

from __future__ import annotations

from dataclasses import dataclass

from ..choices import Action, Klass, Risk
from ..plexdata.entries import Entry

__all__ = ["Draft", "Entry"]


@dataclass(slots=True)
class Draft:
    """A row of a plan before it is stored: the columns of ``models.PlanRow``, less what all of a run have."""

    klass: Klass
    action: Action
    path: str = ""
    bundle: str = ""
    base: str = "data"
    dev: int = 0
    ino: int = 0
    size: int = 0
    blocks: int = 0
    mtime_ns: int = 0
    nlink: int = 0
    files: int = 0
    mark: str = ""
    item: int | None = None
    section: int | None = None
    title: str = ""
    column: str = ""
    old: str = ""
    new: str = ""
    proof: str = ""
    risk: Risk = Risk.MEDIUM
    reason: str = ""
