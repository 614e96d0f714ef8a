"""Secrets in the database: sealed with a key that is not in it.

Fernet (AES-128-CBC with HMAC-SHA-256), the key drawn from a settings value by HKDF. Several values may be given: the
first seals, each opens, so a key is changed by putting the new one in front.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from .errors import AccessDenied, UsageError

if TYPE_CHECKING:
    from cryptography.fernet import MultiFernet

PURPOSE = b"mediasync: secrets in the database, 1"


class Unreadable(AccessDenied):
    """A sealed secret cannot be opened with any key we have: it must be entered again."""

    default_code = "secret_unreadable"


def seal(secret: str, keys: Sequence[str]) -> str:
    """Return ``secret`` sealed with the first of ``keys`` ("" stays "")."""
    return _box(tuple(keys)).encrypt(secret.encode()).decode() if secret else ""


def unseal(sealed: str, keys: Sequence[str]) -> str:
    """Return what was sealed with any of ``keys``; Unreadable if it was none of them or was changed."""
    if not sealed:
        return ""
    from cryptography.fernet import InvalidToken

    try:
        return _box(tuple(keys)).decrypt(sealed.encode()).decode()
    except (InvalidToken, ValueError):
        raise Unreadable("The stored secret cannot be read with the present key: enter it again.") from None


@lru_cache(maxsize=8)
def _box(keys: tuple[str, ...]) -> MultiFernet:
    # Imported here: it costs 50 ms at the start of every command, and few need it.
    from cryptography.fernet import Fernet, MultiFernet
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    usable = [key for key in keys if key]
    if not usable:
        raise UsageError("No key is set: give SECRET_KEY or FIELD_KEY.", code="no_key")

    def derive(key: str) -> bytes:
        return base64.urlsafe_b64encode(HKDF(SHA256(), 32, None, PURPOSE).derive(key.encode()))

    return MultiFernet([Fernet(derive(key)) for key in dict.fromkeys(usable)])
