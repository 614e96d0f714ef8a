"""autoscan's own Google Drive trigger, as accounts and roots that hear of changes from the drive.

A rewrite of Bernard says where a folder of a drive lies on this machine: that is what a root with an account needs.
"""

from __future__ import annotations

from django.utils.translation import gettext as _

from . import common
from .plan import AddAccount, AddRoot, Plan
from .tree import Node, Section


def plan(triggers: Section, plan: Plan) -> None:
    """Plan an account for each drive, and a root for each folder of it that lies here."""
    for node in triggers.items("bernard"):
        trigger = triggers.below(node)
        for name in ("cron", "database", "priority", "verbosity"):  # the feed keeps its own time and place
            trigger.get(name)
        try:
            key = common.filled(trigger.get("account"))
        except common.Unusable as error:
            plan.not_taken(node, str(error))
            continue
        for each in trigger.items("drives"):
            drive = trigger.below(each)
            rules = [*drive.items("rewrite"), *trigger.items("rewrite")]
            _drive(plan, each, drive.string("id"), key, rules)


def _drive(plan: Plan, node: Node, drive: str, key: str, rewrites: list[Node]) -> None:
    name = f"Google Drive {drive}"[:100]
    options = {"service_account_file": key, "drive": drive}
    plan.add(AddAccount, node, name=name, kind="gdrive", options=options, secrets={})
    found = common.rewrites(plan, rewrites)
    for at, rule in found:
        if rule.regex:
            plan.not_taken(at, _("It says no folder. Add the folder of the drive's mount as a root with this account."))
            continue
        remote = "" if rule.pattern == "/" else rule.pattern
        values = {"feed": "drive_changes", "remote_path": remote}
        plan.add(AddRoot, at, path=rule.replacement, options=values, account=name)
    if not found:
        plan.not_taken(node, _("No rewrite says where it is mounted. Add that folder as a root with this account."))
