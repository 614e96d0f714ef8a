"""The sentences of Google Drive: what it refuses, and how its feeds are."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from mediasync.jobs.registry import Text

TEXTS: dict[str, Text] = {
    "drive_denied": _("Google refuses the credentials: %(said)s"),
    "drive_scope": _("The credentials lack a right (scope) that this needs: %(said)s"),
    "drive_api_off": _("The API is not enabled in the Google project of these credentials: %(said)s"),
    "drive_refused": _("Google refuses the request: %(said)s"),
    "drive_not_found": _("Google finds no such thing: %(said)s"),
    "drive_failed": _("Google has trouble: %(said)s"),
    "drive_no_token": _("Google gives no access token just now: %(reason)s"),
    "drive_unreachable": _("Google does not answer"),
    "drive_unreadable": _("Google's answer cannot be read"),
    "drive_no_folder": _("The folder %(path)s of the root %(root)s is not in this Drive"),
    "drive_no_keeper": _("There is no rclone account “%(account)s” that mounts this Drive"),
    # What is wrong with the fields: it was said in full where it was found
    **dict.fromkeys(
        (
            *("drive_not_installed", "drive_no_credentials", "drive_bad_key", "drive_bad_file", "drive_bad_remote"),
            *("drive_insecure", "drive_address"),
        ),
        "%(error)s",
    ),
    # Gaps
    "drive_first": _("The Drive is followed from now on"),
    "drive_again": _("The place in the Drive's changes was lost: its tree was read again"),
    "drive_root": _("The folder of the root itself was moved, renamed, trashed or restored"),
    "drive_many": _("More changed at once than can be followed one by one"),
}
