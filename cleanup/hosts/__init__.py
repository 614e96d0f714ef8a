"""Places for pictures that have no web address (rule C4): one file a kind, one line here."""

from __future__ import annotations

from mediasync.core.errors import UsageError

from . import discord, folder, s3
from .base import Kind

KINDS: dict[str, Kind] = {each.KIND.name: each.KIND for each in (folder, s3, discord)}


def kind(name: str) -> Kind:
    """Return the kind called ``name``; UsageError names those that exist."""
    try:
        return KINDS[name]
    except KeyError:
        raise UsageError(f"There is no image host {name!r}; there are: {', '.join(KINDS)}.", code="host_kind") from None
