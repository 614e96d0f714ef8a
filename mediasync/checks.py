"""System checks: what would be unsafe together refuses to start, and says what to do instead.

The facts behind the numbers are in docs/engine.md; each check is a function over the settings, so tests override them.
"""

from __future__ import annotations

import math
import os
import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any

from django.apps.config import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register

from mediasync.core import filesystems

SHORTEST_KEY = 32


@register()
def secrets_are_set(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Refuse to run without a secret of this installation's own."""
    if len(settings.SECRET_KEY) < SHORTEST_KEY or settings.SECRET_KEY.startswith("django-insecure"):
        return [
            Error(
                "SECRET_KEY is missing, short or a well-known one.",
                hint="Remove it from the environment and a .env with a fresh key is made, or set one of 50 characters.",
                id="mediasync.E001",
            )
        ]
    return []


@register()
def sqlite_is_safe(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Refuse SQLite without WAL, IMMEDIATE and a busy timeout: it fails with "database is locked" under two workers."""
    database = settings.DATABASES["default"]
    if not database["ENGINE"].endswith("sqlite3"):
        return []
    options = database.get("OPTIONS", {})
    found: list[CheckMessage] = []
    if options.get("transaction_mode") != "IMMEDIATE":
        found.append(Error("SQLite needs transaction_mode IMMEDIATE.", hint=_RESTORE, id="mediasync.E002"))
    if "journal_mode=wal" not in options.get("init_command", "").replace(" ", "").lower():
        found.append(Error("SQLite needs journal_mode=WAL.", hint=_RESTORE, id="mediasync.E003"))
    if options.get("timeout", 0) < 5:
        found.append(Error("SQLite needs a busy timeout of 5 s or more.", hint=_RESTORE, id="mediasync.E004"))
    if sqlite3.sqlite_version_info < (3, 35):
        found.append(Error(f"SQLite {sqlite3.sqlite_version} is too old.", hint="3.35 or newer.", id="mediasync.E005"))
    return found


_RESTORE = "Leave DATABASES['default']['OPTIONS'] as settings.py has it."


@register()
def data_folder_is_local(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Refuse a data folder on a network or FUSE file system: SQLite's locks do not hold there."""
    kind = filesystems.kind_of(os.path.realpath(settings.DATA_DIR))
    if not filesystems.is_remote(kind):
        return []
    return [
        Error(
            f"The data folder {settings.DATA_DIR} lies on {kind}, where a database is not safe.",
            hint="Set MEDIASYNC_DATA to a folder on a local disk.",
            id="mediasync.E006",
        )
    ]


@register()
def engine_times_fit(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Refuse a lease that a healthy worker could lose."""
    found: list[CheckMessage] = []
    if settings.LEASE_SECONDS < 3 * settings.HEARTBEAT_SECONDS:
        found.append(
            Error(
                f"LEASE_SECONDS ({settings.LEASE_SECONDS:g}) must be at least 3 × HEARTBEAT_SECONDS "
                f"({settings.HEARTBEAT_SECONDS:g}).",
                hint="60 and 2 are good values.",
                id="mediasync.E010",
            )
        )
    busy = settings.DATABASES["default"].get("OPTIONS", {}).get("timeout", 0)
    if busy >= settings.LEASE_SECONDS:
        found.append(
            Error(
                f"LEASE_SECONDS ({settings.LEASE_SECONDS:g}) must be above the database's busy timeout ({busy} s).",
                hint="60 is a good value.",
                id="mediasync.E011",
            )
        )
    return found


@register()
def courier_fits(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Refuse settings of django-q2 under which a message is delivered twice or never."""
    hint = "Leave Q_CLUSTER as settings.py has it."
    return [Error(text, hint=hint, id=f"mediasync.E02{number}") for number, text in _courier()]


def _courier() -> Iterator[tuple[int, str]]:
    q = settings.Q_CLUSTER
    if q.get("orm") != "default":
        yield 0, "Q_CLUSTER['orm'] must be 'default': the message and the job change in one transaction."
    if not q.get("queue_limit") or q["queue_limit"] < 1:
        yield 1, "Q_CLUSTER['queue_limit'] must be 1 or more."
    rounds = 1 + math.ceil((q.get("queue_limit", 1) + q.get("bulk", 1)) / max(1, q["workers"]))
    if q["retry"] < rounds * (q["timeout"] + 5):
        yield 2, f"Q_CLUSTER['retry'] must be {rounds * (q['timeout'] + 5)} or more, or messages repeat."
    if q.get("guard_cycle", 0.5) >= 3:
        yield 3, "Q_CLUSTER['guard_cycle'] must be below 3 s."
    if "locmem" in settings.CACHES["default"]["BACKEND"] or "dummy" in settings.CACHES["default"]["BACKEND"]:
        yield 4, "CACHES['default'] must be shared by web and worker (a file, Redis or database cache)."
    if q["timeout"] <= settings.SLICE_SECONDS:
        yield 5, "Q_CLUSTER['timeout'] must be longer than SLICE_SECONDS."


@register()
def hosts_are_meant(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Warn when DEBUG is on while others can reach us."""
    if settings.DEBUG and not settings.LISTEN.startswith(("127.", "localhost", "[::1]")):
        return [
            Warning(
                f"DEBUG is on and LISTEN is {settings.LISTEN}: errors show secrets to everybody who can reach it.",
                hint="Set DEBUG=false.",
                id="mediasync.W001",
            )
        ]
    return []
