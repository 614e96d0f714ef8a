"""What Google's refusals mean, by their reason.

Source: the error bodies of Drive v3 (``errors[].reason``) and of google.rpc (``status``, ``details[].reason``), which
Drive Activity and newer answers use.
"""

from __future__ import annotations

import datetime as dt
import http.client
import json
from collections.abc import Iterator, Mapping
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from mediasync.core.errors import AccessDenied, Permanent, Transient, Unreachable, WorkError
from mediasync.core.ratelimit import retry_after

from .limits import LONGEST_COOLDOWN, QUOTA_SPENT, THROTTLED
from .secrets import without

THROTTLES = frozenset({"rateLimitExceeded", "userRateLimitExceeded", "sharingRateLimitExceeded", "RATE_LIMIT_EXCEEDED"})
SPENT = frozenset({"dailyLimitExceeded", "dailyLimitExceededUnreg", "quotaExceeded"})
REFUSED = frozenset({"authError", "required", "expired", "domainPolicy"})
SCOPE = frozenset({"insufficientPermissions", "ACCESS_TOKEN_SCOPE_INSUFFICIENT"})
OFF = frozenset({"accessNotConfigured", "SERVICE_DISABLED"})
LONGEST = 200  # characters of Google's own sentence


def translate(error: Exception, secrets: Mapping[str, str], now: dt.datetime) -> WorkError | None:
    """Return ``error`` of Google's client as one of ours, without secrets; None: it is no such error."""
    import httplib2
    from google.auth import exceptions
    from googleapiclient.errors import Error, HttpError

    if isinstance(error, HttpError):
        return _of_answer(error.resp.status, error.content, dict(error.resp), secrets, now)
    if isinstance(error, exceptions.RefreshError):
        return _of_refresh(error, secrets)
    if isinstance(error, exceptions.TransportError | OSError | httplib2.HttpLib2Error | http.client.HTTPException):
        return Unreachable(f"Google does not answer: {type(error).__name__}", code="drive_unreachable")
    # What should have been JSON is none, or Google's client stumbled over what it holds.
    if isinstance(error, ValueError | Error | TypeError | LookupError | AttributeError):
        return Transient("Google's answer cannot be read.", code="drive_unreadable")
    return None


def _of_answer(
    status: int, body: bytes, headers: Mapping[str, str], secrets: Mapping[str, str], now: dt.datetime
) -> WorkError:
    reasons, said, daily = _read(body)
    said = without(said, secrets)[:LONGEST] or f"HTTP {status}"
    reason = next(iter(sorted(reasons)), str(status))
    params: dict[str, Any] = {"status": status, "reason": reason, "said": said}
    if reasons & SPENT or (daily and status in (403, 429)):
        return Transient(said, code=QUOTA_SPENT, retry_after=(next_quota(now) - now).total_seconds(), **params)
    if status == 429 or reasons & THROTTLES:
        return Transient(said, code=THROTTLED, retry_after=_retry_after(headers), **params)
    if status >= 500 or status == 408:
        return Transient(said, code="drive_failed", retry_after=_retry_after(headers), **params)
    if status == 401 or reasons & REFUSED:
        return AccessDenied(said, code="drive_denied", **params)
    if reasons & SCOPE:
        return Permanent(said, code="drive_scope", **params)
    if reasons & OFF:
        return Permanent(said, code="drive_api_off", **params)
    return Permanent(said, code="drive_not_found" if status in (404, 410) else "drive_refused", **params)


def _of_refresh(error: Any, secrets: Mapping[str, str]) -> WorkError:
    """Take only the short name of what the token endpoint said: the rest may quote what was sent."""
    body = error.args[1] if len(error.args) > 1 and isinstance(error.args[1], dict) else {}
    said = body.get("error")
    reason = said[:50] if isinstance(said, str) else ""
    if getattr(error, "retryable", False) or not reason:
        return Transient(f"No access token: {reason}", code="drive_no_token", reason=reason)
    if reason == "invalid_scope" or (reason == "unauthorized_client" and "key" in secrets):
        # A service account that may not act for its user with this scope may do so with another.
        return Permanent(f"No access token: {reason}", code="drive_scope", reason=reason, said=reason)
    return AccessDenied(f"No access token: {reason}", code="drive_denied", reason=reason, said=reason)


def next_quota(now: dt.datetime) -> dt.datetime:
    """Return when Google counts anew: midnight, Pacific time."""
    try:
        zone: dt.tzinfo = ZoneInfo("America/Los_Angeles")
    except ZoneInfoNotFoundError:  # a machine without time zones: winter time is an hour late in summer
        zone = dt.timezone(dt.timedelta(hours=-8))
    tomorrow = now.astimezone(zone).date() + dt.timedelta(days=1)
    return dt.datetime.combine(tomorrow, dt.time(), zone).astimezone(dt.UTC)


def _read(body: bytes) -> tuple[set[str], str, bool]:
    """Return the reasons, the sentence, and whether it is a limit of the day."""
    try:
        error = json.loads(body)["error"]
        message = str(error.get("message", ""))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return set(), "", False
    parts = list(_parts(error))
    daily = any("perday" in str(part.get("metadata", "")).replace(" ", "").lower() for part in parts)
    return {str(part["reason"]) for part in parts if part.get("reason")}, message, daily


def _parts(error: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for name in ("errors", "details"):
        found = error.get(name)
        if isinstance(found, list):
            yield from (part for part in found if isinstance(part, dict))


def _retry_after(headers: Mapping[str, str]) -> float | None:
    seconds = retry_after(headers.get("retry-after", ""))
    return None if seconds is None else min(seconds, LONGEST_COOLDOWN)
