"""Why a removal is held, for people.

The figures stand at the guard of the root, as long as it is held for the same reason; later only the reason is known.
"""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from mediasync.jobs import registry
from mediasync.jobs.registry import Text

from .models import Change

WITHOUT_FIGURES: dict[str, Text] = {
    "guard_few_entries": _("The folder of the root held too few entries"),
    "guard_mount_below_gone": _("What was mounted below the root was no longer"),
    "guard_removed_share": _("Too large a share of the files was missing at once"),
    "guard_removed_count": _("Too many files were missing at once"),
    "guard_listing_errors": _("Many files were missing while some folders could not be listed"),
    "guard_held": _("Other removals were held already"),
}


def why(change: Change) -> str:
    """Return why a change is held; "" for one that is not."""
    if not change.reason:
        return ""
    facts = change.root.guard_params if change.root.guard_code == change.reason else {}
    text = registry.text(change.reason, facts)
    if "%(" not in text:
        return text
    return str(WITHOUT_FIGURES.get(change.reason, _("The root was in doubt when it was missed")))
