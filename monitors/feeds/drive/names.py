"""Items of Google Drive as we keep them: named as rclone's mounts show them.

Drive allows any character in a name, a path does not. rclone's ``Standard`` encoding (lib/encoder; seen with 1.75.2):
"/" becomes "／", control characters their pictures, "." and ".." full width, and what looks like that already gets "‛"
before it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from mediasync.core.paths import to_text

FOLDER = "application/vnd.google-apps.folder"
GOOGLE = "application/vnd.google-apps."  # documents, shortcuts, forms: no files that a media server could read
LONGEST_ID = 100  # characters; Google's have 19 to 44

_QUOTE = "‛"
_PICTURES = {chr(code): chr(0x2400 + code) for code in range(32)} | {"\x7f": "␡", "/": "／"}
_SPECIAL = re.compile("[\x00-\x1f\x7f/␀-␟␡／‛]")


class Item(NamedTuple):
    """Where something is."""

    parent: str  # an id; "" where it lies in nothing that we may see
    name: str  # stored text, as the mount shows it
    is_dir: bool


def as_mounted(name: str) -> str:
    """Return the stored text of a name as a mount shows it."""
    if name in (".", ".."):
        name = "．" * len(name)
    elif name in ("．", "．．"):
        name = (_QUOTE + "．") * len(name)
    else:
        name = _SPECIAL.sub(lambda m: _PICTURES.get(m.group()) or _QUOTE + m.group(), name)
    return to_text(name.encode("utf-8", "replace"))


def item_of(file: Mapping[str, Any], known: Iterable[str] = ()) -> Item | None:
    """Return what Drive says of a file or folder; None for what is no file and no folder.

    Of several parents (Drive allowed that until 2020) one that is ``known`` wins.
    """
    kind, name = str(file.get("mimeType") or ""), str(file.get("name") or "")
    if not name or (kind.startswith(GOOGLE) and kind != FOLDER):
        return None
    parents = parents_of(file)
    parent = next((parent for parent in parents if parent in known), parents[0] if parents else "")
    return Item(parent, as_mounted(name), kind == FOLDER)


def parents_of(file: Mapping[str, Any]) -> list[str]:
    """Return the ids of the folders that hold a file."""
    found = file.get("parents")
    return [str(parent) for parent in found if len(str(parent)) <= LONGEST_ID] if isinstance(found, list) else []


def dicts_in(thing: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    """Return the objects of a list in an answer, whatever is there."""
    found = thing.get(name)
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
