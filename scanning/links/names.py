"""What a link is called and what a .strm file says. Plain functions on stored text."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from urllib.parse import quote

from mediasync.core.paths import join, to_bytes, to_text
from monitors.extensions import DISCS, KINDS

LONGEST = 255  # bytes of one name, on every file system we know
BESIDE = frozenset({"subs", "sub", "subtitles", "subtitle", "extrafanart", "extrathumbs", ".actors"})
FIELDS = ("path", "relative", "name", "url_path", "url_relative")
_FIELD = re.compile(r"\{(\w*)\}")
_KIND_OF = {extension: kind for kind, extensions in KINDS.items() for extension in extensions}


def kind_of(name: str) -> str:
    """Return the kind of a file by its name ("" for any other)."""
    stem, _dot, extension = name.rpartition(".")
    if not stem:
        return ""
    return _KIND_OF.get(extension) or _KIND_OF.get(extension.lower(), "")


def split_disc(path: str) -> tuple[str, str] | None:
    """Return (the folder that a disc belongs to, the name of its disc folder), or None outside a disc.

    Only folders count, so give the folder of a file.
    """
    if not path:
        return None
    parts = path.split("/")
    for number, part in enumerate(parts):
        if part.upper() in DISCS:
            return "/".join(parts[:number]), part
    return None


def unit_of(path: str) -> str:
    """Return the folder whose film or season the companions of ``path`` belong to: ``Film/Subs/en`` → ``Film``."""
    parts = path.split("/")
    for number in (len(parts) - 2, len(parts) - 1):
        if number > 0 and parts[number].lower() in BESIDE:
            return "/".join(parts[:number])
    return path


def fit(stem: str, suffix: str) -> str:
    """Return stem + suffix in at most 255 bytes; a stem that had to be cut ends in a hash of the whole."""
    raw, end = to_bytes(stem), to_bytes(suffix)
    if len(raw) + len(end) <= LONGEST:
        return stem + suffix
    mark = b"~" + hashlib.blake2b(raw, digest_size=4).hexdigest().encode()
    cut = raw[: LONGEST - len(end) - len(mark)]
    while cut and (raw[len(cut)] & 0xC0) == 0x80:  # not in the middle of a character
        cut = cut[:-1]
    return to_text(cut + mark) + suffix


def numbered(name: str, how_many: int = 99) -> Iterator[str]:
    """Yield ``Film (2).mkv``, ``Film (3).mkv`` …"""
    stem, dot, extension = name.rpartition(".")
    if not stem:
        stem, dot, extension = name, "", ""
    for number in range(2, how_many + 1):
        yield fit(stem, f" ({number}){dot}{extension}")


def strm_names(source: str) -> Iterator[str]:
    """Yield what a .strm may be called, best first: ``Film.strm``, ``Film.mkv.strm``, ``Film (2).strm`` …"""
    stem = source.rpartition(".")[0] or source
    yield fit(stem, ".strm")
    yield fit(source, ".strm")
    yield from numbered(fit(stem, ".strm"), 10_000)


def unknown_fields(template: str) -> list[str]:
    """Return the names in braces that no .strm template knows."""
    return sorted({name for name in _FIELD.findall(template) if name not in FIELDS})


def strm_body(template: str, root: str, relative: str) -> bytes | None:
    """Return what the .strm of a file says, or None if its name would break the lines of the file.

    ``url_…`` are percent-encoded byte by byte, slashes stay.
    """
    path = join(root, relative)
    values = {
        "path": to_bytes(path),
        "relative": to_bytes(relative),
        "name": to_bytes(relative.rpartition("/")[2]),
        "url_path": quote(to_bytes(path)).encode(),
        "url_relative": quote(to_bytes(relative)).encode(),
    }
    pieces: list[bytes] = []
    for number, piece in enumerate(_FIELD.split(template)):
        value = values.get(piece, b"") if number % 2 else to_bytes(piece)
        if number % 2 and (b"\n" in value or b"\r" in value):
            return None
        pieces.append(value)
    return b"".join(pieces)


def digest(body: bytes) -> str:
    """Return what ``Link.content`` holds for a .strm."""
    return hashlib.blake2b(body, digest_size=16).hexdigest()
