"""The client of Subsonic and OpenSubsonic servers (Navidrome, gonic, Supysonic …), for playlists and for files.

It finds out how to log in: with an API key (OpenSubsonic) if no user is named, else with a salted token (1.13), and
where the server knows no tokens (1.12 answers error 10, some answer 41) with the password in hexadecimal.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from typing import Any

from mediasync.core.addresses import check_base_url
from mediasync.core.errors import AccessDenied, Permanent, UsageError

from .errors import ParseError, RateLimited, Unavailable
from .sources.base import Reach

VERSION = "1.13.0"
OLD_VERSION = "1.12.0"
NO_TOKENS = frozenset({10, 41})  # "a parameter is missing" (p=), "tokens are not supported"
DENIED = frozenset({40, 42, 43, 44, 50})
_old: set[tuple[str, str]] = set()  # (address, user) of servers that know no tokens

Pairs = list[tuple[str, str | bytes]]


class Subsonic:
    """``reach.settings`` has ``address`` and ``user`` ("" = the secret is an API key)."""

    def __init__(self, reach: Reach) -> None:
        self.http = reach.http
        self.address = check_base_url(str(reach.settings.get("address") or ""))
        self.user = str(reach.settings.get("user") or "").strip()
        self._secret = reach.secret
        if not self._secret:
            raise UsageError("The password or the API key is missing.", code="no_secret")

    def call(self, method: str, **params: Any) -> Mapping[str, Any]:
        """Return the answer of a method; a list stands for a parameter that is repeated.

        Raises AccessDenied, Unavailable (70: there is no such thing), Permanent, ParseError and what ``Http`` raises.
        """
        knew = self._knows_no_tokens  # before asking: another thread may find it out while we wait for the answer
        answer = self._ask(method, params)
        if _code(answer) in NO_TOKENS and self.user and not knew:
            _old.add((self.address, self.user))
            answer = self._ask(method, params)
        if answer.get("status") == "ok":
            return answer
        raise _error(answer)

    def url(self, method: str) -> str:
        """Return the address of a method."""
        return f"{self.address}/rest/{method}.view"

    def params(self, **params: Any) -> Pairs:
        """Return what goes with a question, the login among it: never to be shown."""
        found: Pairs = [("c", "mediasync"), ("f", "json")]
        if not self.user:
            found += [("v", VERSION), ("apiKey", self._secret)]
        elif self._knows_no_tokens:
            found += [("v", OLD_VERSION), ("u", self.user), ("p", f"enc:{self._secret.encode().hex()}")]
        else:
            salt = secrets.token_hex(8)
            token = hashlib.md5(f"{self._secret}{salt}".encode(), usedforsecurity=False).hexdigest()
            found += [("v", VERSION), ("u", self.user), ("t", token), ("s", salt)]
        for name, value in params.items():
            found += [(name, str(each)) for each in (value if isinstance(value, list | tuple) else [value])]
        return found

    @property
    def _knows_no_tokens(self) -> bool:
        return (self.address, self.user) in _old

    def _ask(self, method: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
        found = self.http.json(self.url(method), self.params(**params))
        answer = found.get("subsonic-response") if isinstance(found, dict) else None
        if not isinstance(answer, dict):
            raise ParseError("This is no Subsonic server.", str(found)[:200])
        return answer


def _code(answer: Mapping[str, Any]) -> int | None:
    error = answer.get("error")
    return error.get("code") if isinstance(error, dict) else None


def _error(answer: Mapping[str, Any]) -> Exception:
    code = _code(answer)
    error = answer.get("error")
    said = str(error.get("message", ""))[:200] if isinstance(error, dict) else ""
    facts: dict[str, Any] = {"error": code, "answer": said}
    if code in DENIED:
        return AccessDenied(f"The Subsonic server refuses the login ({code}).", code="source_denied", **facts)
    if code == 70:
        return Unavailable("The Subsonic server does not have it.", **facts)
    if code == 429:
        return RateLimited("The Subsonic server asks us to wait.", **facts)
    return Permanent(f"The Subsonic server answered error {code}.", code="source_refused", **facts)


def listed(value: Any) -> list[Mapping[str, Any]]:
    """Return the objects of a field: old servers send a single one without a list."""
    found = value if isinstance(value, list) else [value]
    return [each for each in found if isinstance(each, dict)]
