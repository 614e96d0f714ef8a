"""Which files become items of which library, and why one did not: guesses for people, from what the servers document.

Sources: Plex, "Local media extras" and "Supported formats"; Jellyfin, ``Emby.Naming/Common/NamingOptions.cs``.
"""

from __future__ import annotations

import os
import re
import stat

from mediasync.core import foreign
from mediasync.core.paths import to_bytes, to_text
from mediasync.servers.models import Server

from .links.names import kind_of
from .units import is_ignored

EXTRAS = frozenset(
    (
        *("behind the scenes", "deleted scenes", "featurettes", "interviews", "scenes", "shorts", "trailers", "other"),
        *("extras", "clips", "samples", "theme-music", "backdrops"),
    )
)
_EXTRA = re.compile(
    r".*[-.](behindthescenes|deleted(scene)?|featurette|interview|scene|short|trailer|other|clip|sample|theme)\.\w+",
    re.IGNORECASE,
)
MUSIC = frozenset({"artist", "music"})
PICTURES = frozenset({"photo", "photos", "homevideos"})
BOOKS = frozenset({"books", "audiobooks"})
MOST_FILES = 500
NOT_FOR_PLEX = frozenset({"iso", "img", "bin", "nrg", "strm", "ifo", "swf", "mng"})


def name_of(path: str) -> str:
    """Return the last component of a server's path, "" for a root."""
    return (foreign.split(path).names or ("",))[-1]


def is_extra(name: str) -> bool:
    """Tell whether servers hang this folder or file on a film instead of listing it."""
    return name.casefold() in EXTRAS or _EXTRA.fullmatch(name) is not None


def takes(library_kind: str, path: str) -> bool:
    """Tell whether a file of this name can become an item of its own in such a library (of any server)."""
    kind = kind_of(name_of(path) if "/" in path or "\\" in path else path)
    if library_kind in BOOKS:
        return kind not in ("image", "metadata", "subtitle")
    if library_kind in MUSIC:
        return kind == "audio"
    if library_kind in PICTURES:
        return kind in ("image", "video")
    return kind == "video" or (kind == "audio" and not library_kind)


def refusal(kind: str, library_kind: str, path: str, local: str, *, is_dir: bool) -> str:
    """Return the likely reason why a server did not take what is at a path, as a code; "" if none can be seen."""
    name = name_of(path)
    if name.startswith(".") or (kind == Server.Kind.JELLYFIN and any(map(is_ignored, foreign.split(path).names))):
        return "ignored_name"
    names = _files_in(local) if is_dir and local else [name] if not is_dir else []
    if names and not any(_plays(kind, library_kind, each) for each in names):
        return "extension"
    return "permission" if local and not readable_by_all(local) else ""


def _plays(kind: str, library_kind: str, name: str) -> bool:
    ending = name.rpartition(".")[2].lower()
    return takes(library_kind, name) and not (kind == Server.Kind.PLEX and ending in NOT_FOR_PLEX)


def _files_in(local: str) -> list[str]:
    """Return the names of files at or below a folder here, at most ``MOST_FILES``; none if it cannot be looked at."""
    found: list[str] = []
    for _folder, _folders, names in os.walk(to_bytes(local)):
        found += map(to_text, names)
        if len(found) > MOST_FILES:
            break
    return found


def readable_by_all(local: str) -> bool:
    """Tell whether everybody may read a file, or enter a folder; True for what cannot be looked at here."""
    try:
        mode = os.stat(to_bytes(local)).st_mode
    except (OSError, ValueError):
        return True
    wanted = (stat.S_IROTH | stat.S_IXOTH) if stat.S_ISDIR(mode) else stat.S_IROTH
    return mode & wanted == wanted
