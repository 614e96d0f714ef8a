"""Take over the configuration of another program: read the file, plan, apply the plan.

::

    file ──reading──▶ Node ──pps | autoscan | autopulse──▶ Plan (plain data) ──apply──▶ rows, by each app's services

A dry run applies the same plan in a transaction that is rolled back. docs/importing.md says what becomes of each key.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from django.utils.translation import gettext as _

from mediasync.core.errors import UsageError

from . import autopulse, autoscan, pps
from .apply import Line, Outcome, Report, apply_plan
from .plan import Plan
from .reading import read
from .tree import Node, Section

__all__ = ["KINDS", "Line", "Outcome", "Plan", "Report", "apply_plan", "plan_of"]

KINDS: dict[str, Callable[[Section, Plan], None]] = {
    "pps": pps.plan,
    "autoscan": autoscan.plan,
    "autopulse": autopulse.plan,
}


def plan_of(path: Path, kind: str = "") -> Plan:
    """Read ``path`` and return what is to be done. UsageError says which line cannot be read, and why."""
    top = read(path)
    kind = kind or guess(top)
    plan = Plan(kind, path)
    section = Section(top)
    KINDS[kind](section, plan)
    for node in section.unread():
        plan.not_taken(node, _("This key is not known."))
    plan.items.sort(key=lambda item: item.order)
    return plan


def guess(top: Node) -> str:
    """Return the program whose configuration this is; UsageError if its keys do not tell."""
    keys = set(top.mapping())
    if keys & {"cd2", "MONITOR_FOLDER", "storage_providers", "media_servers"}:
        return "pps"
    if _typed(top, "triggers") or _typed(top, "targets") or keys & {"app", "opts", "webhooks"}:
        return "autopulse"
    if keys & {"triggers", "targets", "authentication", "minimum-age", "scan-delay"}:
        return "autoscan"
    raise UsageError(
        _("This file does not show whose it is. Say it: --kind pps, autoscan or autopulse."), code="no_kind"
    )


def _typed(top: Node, name: str) -> bool:
    """Tell whether the things under a key say their type, as those of autopulse do."""
    node = top.mapping().get(name)
    return node is not None and any("type" in each.mapping() for each in node.mapping().values())
