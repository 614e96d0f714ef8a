"""Which files become items of which library, and why one did not: guesses for people, from what the servers document.

Sources: Plex, "Local media extras" and "Supported formats"; Jellyfin, ``Emby.Naming/Common/NamingOptions.cs``.
"""

from __future__ import annotations

import re
import stat

from mediasync.core import foreign
from mediasync.servers.models import Server
from monitors.glance import Glance

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
Here = tuple[Glance, str]  # what looks, and the path on this machine
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


def refusal(kind: str, library_kind: str, path: str, *, is_dir: bool, here: Here | None = None) -> str:
    """Return the likely reason why a server did not take what is at a path, as a code; "" if none can be seen.

    With ``here`` it looks there, too, as far as that can be looked at: a root that is down or elsewhere cannot.
    """
    name = name_of(path)
    if name.startswith(".") or (kind == Server.Kind.JELLYFIN and any(map(is_ignored, foreign.split(path).names))):
        return "ignored_name"
    names, readable = _look(here, is_dir=is_dir) if here else ([], True)
    names = names if is_dir else [name]
    if names and not any(_plays(kind, library_kind, each) for each in names):
        return "extension"
    return "" if readable else "permission"


def _plays(kind: str, library_kind: str, name: str) -> bool:
    ending = name.rpartition(".")[2].lower()
    return takes(library_kind, name) and not (kind == Server.Kind.PLEX and ending in NOT_FOR_PLEX)


def _look(here: Here, *, is_dir: bool) -> tuple[list[str], bool]:
    """Return the names of files below a folder here, and whether everybody may read the file or enter the folder."""
    glance, local = here
    try:
        glance.is_folder(local)  # raises for a root that is down
        seen = glance.stat(local)
        names = glance.names(local, MOST_FILES) if is_dir else []
    except (OSError, ValueError):
        return [], True
    wanted = (stat.S_IROTH | stat.S_IXOTH) if seen.is_dir else stat.S_IROTH
    return names, not seen.there or seen.mode & wanted == wanted
