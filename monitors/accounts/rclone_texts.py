"""The sentences of rclone's codes."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from mediasync.jobs.registry import Text

TEXTS: dict[str, Text] = {
    "rclone_denied": _(
        "rclone refuses: check the user and the password, and that it runs with --rc-user and --rc-pass"
    ),
    "rclone_rubbish": _("The answer is not one of rclone: is this the right address?"),
    "rclone_missing": _("rclone does not find it: %(error)s"),
    "rclone_refused": _("rclone cannot do this: %(error)s"),
    "rclone_failed": _("rclone could not do this now: %(error)s"),
    "rclone_not_mounted": _("rclone says that it has nothing mounted here"),
    "rclone_which_mount": _("It is not known which folder of rclone's mount this is: give the account its mount point"),
    "rclone_no_point": _("No mount of rclone is known under its roots: give the account its mount point"),
    "not_freshened": _("The mount's cache could not be refreshed, so it may show folders as they were: %(error)s"),
    "rclone_lost": _("The mount at %(point)s is gone"),
    "rclone_stale": _("The mount at %(point)s is dead: rclone has ended and left it behind"),
    "rclone_hangs": _("The mount at %(point)s does not answer"),
    "rclone_mounted": _("%(account)s: %(point)s was mounted again"),
    "rclone_back": _("%(account)s: the mount at %(point)s is there again"),
    "rclone_mount_failed": _("%(account)s: %(point)s could not be mounted: %(error)s"),
    "rclone_command_failed": _("The command ended with %(status)s: %(error)s"),
    "rclone_command_slow": _("The command did not end within %(seconds)s s: %(error)s"),
    "rclone_no_command": _("The command could not be started: %(error)s"),
    "rclone_still_lost": _("Nothing is mounted at %(point)s, although rclone said it would be: %(error)s"),
}
