"""The sentences of accounts: what their limits say, and what the other side answered."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from mediasync.jobs.registry import Text

TEXTS: dict[str, Text] = {
    # Limits
    "account_off": _("The account %(account)s is switched off"),
    "account_paused": _("The account %(account)s was refused: look at its credentials"),
    "account_rests": _("The account %(account)s rests after errors"),
    "account_budget": _("The account %(account)s has used up its requests of today"),
    "account_busy": _("Others ask the account %(account)s already"),
    "account_stopped": _("Nothing more was asked of the account %(account)s"),
    "account_gone": _("The account %(account)s does not exist any more"),
    "throttled": _("Too many requests: the cloud asks for a rest"),
    "quota_spent": _("The cloud's quota of today is used up"),
    # CloudDrive2
    "clouddrive_unreachable": _("CloudDrive2 does not answer: %(said)s"),
    "clouddrive_login": _("CloudDrive2 refused user or password: %(said)s"),
    "clouddrive_refused": _("CloudDrive2 refused the token: %(said)s"),
    "clouddrive_denied": _("The token has no right to this: %(said)s"),
    "clouddrive_not_found": _("CloudDrive2 does not know this path: %(said)s"),
    "clouddrive_failed": _("CloudDrive2 failed: %(said)s"),
    "clouddrive_login_again": _("The login at CloudDrive2 has run out; logging in again"),
    "clouddrive_extra": _("CloudDrive2 needs a package that is not installed: run “make setup EXTRAS=clouddrive”"),
    "feed_connected": _("Connected anew: what was said meanwhile was not heard"),
    "guard_cloud_unmounted": _("CloudDrive2 says that %(mount)s is not mounted: %(reason)s"),
    "guard_cloud_no_mount": _("CloudDrive2 no longer has the mount %(mount)s, nor another that shows this folder"),
    # Roots that are read through an account
    "account_missing": _("The root has no account to be read through"),
    "guard_account": _("The root cannot be read through its account: %(error)s"),
}
