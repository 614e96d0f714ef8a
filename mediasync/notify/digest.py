"""Write one message of many notices: "12 new episodes of Show" rather than twelve lines.

A notice of new media has ``title`` and, where known, ``show``, ``season``, ``episode``, ``library`` and ``server``.
A notice of anything else fills the sentence of its event: ``code`` and ``facts`` become its ``reason``, ``title_code``
and ``title_params`` its ``title``, and ``over`` says that it is well again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.conf import settings
from django.utils.translation import gettext, ngettext, override

from mediasync.core.paths import for_people
from mediasync.jobs import registry

from .events import EVENTS, NEW_MEDIA
from .models import Notice

SUBJECT, BODY, LINES = 150, 3500, 40  # characters; lines of one event. Telegram takes 4096
TONES = ("failure", "warning", "info", "success")  # the worst first
Block = tuple[str, list[str], int]  # heading, lines below it, how many things it tells of


def compose(notices: Sequence[Notice]) -> tuple[str, str, str]:
    """Return subject, text and tone of the message that tells of these, in the language of the installation."""
    with override(settings.LANGUAGE_CODE):
        by_event: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for notice in notices:
            by_event[notice.event].append(notice.params)
        blocks = [block for event in EVENTS if event in by_event for block in _blocks(event, by_event[event])]
        return _subject(blocks), _body(blocks), _tone(notices)


def _subject(blocks: Sequence[Block]) -> str:
    first = blocks[0][0].splitlines()[0] if blocks else gettext("News")
    if more := sum(number for _heading, _lines, number in blocks[1:]):
        first = ngettext("%(first)s, and %(n)d more", "%(first)s, and %(n)d more", more) % {"first": first, "n": more}
    return _short(first, SUBJECT)


def _body(blocks: Sequence[Block]) -> str:
    texts = []
    for heading, lines, _number in blocks:
        shown = lines[:LINES]
        if len(lines) > LINES:
            shown.append(gettext("… and %d more") % (len(lines) - LINES))
        texts.append("\n".join([heading, *(f"  {line}" for line in shown)]))
    return _short("\n\n".join(texts), BODY)


def _tone(notices: Iterable[Notice]) -> str:
    known = [notice for notice in notices if notice.event in EVENTS]  # a newer version may have had others
    tones = {"success" if notice.params.get("over") else EVENTS[notice.event].tone for notice in known}
    return next((tone for tone in TONES if tone in tones), "info")


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _blocks(event: str, rows: Sequence[Mapping[str, Any]]) -> list[Block]:
    if event == NEW_MEDIA:
        return _media(rows)
    lines: dict[str, int] = defaultdict(int)
    for row in rows:
        lines[sentence(event, row)] += 1
    told = [f"{line} (×{count})" if count > 1 else line for line, count in lines.items()]
    if len(told) == 1:
        return [(told[0], [], 1)]
    if all(row.get("over") for row in rows):
        return [(told[0], told[1:], len(told))]
    return [(str(EVENTS[event].many) % {"n": len(told)}, told, len(told))]


def sentence(event: str, params: Mapping[str, Any]) -> str:
    """Return what one notice says."""
    known, facts = EVENTS[event], {key: _clean(value) for key, value in params.items()}
    if "code" in params:
        facts["reason"] = _clean(registry.text(str(params["code"]), _mapping(params.get("facts"))))
    if "title_code" in params:
        facts["title"] = _clean(registry.text(str(params["title_code"]), _mapping(params.get("title_params"))))
    template = str(known.over if params.get("over") and known.over else known.text)
    return (template % defaultdict(str, facts)).strip()


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _clean(value: Any) -> Any:
    """Return text without control characters and foreign bytes, but with its lines."""
    return "\n".join(map(for_people, value.splitlines())) if isinstance(value, str) else value


def _media(rows: Sequence[Mapping[str, Any]]) -> list[Block]:
    """Group episodes by show, and name each title once, however many servers have it."""
    shows: dict[str, dict[tuple[Any, Any, str], set[str]]] = defaultdict(lambda: defaultdict(set))
    others: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        server, title, show = (_clean(str(row.get(name) or "")) for name in ("server", "title", "show"))
        if show:
            shows[show][_number(row.get("season")), _number(row.get("episode")), title].add(server)
        else:
            others[title].add(server)
    blocks = [_show(show, episodes) for show, episodes in shows.items()]
    lines = [title + _on(servers) for title, servers in others.items()]
    if len(lines) == 1:
        blocks.append((str(EVENTS[NEW_MEDIA].text) % {"title": lines[0]}, [], 1))
    elif lines:
        blocks.append((str(EVENTS[NEW_MEDIA].many) % {"n": len(lines)}, lines, len(lines)))
    return blocks


def _show(show: str, episodes: Mapping[tuple[Any, Any, str], set[str]]) -> Block:
    ordered = sorted(episodes.items(), key=lambda each: [(number is None, number or 0) for number in each[0][:2]])
    lines = [" ".join(filter(None, [_name(*key[:2]), key[2]])) + _on(servers) for key, servers in ordered]
    if len(lines) == 1:
        return gettext("New episode of %(show)s: %(episode)s") % {"show": show, "episode": lines[0]}, [], 1
    number = len(lines)
    heading = ngettext("%(n)d new episode of %(show)s", "%(n)d new episodes of %(show)s", number)
    return heading % {"n": number, "show": show}, lines, number


def _name(season: int | None, episode: int | None) -> str:
    if season is None and episode is None:
        return ""
    return ("" if season is None else f"S{season:02}") + ("" if episode is None else f"E{episode:02}")


def _number(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _on(servers: set[str]) -> str:
    names = ", ".join(sorted(filter(None, servers)))
    return f" ({names})" if names else ""
