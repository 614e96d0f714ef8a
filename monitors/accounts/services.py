"""Changing accounts: options and secrets, tries, facts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mediasync.core.clock import Clock, system
from mediasync.core.errors import MediasyncError, Snooze
from mediasync.core.secrets import Unreadable
from monitors.models import Account

from . import KINDS, limits
from .secrets import secrets_of, set_secrets

COLUMNS = ("name", "kind", "enabled", "options", "secrets_sealed", "per_second", "per_day")


def known_secrets(account: Account) -> dict[str, str]:
    """Return the secrets that are stored; none where they cannot be read any more and must be entered again."""
    try:
        return secrets_of(account)
    except Unreadable:
        return {}


def checked(kind: str, values: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Return what the kind makes of options and secrets, apart; UsageError says what is wrong."""
    fields = {field.name: field for field in KINDS[kind].fields}
    given = {name: values.get(name, field.default) for name, field in fields.items()}
    cleaned = KINDS[kind].check(given)
    options = {name: cleaned.get(name, given[name]) for name, field in fields.items() if not field.secret}
    hidden = {name: str(cleaned.get(name) or "") for name, field in fields.items() if field.secret}
    return options, hidden


def save(account: Account, hidden: Mapping[str, str] | None = None) -> Account:
    """Store what people set; other secrets (None: as they are) end a pause for the old ones.

    Columns that the limits write meanwhile are left alone.
    """
    new = hidden is not None and {name: value for name, value in hidden.items() if value} != known_secrets(account)
    if hidden is not None:
        set_secrets(account, hidden)
    account.save(update_fields=COLUMNS if account.pk else None)
    if new:
        limits.again(account)
    return account


def examine(account: Account, clock: Clock = system) -> Mapping[str, Any]:
    """Ask the other side what it is, and store it; raises what is wrong, after the limits heard of it."""
    if account.paused:
        limits.again(account)  # a person asks
    try:
        facts = dict(KINDS[account.kind].probe(account))
    except Snooze:
        raise
    except MediasyncError as error:
        limits.failed(account, error, clock)
        raise
    limits.succeeded(account, clock, surely=True)
    Account.objects.filter(pk=account.pk).update(facts=facts)
    account.facts = facts
    return facts
