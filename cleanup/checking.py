"""What was made sure of before a plan was believed, one line each: what a person looks through before accepting it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _

from mediasync.jobs import registry

from . import policy as policies
from . import selectors, server_facts
from .choices import Klass, RunState
from .models import Run


class Check(NamedTuple):
    """``ok`` is None for what is only good to know."""

    ok: bool | None
    text: str


def checks(run: Run) -> Iterator[Check]:
    """Yield what was looked at for a run, as far as it came."""
    facts = run.facts
    if "root" not in facts:
        return
    policy, sums = policies.of(run.policy), selectors.planned(run)
    if snapshot := facts.get("snapshot"):
        text = _("The database was copied as a whole and its copy is sound: %(size)s, SHA-256 %(digest)s…")
        yield Check(True, text % {"size": filesizeformat(snapshot["size"]), "digest": snapshot["sha256"][:12]})
    if index := facts.get("index"):
        text = _("It knows %(items)s items and %(parts)s files of media.")
        yield Check(run.reason != "cleanup_index_shrank", text % {"parts": 0, "items": 0, **index})
    if "missing" in facts:
        lacking = ", ".join(each["path"] for each in facts["missing"])
        text = (
            _("Folders of libraries are missing: %s") % lacking if lacking else _("All folders of libraries are there.")
        )
        yield Check(not lacking, text)
    if "sums" in facts:
        yield from _limits(policy, sums, run)
    if failed := facts.get("failed"):
        yield Check(False, _("%d folders could not be looked at; what lies in them stays.") % failed)
    if disk := facts.get("disk"):
        text = _("The folder lies on %(kind)s; %(free)s are free.")
        yield Check(not disk["remote"], text % {"kind": disk["kind"], "free": filesizeformat(disk["free"])})
    if backup := facts.get("backup"):
        yield Check(True, _("A backup of the database was made: %s") % backup["path"])
    elif sums.updates and run.state in (RunState.PLANNED, RunState.ACCEPTED):
        yield Check(None, _("A backup of the database is made before the first value is written."))
    if run.state in (RunState.PLANNED, RunState.ACCEPTED) and set(run.totals) - {Klass.CACHE, Klass.BROKEN}:
        yield _plex(run, policy, sums)
    for code, params in facts.get("warnings", ()):
        yield Check(False, registry.text(code, params))
    if policy.delete_at_once:
        yield Check(False, _("Nothing is kept: this policy deletes without quarantine."))


def _plex(run: Run, policy: policies.Policy, sums: selectors.Sums) -> Check:
    """Tell whether Plex would let the run be carried out at this moment; ``apply_gate`` asks the same then."""
    now = server_facts.of(run.folder)()
    if not now["running"]:
        return Check(True, _("Plex does not run."))
    if not (policy.live_writes if sums.updates else policy.live_deletes):
        return Check(False, registry.text("cleanup_plex_runs"))
    if not now.get("asked"):
        return Check(False, registry.text("cleanup_plex_unknown"))
    if now["watched"] and (sums.updates or policy.idle_only):
        return Check(False, registry.text("cleanup_plex_watched"))
    if now["busy"] or (sums.updates and now["butler"]):
        return Check(False, registry.text("cleanup_plex_busy"))
    return Check(True, _("Plex runs, and is idle."))


def _limits(policy: policies.Policy, sums: selectors.Sums, run: Run) -> Iterator[Check]:
    files = {"found": f"{sums.files:,}", "most": f"{policy.most_files:,}"}
    yield Check(sums.files <= policy.most_files, _("%(found)s files; at most %(most)s are allowed.") % files)
    size = {"found": filesizeformat(sums.bytes), "most": filesizeformat(policy.most_bytes)}
    yield Check(sums.bytes <= policy.most_bytes, _("%(found)s; at most %(most)s are allowed.") % size)
    parts = run.facts.get("parts", {})
    for part in ("Metadata", "Media"):
        chosen = [numbers for name, numbers in parts.items() if name.split("/")[0] == part]
        bundles = sum(each.get("bundles", 0) for each in chosen)
        share = sum(each.get("orphans", 0) for each in chosen) / bundles if bundles else 0.0
        if bundles:
            text = _("%(part)s: %(found)s of the bundles would be orphans; at most %(most)s are allowed.")
            shown = {"part": part, "found": f"{share:.0%}", "most": f"{policy.most_share:.0%}"}
            yield Check(share <= policy.most_share, text % shown)
