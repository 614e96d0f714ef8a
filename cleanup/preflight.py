"""What is found at a data folder before anything is asked of it: JSON for the page, the command and each run."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import apsw

from mediasync.core import filesystems, paths
from mediasync.core.errors import MediasyncError

from . import libraries
from . import policy as policies
from .cache_walk import pictures
from .models import PlexFolder
from .plexdata import database, layout, places, walk
from .plexdata.database import Schema
from .plexdata.places import Data
from .weight import Weight

Facts = dict[str, Any]
Plex = Callable[[], Facts]
"""What the linked server says: running, version, busy …; raises nothing."""


def look(folder: PlexFolder, plex: Plex | None = None) -> Facts:
    """Return what is found, cheaply: no file below a bundle is touched, the database is only probed.

    ``root``, ``parts`` (bundles by part), ``database``, ``disk``, ``owner``, ``sqlite``, ``libraries`` (with those that
    lack), ``plex``; ``refused`` and ``warnings`` are lists of [code, params]. Never raises for what it finds wrong.
    """
    facts: Facts = {"sqlite": apsw.sqlite_lib_version(), "refused": [], "warnings": []}
    if plex is not None:
        facts["plex"] = plex()
    try:
        policy = policies.of(folder.policy)
        data = places.resolve(folder.path, folder.cache_path)
    except MediasyncError as error:
        facts["refused"].append([error.code, error.params])
        return facts
    facts |= {"root": data.root, "lacks": list(data.lacks), "parts": parts(data), **disk(data)}
    try:
        with closing(database.open_ro(data.database)) as con:
            schema = database.probe(con)
            facts["database"] = about(data, schema)
            facts |= shelves(con, schema, policy.elsewhere)
    except MediasyncError as error:
        facts["refused"].append([error.code, error.params])
    facts["warnings"] += warnings(facts)
    return facts


def about(data: Data, schema: Schema) -> Facts:
    """Return what the schema has: the generation of its triggers, its columns of pictures, its migrations."""
    name = paths.to_bytes(data.database)
    return {
        "path": data.database,
        "size": os.path.getsize(name),
        "wal": os.path.exists(name + b"-wal"),
        "generation": schema.generation,
        "fires": schema.fires,
        "columns": list(schema.columns),
        "migrations": schema.migrations,
        "newest": schema.newest,
    }


def shelves(con: apsw.Connection, schema: Schema, elsewhere: bool) -> Facts:
    """Return the folders of the libraries, those that lack, and where orphans stay because of that."""
    found = libraries.locations(con, schema)
    lacking = libraries.missing(found, elsewhere)
    return {
        "libraries": len({each.section for each in found}),
        "missing": [{"section": each.section, "path": each.path} for each in lacking],
        "no_orphans": list(libraries.spared(lacking)),
    }


def disk(data: Data) -> Facts:
    """Return what the folder lies on, whose it is, and who we are."""
    root = paths.to_bytes(data.root)
    kind = filesystems.kind_of(os.fsdecode(root))
    found = os.stat(paths.to_bytes(data.database))
    usage = shutil.disk_usage(root)
    return {
        "disk": {"free": usage.free, "total": usage.total, "kind": kind, "remote": filesystems.is_remote(kind)},
        "owner": {"uid": found.st_uid, "gid": found.st_gid, "ours": os.geteuid(), "writable": os.access(root, os.W_OK)},
    }


def parts(data: Data) -> Facts:
    """Return the numbers of bundles: two levels of names, nothing is opened."""
    found: Facts = {}
    for kind in walk.type_folders(data):
        found[f"{layout.METADATA}/{kind}"] = {"bundles": _count(f"{data.metadata}/{kind}")}
    found["Media"] = {"bundles": _count(data.media)}
    return found


def sizes(data: Data) -> Facts:
    """Return files, bytes and uploads of each part; walks everything: seconds for 200,000 files."""
    found: Facts = {}
    jobs = [(layout.METADATA, kind, f"{layout.METADATA}/{kind}") for kind in walk.type_folders(data)]
    for part, kind, name in (*jobs, (layout.MEDIA, "", "Media")):
        weight = Weight()
        for prefix in walk.prefixes(data, part, kind):
            for bundle in walk.bundles(data, part, kind, prefix):
                weight.add(bundle)
        found[name] = weight.facts()
    cached = Weight()
    for entry, _used in pictures(data.cache) if data.cache else ():
        cached.files, cached.bytes = cached.files + 1, cached.bytes + entry.blocks * 512
    found["Cache"] = {"files": cached.files, "bytes": cached.bytes}
    return found


def warnings(facts: Facts) -> list[list[Any]]:
    """Return what a person should know, though nothing is refused because of it."""
    found: list[list[Any]] = []
    if facts.get("missing"):
        found.append(["cleanup_library_missing", {"paths": ", ".join(each["path"] for each in facts["missing"][:3])}])
    if facts.get("disk", {}).get("remote"):
        found.append(["cleanup_remote_disk", {"kind": facts["disk"]["kind"]}])
    owner = facts.get("owner", {})
    if owner and owner["ours"] not in (0, owner["uid"]):
        found.append(["cleanup_other_owner", {"uid": owner["uid"], "ours": owner["ours"]}])
    return found


def _count(place: str) -> int:
    total = 0
    with suppress(OSError), os.scandir(Path(os.fsdecode(paths.to_bytes(place)))) as listing:
        for each in listing:
            if layout.PREFIX.match(each.name) and each.is_dir(follow_symlinks=False):
                total += sum(bool(layout.BUNDLE.match(name)) for name in os.listdir(each.path))
    return total
