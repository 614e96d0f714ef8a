"""Names of files are bytes to the system and text to the database; this is the bridge between the two.

*Stored text* is what every path column and every JSON scope holds. It is the UTF-8 decoding of the name, in which each
byte that is not valid UTF-8 stands as U+10DC80 … U+10DCFF (a private-use twin of Python's surrogate escapes, which
neither SQLite nor PostgreSQL can store). A name that really contains such a code point has its four bytes escaped the
same way, so the bridge loses nothing in either direction: ``to_bytes(to_text(b)) == b`` for every ``b``.
"""

from __future__ import annotations

import os
import re

_OFFSET = 0x100000  # U+DC80 → U+10DC80
_ESCAPED = re.compile("[\U0010dc80-\U0010dcff]")
_SURROGATE = re.compile("[\udc80-\udcff]")


def to_text(name: bytes) -> str:
    """Return the stored text of a name or path as the system gives it."""
    if name.isascii():
        return name.decode("ascii")
    text = name.decode("utf-8", "surrogateescape")
    if _ESCAPED.search(text):
        text = _ESCAPED.sub(lambda m: "".join(chr(0xDC00 + byte) for byte in m.group().encode("utf-8")), text)
    return _SURROGATE.sub(lambda m: chr(ord(m.group()) + _OFFSET), text)


def to_bytes(text: str) -> bytes:
    """Return the name or path that ``text`` stands for, as the system wants it."""
    if text.isascii():
        return text.encode("ascii")
    return _ESCAPED.sub(lambda m: chr(ord(m.group()) - _OFFSET), text).encode("utf-8", "surrogateescape")


def for_people(text: str) -> str:
    """Return stored text as it is shown: foreign bytes and control characters as ``\\xNN``."""
    text = _ESCAPED.sub(lambda m: f"\\x{ord(m.group()) & 0xFF:02x}", text)
    return "".join(char if char.isprintable() else f"\\x{ord(char):02x}" for char in text)


def from_argument(argument: str) -> str:
    """Return the stored text of a path given on the command line (``sys.argv`` is surrogate-escaped)."""
    return to_text(os.fsencode(argument))


def normalise(path: str) -> str:
    """Collapse ``//`` and ``/./``, drop a trailing ``/``; links are *not* resolved and ``..`` is refused.

    Plex takes a double slash for another folder (Sonarr#8414), so every path goes through here once, on its way in.

    Raises ValueError for a relative path and for ``..``.
    """
    if not path.startswith("/"):
        raise ValueError(f"not an absolute path: {for_people(path)}")
    parts = [part for part in path.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise ValueError(f"'..' is not allowed in a path: {for_people(path)}")
    return "/" + "/".join(parts)


def is_within(path: str, root: str) -> bool:
    """Tell whether ``path`` is ``root`` or lies below it, by whole components."""
    return path == root or root == "/" or path.startswith(root.rstrip("/") + "/")


def relative(path: str, root: str) -> str:
    """Return ``path`` below ``root`` without a leading slash ("" for the root itself)."""
    if not is_within(path, root):
        raise ValueError(f"{for_people(path)} does not lie in {for_people(root)}")
    return path[len(root.rstrip("/")) :].lstrip("/")


def join(root: str, below: str) -> str:
    """Return ``root`` itself for "", else ``root/below``."""
    return root if not below else f"{root.rstrip('/')}/{below}"
