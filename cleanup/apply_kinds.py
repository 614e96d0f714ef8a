"""The kinds of jobs that change a data folder, each with its steps in their order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from mediasync.jobs.registry import JobKind

from . import purge_stages, reapply_stages, restore_stages, scopes, services
from .apply_after import After
from .apply_art import Probation
from .apply_ready import Ready
from .apply_rehost import Rehost
from .apply_stages import Folders, PutAway
from .apply_values import Values
from .apply_verify import Verify
from .choices import Action

TREES = 50  # bundles of one item: all that lies in them is looked at


def check_folder(scope: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``{"folder": id}``, given its id, name or path; UsageError for anything else."""
    return {"folder": scopes.folder_of(str(scope.get("folder", ""))).pk}


APPLY = JobKind(
    name=services.APPLY,
    label=_("Carry out a plan of the clean-up"),
    stages=(
        Ready(),
        Rehost(),
        Verify(),
        Values(),
        Probation(),
        PutAway("files", _("Put files away"), Action.FILE),
        PutAway("trees", _("Put bundles away"), Action.TREE, TREES),
        Folders(),
        After(),
        purge_stages.Check(),
        purge_stages.Delete(),
        purge_stages.End(),
    ),
    lanes=scopes.lane,
    title=scopes.title("cleanup_apply"),
    check_scope=scopes.check_run,
    permission="cleanup.change_run",
)
RESTORE = JobKind(
    name=services.RESTORE,
    label=_("Put back what a clean-up put away"),
    stages=(
        restore_stages.Begin(),
        restore_stages.Folders(),
        restore_stages.Files(),
        restore_stages.Values(),
        restore_stages.End(),
    ),
    lanes=scopes.lane,
    title=scopes.title("cleanup_restore"),
    check_scope=restore_stages.check_scope,
    permission="cleanup.change_run",
)
PURGE = JobKind(
    name=services.PURGE,
    label=_("Delete for good what a clean-up put away"),
    stages=(purge_stages.Check(), purge_stages.Delete(), purge_stages.End()),
    lanes=scopes.lane,
    title=scopes.title("cleanup_purge"),
    check_scope=scopes.check_run,
    permission="cleanup.delete_run",
)
REAPPLY = JobKind(
    name=services.REAPPLY,
    label=_("Write web addresses again that Plex has replaced"),
    stages=(reapply_stages.Find(),),
    lanes=scopes.lane,
    title=scopes.title("cleanup_reapply"),
    check_scope=check_folder,
    permission="cleanup.add_run",
)
KINDS = (APPLY, RESTORE, PURGE, REAPPLY)
