"""Where a song lies below a library: names that every system takes, and the same name for the same song always."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from mediasync.core.errors import UsageError

LAYOUTS: dict[str, str] = {
    "platform_first_artist": "{source}/{artist}/{title}",  # the source that the file came from, not the playlist's
    "first_artist": "{artist}/{title}",
    "first_artist_album": "{artist}/{album}/{title}",
}
UNKNOWN = "Unknown"
LONGEST = 255  # bytes of one name on Linux; other systems count fewer of something larger
ROOM = 40  # bytes that are kept free for an extension and a mark
_REFUSED = re.compile(r'[<>:"/\\|?*\ud800-\udfff\U0010dc80-\U0010dcff]+')
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
_UNSEEN = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]+")  # they turn names around
_RESERVED = re.compile(r"^(con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])(\..*)?$", re.IGNORECASE)


def name_of(text: str, *, longest: int = LONGEST - ROOM) -> str:
    """Return ``text`` as one component that Linux, macOS, Windows and S3 take; "" becomes ``Unknown``.

    NFC; what Windows refuses becomes ``_``; no leading or trailing dots and spaces; no name of a device; cut at a
    whole character (with the marks that belong to it).
    """
    name = _CONTROL.sub(" ", _UNSEEN.sub("", unicodedata.normalize("NFC", text)))
    name = " ".join(_REFUSED.sub("_", name).split()).strip(". ")
    name = _cut(name, longest).strip(". ")
    if _RESERVED.match(name):
        name = f"_{name}"
    return name or UNKNOWN


def _cut(name: str, longest: int) -> str:
    if len(name.encode()) <= longest:
        return name
    name = name.encode()[:longest].decode("utf-8", "ignore")
    return re.sub("[\u200d\ufe0f]+$", "", name)  # an emoji that was cut leaves a joiner


def locators(
    *, source: str, artist: str, album: str, title: str, ext: str, quality: str, song: int, checksum: str, layout: str
) -> Iterator[str]:
    """Yield the locators for a file, the best first: plain, with its quality, its song's number, its content's digest.

    Whoever stores takes the first that is free or that holds the same file: never "(1)". What lies at the last one
    can be no other file.
    UsageError for a layout that there is not.
    """
    try:
        shape = LAYOUTS[layout]
    except KeyError:
        raise UsageError(
            f"There is no layout {layout!r}; there are: {', '.join(LAYOUTS)}.", code="no_layout", name=layout
        ) from None
    parts = {"source": name_of(source), "artist": name_of(artist), "album": name_of(album)}
    plain, extension = name_of(title), name_of(ext.lstrip(".").lower(), longest=10)
    number = " ".join(filter(None, (quality, str(song))))
    for mark in dict.fromkeys(("", quality, number, f"{number} {checksum.rpartition(':')[2][:8]}")):
        yield shape.format(**parts, title=f"{plain} [{mark}]" if mark else plain) + f".{extension}"
