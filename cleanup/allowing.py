"""What a policy lets a plan do, as a person should read it before asking for one: classes with their risk, limits."""

from __future__ import annotations

from typing import NamedTuple

from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _

from .choices import Klass, Risk
from .policy import Policy

RISKS: dict[Klass, Risk] = {  # the worst that the rules give a row of the class
    Klass.UNUSED: Risk.MEDIUM,
    Klass.SELECTED: Risk.MEDIUM,  # art: high
    Klass.ANALYSIS: Risk.MEDIUM,
    Klass.REHOST: Risk.HIGH,
    Klass.ORPHAN: Risk.MEDIUM,
    Klass.CHILD: Risk.MEDIUM,
    Klass.UPLOAD: Risk.HIGH,
    Klass.BROKEN: Risk.LOW,  # only reported
    Klass.TIDY: Risk.LOW,
    Klass.CACHE: Risk.LOW,
}


class Allowed(NamedTuple):
    """One class of what may go."""

    label: str
    risk: Risk
    allowed: bool


def risk(klass: Klass, policy: Policy) -> Risk:
    """Return the worst risk that a row of this class has under a policy."""
    return Risk.HIGH if klass == Klass.SELECTED and "art" in policy.columns else RISKS[klass]


def classes(policy: Policy) -> list[Allowed]:
    """Return all classes that a policy can allow, and whether it does."""
    return [
        Allowed(str(klass.label), risk(klass, policy), klass in policy.classes)
        for klass in Klass
        if klass != Klass.BROKEN
    ]


def window(policy: Policy) -> str:
    """Return when a run may work, in a sentence."""
    start, end = int(policy.hours_from) % 24, int(policy.hours_to) % 24
    between = _("from %(start)02d:00 until %(end)02d:00") % {"start": start, "end": end}
    hours = _("at any time") if start == end else between
    return _("Scheduled runs: %s.") % hours + (" " + _("Only when nobody watches.") if policy.idle_only else "")


def limits(policy: Policy) -> str:
    """Return what one run may take at most, in a sentence."""
    return _("%(files)s files, %(size)s, %(share)s of all bundles as orphans.") % {
        "files": f"{policy.most_files:,}",
        "size": filesizeformat(policy.most_bytes),
        "share": f"{policy.most_share:.0%}",
    }
