"""Any program that can name a path: in the query, a form, JSON or lines of text.

autoscan's ``?dir=`` and autopulse's ``?path=&hash=`` are of this kind too. A body that is shaped like one of the other
kinds is read as such.
"""

from __future__ import annotations

from typing import Any

from monitors.hints.notices import What

from . import arr, clouddrive2
from .base import Found, Parsed, Received, Rejected, clean_path, plain, rows

HERE = {"dir", "dirs", "directory", "file", "files", "folder", "folders", "path", "paths", "items"}
HERE |= {"created", "added", "modified", "updated", "updates", "changed", "newpath", "destination"}
GONE = {"deleted", "removed", "originalpath", "oldpath", "previouspath"}
FOLDERS = {"dir", "dirs", "directory", "folder", "folders"}
OLD, NEW = ("oldpath", "previouspath", "originalpath"), ("newpath", "destination", "path")
EVENTS = ("eventtype", "event", "eventname", "notificationtype")
CHANGES = ("updatetype", "changetype", "change", "action", "type")


def parse(received: Received) -> Parsed:
    """Return what a call says."""
    found, event = Found(), ""
    for name, value in received.fields:
        if value and _word(name) in ("dir", "path"):
            found.add(value)  # autoscan's ``dir`` may be a file, so it is not said that it is none
    hashed = next((plain(value) for name, value in received.fields if name == "hash" and value), "")
    params = {"hash": hashed} if hashed else {}
    if received.body.strip() and not found.notices:
        try:
            data = received.data()
        except Rejected as error:
            if error.code != "call_bad_json" or received.text.lstrip()[:1] in ("{", "["):
                raise
            data = [line.strip("\r") for line in received.text.split("\n") if line.strip()]
        if isinstance(data, dict):
            if "eventType" in data and any(isinstance(data.get(shape.owner), dict) for shape in arr.SHAPES.values()):
                return arr.parse_data("sonarr", data)
            if any("source_file" in item for item in rows(data.get("data"))):
                return clouddrive2.follow(rows(data["data"]))
            event = _event(data)
            if event.lower().startswith("test"):
                return Parsed(event, code="call_event_without_change")
        _walk(found, data, "upsert", None, depth=4)
    return found.parsed(event, "call_event_unknown" if event else "", **params)


def _walk(found: Found, data: Any, change: What, is_dir: bool | None, depth: int) -> None:
    """Look for paths: a text, a list of them, or an object with fields that we know."""
    if isinstance(data, str):
        found.add(data, change, is_dir=is_dir)
    elif isinstance(data, list) and depth:
        for each in data:
            _walk(found, each, change, is_dir, depth - 1)
    elif isinstance(data, dict) and depth:
        _object(found, data, change, is_dir, depth)
    elif data is not None:
        found.bad += 1


def _object(found: Found, data: dict[str, Any], change: What, is_dir: bool | None, depth: int) -> None:
    fields = {_word(name): value for name, value in data.items()}
    said = next((word for name in CHANGES if (word := plain(fields.get(name)).lower())), "")
    if said.startswith(("delet", "remov")):
        change = "delete"
    whether = fields.get("isdir", fields.get("isdirectory", fields.get("isfolder")))
    is_dir = clouddrive2.WORDS.get(str(whether).lower(), is_dir)
    new = next((fields[name] for name in NEW if clean_path(fields.get(name))), None)
    old = next((fields[name] for name in OLD if clean_path(fields.get(name))), None)
    if old and new:
        found.rename(old, new, is_dir=is_dir)
        fields = {name: value for name, value in fields.items() if value not in (old, new)}
    for name, value in fields.items():
        if value and name in HERE | GONE:
            _walk(found, value, "delete" if name in GONE else change, name in FOLDERS or is_dir, depth - 1)


def _event(data: dict[str, Any]) -> str:
    fields = {_word(name): value for name, value in data.items()}
    return next((word for name in EVENTS if (word := plain(fields.get(name)))), "")


def _word(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "")
