"""Know of web addresses whether a picture is there: asked once a while, remembered in ``SeenUrl``."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Collection, Iterable, Mapping

from .asking import LONGEST, Answer
from .models import SeenUrl

NO_LONGER = dt.timedelta(days=1)  # a picture that was missing may be back by then
AT_ONCE = 400  # addresses of one statement


def known(urls: Iterable[str], now: dt.datetime, days: float) -> dict[str, bool]:
    """Return what is still believed of addresses: True, a picture is there; those not asked lately are left out."""
    wanted = sorted({url for url in urls if len(url) <= LONGEST})
    found: dict[str, bool] = {}
    for start in range(0, len(wanted), AT_ONCE):
        rows = SeenUrl.objects.filter(url__in=wanted[start : start + AT_ONCE])
        for url, ok, checked_at in rows.values_list("url", "ok", "checked_at"):
            believed = dt.timedelta(days=days)
            if now - checked_at <= (believed if ok else min(believed, NO_LONGER)):
                found[url] = ok
    return found


def good(urls: Collection[str], now: dt.datetime, days: float) -> set[str]:
    """Return those of which a fresh answer said that a picture is there."""
    return {url for url, ok in known(urls, now, days).items() if ok}


def remember(answers: Mapping[str, Answer], now: dt.datetime) -> None:
    """Store what was answered, as far as it is a word about the picture."""
    rows = [
        SeenUrl(
            url=url,
            ok=answer.ok,
            status=answer.status,
            content_type=answer.content_type,
            length=answer.length,
            checked_at=now,
        )
        for url, answer in sorted(answers.items())
        if answer.final and len(url) <= LONGEST
    ]
    SeenUrl.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["url"],
        update_fields=["ok", "status", "content_type", "length", "checked_at"],
        batch_size=AT_ONCE,
    )


def is_sample(url: str, share: float) -> bool:
    """Tell whether an address is one of those that are loaded in full: always the same ones."""
    number = int.from_bytes(hashlib.sha256(url.encode("utf-8", "replace")).digest()[:4], "big")
    return number < share * 2**32
