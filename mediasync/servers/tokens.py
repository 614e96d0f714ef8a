"""Tokens of other programs: made, shown once, kept as a hash, found again, and what each may do.

A caller shows one as ``Authorization: Bearer TOKEN``, as ``X-Api-Key: TOKEN``, or as the password of Basic auth (any
user name), for programs that can only be given an address.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import hashlib
import secrets
from collections.abc import Iterable, Mapping

from django.db import DatabaseError, transaction
from django.db.models import Q

from mediasync.core import clock
from mediasync.core.errors import UsageError

from .models import ApiToken

Scope = ApiToken.Scope
PREFIX = "ms_"  # lets scanners of leaked secrets, and people, tell what it is
SHOWN = 8  # characters that are kept readable; the other 38 hold 228 bits
LONGEST = 200
NOTED_EVERY = dt.timedelta(minutes=1)


def create(
    name: str, scopes: Iterable[str], *, by: str = "", expires_at: dt.datetime | None = None
) -> tuple[ApiToken, str]:
    """Make a token; return its row and the token itself, which nobody can read again. UsageError for wrong words."""
    wanted = sorted(set(scopes))
    if not name.strip() or not wanted or set(wanted) - set(Scope.values):
        raise UsageError(f"A token has a name and scopes of {', '.join(Scope.values)}.", code="token_scopes")
    if ApiToken.objects.filter(name=name.strip()).exists():
        raise UsageError(f"There is a token called {name.strip()} already.", code="token_exists")
    text = PREFIX + secrets.token_urlsafe(32)
    row = ApiToken(name=name.strip(), scopes=wanted, created_by=by, expires_at=expires_at)
    return _sealed(row, text), text


def renew(row: ApiToken) -> str:
    """Replace a token by a new one of the same name and scopes; the old one is void at once."""
    text = PREFIX + secrets.token_urlsafe(32)
    _sealed(row, text)
    return text


def shown_in(headers: Mapping[str, str]) -> str:
    """Return the token that a request shows in its headers; "" if none."""
    kind, _, value = headers.get("Authorization", "").strip().partition(" ")
    if kind.lower() == "bearer":
        return value.strip()
    if kind.lower() == "basic":
        with_user = _decoded(value.strip())
        return with_user.partition(":")[2]
    return headers.get("X-Api-Key", "").strip()


def find(text: str, *, sender: str = "", now: dt.datetime | None = None) -> ApiToken | None:
    """Return the token that is valid now, and note its use; None for any other text."""
    if not text or len(text) > LONGEST:
        return None
    now = now or clock.system.now()
    row = ApiToken.objects.filter(digest=_digest(text), enabled=True).first()
    if row is None or (row.expires_at is not None and row.expires_at <= now):
        return None
    _note(row, sender, now)
    return row


def allows(row: ApiToken, scope: str) -> bool:
    """Tell whether the bearer may do what ``scope`` names."""
    return scope == Scope.READ or scope in row.scopes or Scope.ADMIN in row.scopes


def _sealed(row: ApiToken, text: str) -> ApiToken:
    row.digest, row.start, row.created_at = _digest(text), text[:SHOWN], clock.system.now()
    row.used_at, row.used_from = None, ""
    row.save()
    return row


def _note(row: ApiToken, sender: str, now: dt.datetime) -> None:
    """Remember the use, at most once a minute; a locked database is no reason to turn the caller away."""
    old = Q(used_at=None) | Q(used_at__lt=now - NOTED_EVERY) | Q(used_at__gt=now)
    if row.used_at is not None and dt.timedelta(0) <= now - row.used_at <= NOTED_EVERY:
        return
    try:
        with transaction.atomic():
            ApiToken.objects.filter(old, pk=row.pk).update(used_at=now, used_from=sender[:100])
    except DatabaseError:
        return


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _decoded(value: str) -> str:
    try:
        return base64.b64decode(value, validate=True).decode()
    except (binascii.Error, ValueError):
        return ""
