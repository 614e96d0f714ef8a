"""The sentences of this app's codes: guards, titles of jobs, what people did."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from mediasync.jobs.registry import Text

TEXTS: dict[str, Text] = {
    # Guards: DOWN
    "guard_missing": _("The folder is not there"),
    "guard_not_a_directory": _("There is something there, but it is no folder"),
    "guard_unreadable": _("The folder cannot be read: %(error)s"),
    "guard_hangs": _("The mount did not answer within %(seconds)s s"),
    "guard_not_mounted": _("Nothing is mounted on the folder"),
    "guard_mount_gone": _("The mount under the folder is gone (it was %(before)s, now it is %(now)s)"),
    "guard_anchor": _("The anchor “%(anchor)s” is not there"),
    "guard_empty": _("The folder is empty, but %(files)s files are known in it"),
    # Guards: SUSPECT
    "guard_few_entries": _("The folder holds only %(entries)s entries; at least %(wanted)s are expected"),
    "guard_mount_below_gone": _("Below it %(mounts)s was mounted, and is no longer"),
    "guard_removed_share": _("%(removed)s of %(known)s files are missing (%(percent)s %%)"),
    "guard_removed_count": _("%(removed)s files are missing; more than %(limit)s need a person's consent"),
    "guard_listing_errors": _("%(removed)s files are missing while %(errors)s folders could not be listed"),
    "guard_held": _("%(held)s removals are held until a person releases or drops them"),
    "guard_ok": _("%(name)s: all is well again"),
    # Jobs
    "crawl": _("Crawl %(name)s"),
    "crawl_full": _("Full crawl of %(name)s"),
    "crawl_paths": _("Look at %(count)s folders of %(name)s"),
    "release": _("Release %(count)s held removals of %(name)s"),
    "drop": _("Drop %(count)s held removals of %(name)s"),
    "walker_died": _("A process that lists folders died"),
    "root_gone": _("The root does not exist any more"),
    # What people did
    "held_released": _("%(count)s held removals of %(name)s were released"),
    "place_accepted": _("The present file system under %(name)s was taken for the right one"),
    "held_dropped": _("%(count)s held removals of %(name)s were dropped"),
}
