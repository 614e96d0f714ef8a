"""Is this file music, and is it whole? Facts come from its bytes, not from what a source said of it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from .errors import Unavailable
from .matching import LOSSLESS

HEAD = 64 * 1024  # bytes that are looked at for the kind
PIECE = 1024 * 1024
READABLE = frozenset({"mp3", "aac", "m4a", "flac", "ogg", "opus", "wav", "aiff", "wma"})  # by tinytag
WRONG_LENGTH = 20.0  # seconds
MAGIC: tuple[tuple[int, bytes, str], ...] = (
    (0, b"fLaC", "flac"),
    (8, b"WAVE", "wav"),
    (8, b"AIFF", "aiff"),
    (8, b"AIFC", "aiff"),
    (0, b"wvpk", "wv"),
    (0, b"MAC ", "ape"),
    (0, b"DSD ", "dsf"),
    (0, b"TTA1", "tta"),
    (0, bytes.fromhex("3026b2758e66cf11"), "wma"),
)
FILM = (b"avc1", b"hvc1", b"hev1", b"vp09", b"av01")


@dataclass(frozen=True, slots=True)
class Facts:
    """What a file is. ``quality`` is a short label: hires, lossless, 320k …; "" where it cannot be told."""

    ext: str
    size: int
    checksum: str
    duration: float | None = None
    bitrate: int | None = None
    quality: str = ""


def kind_of(head: bytes) -> str:
    """Return the extension for the beginning of a file; "" if it is no music that we know."""
    if head[:3] == b"ID3" and len(head) > 10:
        size = sum((byte & 0x7F) << shift for byte, shift in zip(head[6:10], (21, 14, 7, 0), strict=True))
        return kind_of(head[10 + size :]) or "mp3"  # a large picture may hide what follows
    if head[:4] == b"OggS":
        return "opus" if b"OpusHead" in head[:100] else "ogg"
    if head[4:8] == b"ftyp":
        return "" if any(codec in head for codec in FILM) else "m4a"
    for place, magic, ext in MAGIC:
        if head[place : place + len(magic)] == magic:
            return ext
    if len(head) > 3 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0 and head[1] & 0x18 != 0x08:
        return "aac" if head[1] & 0x06 == 0 else "mp3"
    return ""


def examine(part: Path, *, size: int | None = None, digest: str = "", duration: float | None = None) -> Facts:
    """Return the facts of a file that was fetched; ``size`` (bytes), ``digest`` and ``duration`` (s) must be its own.

    Raises Unavailable for an error page, another length and a wrong digest; nothing of it may be kept then.
    """
    there = part.stat().st_size
    if size is not None and there != size:
        raise Unavailable(f"{there} bytes came instead of {size}.", code="wrong_size", size=there, expected=size)
    with part.open("rb") as file:
        ext = kind_of(file.read(HEAD))
    if not ext:
        raise Unavailable("What came is not music.", code="not_audio")
    seconds, bitrate, quality = _heard(part, ext, there)
    if seconds and duration and abs(seconds - duration) > max(WRONG_LENGTH, 0.1 * duration):
        raise Unavailable(
            f"It lasts {seconds:.0f} s instead of {duration:.0f}.",
            code="wrong_length",
            seconds=round(seconds),
            expected=round(duration),
        )
    return Facts(ext, there, _checked(part, digest), seconds, bitrate, quality)


def _heard(part: Path, ext: str, size: int) -> tuple[float | None, int | None, str]:
    """Return seconds, kbit/s and the label of the quality, as the file's own header says."""
    if ext not in READABLE:
        return None, None, "lossless" if ext in LOSSLESS else ""
    from tinytag import TinyTag, TinyTagException

    try:
        with part.open("rb") as file:
            found = TinyTag.get(filename=f"x.{ext}", file_obj=file)
    except (TinyTagException, ValueError, IndexError, KeyError, OverflowError) as error:
        raise Unavailable("The file is damaged.", code="damaged", error=type(error).__name__) from None
    if not found.duration or found.duration <= 0:
        raise Unavailable("There is no sound in the file.", code="damaged", error="no duration")
    bitrate = round(found.bitrate or size * 8 / found.duration / 1000)
    lossless = ext in LOSSLESS or (ext == "m4a" and bitrate > 600)
    if not lossless:
        return found.duration, bitrate, f"{bitrate}k"
    fine = (getattr(found, "bitdepth", None) or 16) > 16 or (found.samplerate or 0) > 48_000
    return found.duration, bitrate, "hires" if fine else "lossless"


def _checked(part: Path, digest: str) -> str:
    """Return ``sha256:…`` of the file, having compared the digest that the source gave."""
    own = hashlib.sha256()
    name, _, wanted = digest.partition(":")
    theirs = hashlib.new(name, usedforsecurity=False) if name in ("md5", "sha1") else own
    with part.open("rb") as file:
        while piece := file.read(PIECE):
            own.update(piece)
            if theirs is not own:
                theirs.update(piece)
    if wanted and theirs.hexdigest() != wanted.lower():
        raise Unavailable("The file is not the one that was promised.", code="wrong_digest")
    return f"sha256:{own.hexdigest()}"
