"""CloudDrive2's webhook: ``data[]`` with what was created, deleted, renamed or moved.

Its body is a text template: booleans are words, and a quote or a backslash in a name may stand there as it is, which
breaks the JSON. Such a body is taken apart by its known fields.
"""

from __future__ import annotations

import re
from typing import Any

from .base import Found, Parsed, Received, Rejected, plain, rows

FIELD = re.compile(r'"(action|is_dir|source_file|destination_file)"\s*:\s*"')
DATA = re.compile(r'"data"\s*:\s*\[')
OBJECT = re.compile(r'"\s*\}\s*(?:,\s*(?=\{)|\Z)')  # the end of one, never one within a name
WORDS = {"true": True, "false": False}


def parse(received: Received) -> Parsed:
    """Return what a call says; Rejected for what neither is JSON nor can be repaired."""
    try:
        data = received.data()
    except Rejected as error:
        items = repaired(received.text)
        if not items or error.code != "call_bad_json":
            raise
        return follow(items, repaired=True)
    if not isinstance(data, dict):
        raise Rejected("call_not_an_object")
    if "data" not in data and "event_name" not in data:
        raise Rejected("call_no_event")
    return follow(rows(data.get("data")), fallback=plain(data.get("event_name")))


def follow(items: list[dict[str, Any]], fallback: str = "", **params: Any) -> Parsed:
    """Return what items say, named by their actions."""
    found, actions = Found(), list[str]()
    for item in items:
        action = plain(item.get("action")).lower()
        actions.append(action)
        _one(found, action, item)
    event = ", ".join(dict.fromkeys(filter(None, actions)))[:100] or fallback
    return found.parsed(event, "call_event_unknown" if items else "call_event_without_change", **params)


def _one(found: Found, action: str, item: dict[str, Any]) -> None:
    source, destination = item.get("source_file"), item.get("destination_file")
    is_dir = WORDS.get(str(item.get("is_dir")).lower())
    if action in ("rename", "move") and destination:
        found.rename(source, destination, is_dir=is_dir)
    elif action in ("delete", "rename", "move"):
        found.add(source, "delete", is_dir=is_dir)
    elif action in ("create", "copy", "update", "modify", "change", "write"):
        found.add(destination if action == "copy" and destination else source, is_dir=is_dir)


def repaired(text: str) -> list[dict[str, Any]]:
    """Return the items of a body whose names were not escaped; nothing if it is broken in another way, or cut off.

    Linear in its length: nothing is matched lazily over the whole body.
    """
    begin = DATA.search(text)
    body = text.rstrip()
    if begin is None or not body.endswith("}") or not (body := body[:-1].rstrip()).endswith("]"):
        return []
    items: list[dict[str, Any]] = []
    for part in OBJECT.split(body[begin.end() : -1].strip()):
        if part.strip():
            item = _fields(part)
            if "action" not in item or "source_file" not in item:
                return []
            items.append(item)
    return items


def _fields(part: str) -> dict[str, Any]:
    """Return the values between the known names, without their last quote."""
    marks = list(FIELD.finditer(part))
    ends = [mark.start() for mark in marks[1:]]
    item = {mark[1]: _value(part[mark.end() : end]) for mark, end in zip(marks, ends, strict=False)}
    return item | ({marks[-1][1]: part[marks[-1].end() :]} if marks else {})  # the split took its quote


def _value(text: str) -> str:
    return text.rstrip().removesuffix(",").rstrip().removesuffix('"')
