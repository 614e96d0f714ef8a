"""Sentences for codes that only pages and commands show."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.translation import gettext_lazy as _

from mediasync.jobs.registry import Text

PAGES: Mapping[str, Text] = {
    "cleanup_housekeeping": _("Plex’s own job: %(what)s (%(name)s)"),
    "cleanup_hours": _("Scheduled runs of this folder work only between the hours of its policy"),
    "cleanup_no_housekeeping": _("Plex has no job %(what)s"),
    "cleanup_no_server": _("This data folder is linked to no server"),
    "cleanup_no_item": _("Say which item of Plex is meant, by its number"),
    "cleanup_no_picture": _("There is no picture to show"),
    "cleanup_quarantine_kept": _("A quarantine of %(name)s still holds files: restore them, or delete them for good"),
    "cleanup_say_yes": _("Nobody can be asked here: say --yes"),
    # what stays because it is not Plex's, or cannot be looked at
    "foreign_name": _("Foreign name"),
    "foreign_link": _("A link where a folder should be"),
    "foreign_kind": _("Neither a file nor a folder nor a link"),
    "foreign_mount": _("Another file system"),
    "foreign_deep": _("Too many folders in each other"),
    "foreign_unreadable": _("Could not be read"),
    # how it is known that Plex runs
    "plex_sign_identity": _("it answers"),
    "plex_sign_process": _("its process is there"),
    "plex_sign_open": _("its database is open"),
    "plex_sign_remote": _("on a network disk nobody can tell"),
    "plex_sign_unknown": _("it cannot be told"),
}
