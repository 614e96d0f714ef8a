"""Where Plex's data folder lies, and what a given path lacks to be one."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from mediasync.core import paths
from mediasync.core.errors import UsageError

from . import layout

NAME = "Plex Media Server"
DATABASES = "Plug-in Support/Databases"
DATABASE = f"{DATABASES}/com.plexapp.plugins.library.db"
CACHE = "Cache/PhotoTranscoder"
# Below the root of the file system; ``*`` stands for the name of a volume or a user.
USUAL = (
    f"var/lib/plexmediaserver/Library/Application Support/{NAME}",  # packages for Linux
    f"config/Library/Application Support/{NAME}",  # images for Docker
    f"var/snap/plexmediaserver/common/Library/Application Support/{NAME}",
    f"volume*/PlexMediaServer/AppData/{NAME}",  # Synology, DSM 7
    f"volume*/Plex/Library/Application Support/{NAME}",  # Synology, DSM 6
    f"share/*/.qpkg/PlexMediaServer/Library/{NAME}",  # QNAP
    f"share/*/PlexData/{NAME}",
    f"usr/local/plexdata/{NAME}",  # FreeBSD
    f"usr/local/plexdata-plexpass/{NAME}",
    f"Users/*/Library/Application Support/{NAME}",  # macOS
    f"home/*/Library/Application Support/{NAME}",
    f"mnt/*/Users/*/AppData/Local/{NAME}",  # a disk of Windows
    f"opt/plex/Library/Application Support/{NAME}",
)


@dataclass(frozen=True, slots=True)
class Data:
    """A data folder. All paths are absolute stored text; links above ``root`` are resolved, below it none is taken."""

    root: str
    database: str
    cache: str  # the folder PhotoTranscoder, "" if there is none
    lacks: tuple[str, ...] = ()  # what is usually there and is not: nothing to do in it

    @property
    def metadata(self) -> str:
        return f"{self.root}/{layout.METADATA}"

    @property
    def media(self) -> str:
        return f"{self.root}/{layout.MEDIA}"


def find(root: str = "/", environ: Mapping[str, str] = os.environ) -> list[str]:
    """Return the data folders in the usual places (stored text), each once, in the order of ``USUAL``."""
    found: dict[str, str] = {}
    for path in _candidates(root, environ):
        if os.path.isfile(os.path.join(path, DATABASE)) and os.path.isdir(os.path.join(path, layout.METADATA)):
            found.setdefault(os.path.realpath(path), path)
    return [paths.to_text(os.fsencode(path)) for path in found.values()]


def _candidates(root: str, environ: Mapping[str, str]) -> Iterator[str]:
    for name in ("PLEX_MEDIA_SERVER_APPLICATION_SUPPORT_DIR", "LOCALAPPDATA"):
        if environ.get(name):
            yield os.path.join(environ[name], NAME)
    if environ.get("HOME"):
        yield os.path.join(environ["HOME"], "Library/Application Support", NAME)
    for pattern in USUAL:
        yield from sorted(glob.glob(os.path.join(glob.escape(root), pattern)))


def resolve(path: str, cache_path: str = "") -> Data:
    """Return the data folder at ``path``, or raise UsageError that names what it lacks.

    ``path`` itself may be a link (it is resolved once); Metadata and Media may not, as nothing below a data folder is
    followed. ``cache_path`` is PhotoTranscoder where it lies elsewhere (macOS), and must then exist.
    """
    root = real(path)
    if not os.path.isdir(paths.to_bytes(root)):
        raise _refuse("plex_folder_missing", f"{paths.for_people(path)} is no folder here.", path)
    for below in (layout.METADATA, "Media", layout.MEDIA):
        if os.path.islink(paths.to_bytes(f"{root}/{below}")):
            raise _refuse("plex_folder_link", f"{below} is a link, and links are not followed.", path, what=below)
    database = real(f"{root}/{DATABASE}")
    for what, there in (
        (layout.METADATA, os.path.isdir(paths.to_bytes(f"{root}/{layout.METADATA}"))),
        (DATABASE, os.path.isfile(paths.to_bytes(database)) and os.path.getsize(paths.to_bytes(database)) > 0),
    ):
        if not there:
            raise _refuse("plex_folder_lacks", f"{paths.for_people(path)} has no {what}.", path, what=what)
    cache = _cache(root, cache_path)
    lacks = [what for what in (layout.MEDIA,) if not os.path.isdir(paths.to_bytes(f"{root}/{what}"))]
    return Data(root, database, cache, tuple(lacks if cache else [*lacks, CACHE]))


def _cache(root: str, cache_path: str) -> str:
    cache = real(cache_path) if cache_path else f"{root}/{CACHE}"
    own = [f"{root}/{name}" for name in (layout.METADATA, "Media", "Plug-in Support")]
    if cache_path and (paths.is_within(root, cache) or any(paths.is_within(cache, each) for each in own)):
        raise no_cache(cache_path)
    if os.path.isdir(paths.to_bytes(cache)) and not (not cache_path and os.path.islink(paths.to_bytes(cache))):
        return cache
    if cache_path:
        raise _refuse("plex_folder_lacks", f"{paths.for_people(cache_path)} is no folder here.", cache_path, what=CACHE)
    return ""


def no_cache(path: str) -> UsageError:
    """Return the error for a cache folder that holds, or lies in, something else."""
    return _refuse("plex_cache_place", f"{paths.for_people(path)} cannot be the cache: other things lie there.", path)


def real(path: str) -> str:
    """Return a path with its links resolved; both are stored text."""
    return paths.to_text(os.path.realpath(paths.to_bytes(path)))


def _refuse(code: str, message: str, path: str, **params: str) -> UsageError:
    return UsageError(message, code=code, path=path, **params)
