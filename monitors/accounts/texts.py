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
    # Roots that are read through an account
    "account_missing": _("The root has no account to be read through"),
    "guard_account": _("The root cannot be read through its account: %(error)s"),
}
