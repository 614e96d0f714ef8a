"""The secrets of an account: one sealed JSON object, opened only where a connection is made."""

from __future__ import annotations

import json
from collections.abc import Mapping

from mediasync.core import secrets
from mediasync.core.secrets import Unreadable
from mediasync.servers.services import keys
from monitors.models import Account

HIDDEN = "…"


def secrets_of(account: Account) -> dict[str, str]:
    """Return the secrets by field; raises Unreadable if they were sealed with a key that we do not have."""
    if not account.secrets_sealed:
        return {}
    found = json.loads(secrets.unseal(account.secrets_sealed, keys()))
    if not isinstance(found, dict):
        raise Unreadable("The stored secrets are damaged: enter them again.")
    return {str(name): str(value) for name, value in found.items()}


def set_secrets(account: Account, values: Mapping[str, str]) -> None:
    """Store secrets, all of them; empty ones are left out."""
    kept = {name: value for name, value in values.items() if value}
    account.secrets_sealed = secrets.seal(json.dumps(kept), keys()) if kept else ""
    if account.pk:
        Account.objects.filter(pk=account.pk).update(secrets_sealed=account.secrets_sealed)


def without(text: str, values: Mapping[str, str]) -> str:
    """Return a sentence in which no secret stands, whatever another program wrote into it."""
    for value in sorted(filter(None, values.values()), key=len, reverse=True):
        text = text.replace(value, HIDDEN)
    return text
