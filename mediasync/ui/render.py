"""Small pieces of HTML that lists and pages share: badge, bar, age, path. No inline style, so a strict CSP holds."""

from __future__ import annotations

import datetime as dt
from typing import Literal

from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from django.utils.timesince import timesince
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from mediasync.core.paths import for_people

from .buttons import Text

Tone = Literal["ok", "bad", "warn", "busy", "rest", "idle"]
ICONS: dict[Tone, str] = {"ok": "✓", "bad": "✕", "warn": "!", "busy": "▶", "rest": "❚❚", "idle": "○"}


def badge(label: Text, tone: Tone) -> SafeString:
    """Return a state as icon and word; colour is never the only sign."""
    return format_html(
        '<span class="ms-badge ms-{}"><span aria-hidden="true">{}</span> {}</span>', tone, ICONS[tone], label
    )


def bar(done: int, total: int, *, failed: int = 0, skipped: int = 0, final: bool = True) -> SafeString:
    """Return progress as a bar with its numbers; without percent while ``total`` still grows."""
    ended = done + failed + skipped
    if not final or not total:
        text = ngettext("%d done", "%d done", ended) % ended if ended or not final else "–"
        return format_html('<span class="ms-progress"><span class="ms-numbers">{}{}</span></span>', text, _bad(failed))
    share = min(100, 100 * ended // total)
    good, bad = 100 * (done + skipped) / total, 100 * failed / total
    spoken = _("%(share)d %%: %(ended)d of %(total)d, %(failed)d failed") % {
        "share": share,
        "ended": ended,
        "total": total,
        "failed": failed,
    }
    return format_html(
        '<span class="ms-progress"><svg class="ms-bar" role="img" aria-label="{}" viewBox="0 0 100 8"'
        ' preserveAspectRatio="none"><rect class="ms-bar-good" width="{}" height="8"/>'
        '<rect class="ms-bar-bad" x="{}" width="{}" height="8"/></svg>'
        '<span class="ms-numbers">{} % · {}/{}{}</span></span>',
        spoken,
        f"{good:.2f}",
        f"{good:.2f}",
        f"{bad:.2f}",
        share,
        ended,
        total,
        _bad(failed),
    )


def _bad(failed: int) -> SafeString:
    return format_html(' · <b class="ms-failed">{} ✕</b>', failed) if failed else SafeString("")


def age(moment: dt.datetime | None, now: dt.datetime | None = None) -> SafeString:
    """Return how long ago (or how far ahead) a moment is, with the exact time as its title."""
    if moment is None:
        return SafeString("–")
    now = now or timezone.now()
    if abs((now - moment).total_seconds()) < 60:
        words = _("just now") if moment <= now else _("in a moment")
    elif moment <= now:
        words = _("%s ago") % timesince(moment, now, depth=1)
    else:
        words = _("in %s") % timesince(now, moment, depth=1)
    local = timezone.localtime(moment)
    return format_html(
        '<time datetime="{}" title="{}">{}</time>', moment.isoformat(), date_format(local, "DATETIME_FORMAT"), words
    )


def duration(seconds: float | None) -> str:
    """Return seconds as "1:02:03" or "4.2 s"."""
    if seconds is None:
        return "–"
    if seconds < 60:
        return _("%s s") % (f"{seconds:.1f}" if seconds < 10 else round(seconds))
    whole = int(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02}"


def path(text: str) -> SafeString:
    """Return stored text as a path for people: isolated for mixed directions, foreign bytes visible."""
    return format_html('<bdi class="ms-path">{}</bdi>', for_people(text))


def explain_address(text: str, source: str = "") -> str:
    """Return the address of the page that explains a path (stored text; as ``source`` names it, if one is given)."""
    return f"{reverse('explain')}?{urlencode({'path': text, **({'source': source} if source else {})})}"


def explain_link(text: str, source: str = "") -> SafeString:
    """Return a link to the page that explains a path."""
    return format_html('<a href="{}">{}</a>', explain_address(text, source), _("Explain"))
