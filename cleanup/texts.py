"""Sentences for the codes of the clean-up: reasons, refusals, titles and events."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.translation import gettext_lazy as _

from mediasync.jobs.registry import Text

from .apply_texts import APPLY
from .texts_pages import PAGES
from .texts_plexdata import PLEXDATA

PLAN: Mapping[str, Text] = {
    # titles
    "cleanup_plan": _("Plan a clean-up: %(name)s"),
    "cleanup_child_died": _("A process that plans died; its part is planned again"),
    # what was asked
    "cleanup_no_step": _("There is no step %(steps)s"),
    "cleanup_no_steps": _("No step was named"),
    "cleanup_not_allowed": _("The policy of this folder allows nothing of: %(steps)s"),
    "cleanup_no_run": _("There is no such run of the clean-up"),
    "cleanup_no_folder": _("There is no such data folder"),
    "cleanup_bad_prefix": _("A prefix is one of 0 to f, or all"),
    "cleanup_bad_type": _("There is no such type of bundles"),
    "bad_policy": _("The policy of this folder cannot be read"),
    "cleanup_wrong_state": _("Run %(run)s is not in the state that this needs: %(state)s"),
    "cleanup_wrong_number": _("The plan has %(files)s files, not %(typed)s"),
    # why there is no plan
    "cleanup_index_shrank": _(
        "The database knows %(lost)s %% less than at the last plan (%(items)s items instead of %(items_before)s,"
        " %(parts)s files instead of %(parts_before)s); only %(most)s %% is believed"
    ),
    "cleanup_no_room": _("The copy of Plex's database needs %(needed)s bytes, and %(free)s are free"),
    "cleanup_no_copy": _("The copy of Plex's database is gone: plan again"),
    "cleanup_not_looked": _("The data folder could not be looked at"),
    "cleanup_many_files": _("The plan has %(files)s files; the limit of one run is %(most)s"),
    "cleanup_many_bytes": _("The plan has %(bytes)s bytes; the limit of one run is %(most)s"),
    "cleanup_many_orphans": _(
        "%(orphans)s of %(bundles)s bundles of %(part)s would be orphans: %(found)s %%; the limit is %(most)s %%"
    ),
    "cleanup_many_links": _("%(links)s more links lead from bundles to others than can be remembered"),
    "cleanup_folder_known": _("%(name)s is this data folder already"),
    # what a person should know
    "cleanup_library_missing": _("Folders of libraries are missing, so orphans of theirs stay: %(paths)s"),
    "cleanup_remote_disk": _("The data folder lies on a network or cloud disk (%(kind)s)"),
    "cleanup_other_owner": _("The database belongs to user %(uid)s, and mediasync runs as user %(ours)s"),
    "cleanup_by_policy": _("The policy of this folder does not allow it"),
    "cleanup_no_host": _("No image host is set for this folder"),
    # why something stays, or is only reported
    "kept_young": _("Too young"),
    "kept_unreadable": _("Could not be read as a whole"),
    "kept_newest": _("One of the newest uploads"),
    "kept_theme": _("Theme music"),
    "kept_no_overlay": _("Not drawn on by Kometa"),
    "kept_no_address": _("No web address is known"),
    "kept_embedded": _("Embedded in the music"),
    "kept_unproven": _("No digest proves the address"),
    "kept_plain_http": _("The address is without TLS"),
    "kept_locked": _("A person locked it"),
    "kept_collection": _("Plex needs it for the picture of a collection"),
    "kept_no_other": _("There is no other picture"),
    "broken": _("Never loaded"),
    "broken_selected": _("Never loaded, and selected: refresh the item in Plex"),
    "dangling": _("Leads nowhere"),
}

TEXTS: Mapping[str, Text] = {**PLAN, **APPLY, **PAGES, **PLEXDATA}
