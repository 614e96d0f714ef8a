"""Takes in what people bring: lines of addresses of playlists, or a playlist with its songs (M3U, XSPF, JSPF).

Nothing outside is asked here: a job synchronises afterwards what was taken in.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from tempfile import NamedTemporaryFile

from django.db import transaction

from mediasync.core.errors import UsageError
from mediasync.core.paths import for_people, to_bytes, to_text

from . import plugins, store
from .defaults import own_files
from .errors import ParseError
from .models import Pool, Source
from .sources import files, tracklists
from .sources.base import PlaylistMeta, PlaylistRef
from .tolerant import decoded

LARGEST = 16 * 1024 * 1024  # bytes
MOST = 10_000  # lists in one file
LONGEST_NAME = 180  # bytes: a name may have 255, with what stands before and after it
_ADDRESSES = re.compile(r"https?://", re.I)
_ADDRESS = re.compile(r"https?://\S+$", re.I)
_BAD_IN_NAMES = re.compile(r"[^\w.\- ()\[\]&+]+")


@dataclass(frozen=True, slots=True)
class Entry:
    """One playlist that a line names; ``platform`` is the name of its source."""

    line: int
    platform: str
    ref: PlaylistRef


@dataclass(slots=True)
class Taken:
    """What became of a file: ids of playlists in its order, and what is wrong in which line (from 1)."""

    playlists: list[int] = field(default_factory=list)
    problems: list[tuple[int, str]] = field(default_factory=list)
    new: int = 0


def take_file(path: str) -> Taken:
    """Take in a file of this machine (stored text); UsageError if it cannot be read."""
    try:
        with open(to_bytes(path), "rb") as file:
            content = file.read(LARGEST + 1)
    except OSError as error:
        raise UsageError(f"{for_people(path)}: {error.strerror}.", code="file_unreadable", path=path) from None
    return take(content, os.path.basename(path))


def take(content: bytes, name: str = "") -> Taken:
    """Take in the content of a file; UsageError if it is too large or names too many lists."""
    if len(content) > LARGEST:
        raise UsageError("The file is too large.", code="file_too_large")
    name = name or f"pasted {hashlib.sha256(content).hexdigest()[:8]}"
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):  # UTF-16, as Windows saves text
        content = decoded_text(content).encode()
    kind = tracklists.kind_of(content)
    if kind is None and name.lower().endswith((".m3u", ".m3u8")) and not _ADDRESSES.search(decoded(content)):
        kind = tracklists.M3U  # a plain one, names of files only
    return _take_songs(content, name, kind) if kind else _take_lines(content, name)


def parse(content: bytes, sources: dict[str, Source]) -> Iterator[Entry | tuple[int, str]]:
    """Yield the entries of lines of addresses, and (line, problem) for what is none; doubles only once.

    ``address`` or ``platform,address``; empty lines and those that begin with # are left out.
    """
    seen: set[tuple[str, str]] = set()
    for number, line in enumerate(decoded_text(content).splitlines(), start=1):
        line = line.strip().lstrip("\ufeff")
        if not line or line.startswith("#"):
            continue
        try:
            platform, ref = _understood(line, sources)
        except UsageError as error:
            yield number, str(error)
            continue
        if (platform, ref.remote_id) not in seen:
            seen.add((platform, ref.remote_id))
            yield Entry(number, platform, replace(ref, platform=platform))


def decoded_text(content: bytes) -> str:
    """Return the text of a file: UTF-16 with its mark, UTF-8, or as Chinese computers wrote."""
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return content.decode("utf-16", "replace")
    return decoded(content)


def _understood(line: str, sources: dict[str, Source]) -> tuple[str, PlaylistRef]:
    """Return the source of a line and its list; UsageError says what is wrong with it."""
    named, _comma, url = line.replace("，", ",", 1).partition(",") if not _ADDRESS.match(line) else ("", "", line)
    named, url = named.strip().lower(), url.strip()
    if not _ADDRESS.match(url):
        raise UsageError(f"This is no address: {(url or named)[:100]}")
    if named:
        source = sources.get(named) or next((each for each in sources.values() if each.plugin == named), None)
        if source is None and named not in plugins.names(plugins.PLAYLISTS):
            raise UsageError(f"There is no source {named}.")
        plugin = source.plugin if source else named
        ref = plugins.load(plugins.PLAYLISTS, plugin).match_url(url)
        if ref is None:
            raise UsageError(f"{named} has no playlist at this address: {url[:200]}")
        return _switched_on(plugin, source), ref
    for plugin in plugins.names(plugins.PLAYLISTS):
        if ref := plugins.load(plugins.PLAYLISTS, plugin).match_url(url):
            known = [each for each in sources.values() if each.plugin == plugin]
            known.sort(key=lambda each: (not each.enabled, each.name))
            return _switched_on(plugin, next(iter(known), None)), ref
    raise UsageError(f"No source knows this address: {url[:200]}")


def _switched_on(plugin: str, source: Source | None) -> str:
    if source is None and plugin == "file":
        return own_source().name
    if source is None or not source.enabled:
        raise UsageError(f"The source {source.name if source else plugin} is not switched on.")
    return source.name


def _take_lines(content: bytes, name: str) -> Taken:
    taken = Taken()
    found: dict[str, list[Entry]] = {}
    order: list[Entry] = []
    for each in parse(content, {row.name: row for row in Source.objects.order_by("name")}):
        if isinstance(each, tuple):
            taken.problems.append(each)
            continue
        found.setdefault(each.platform, []).append(each)
        order.append(each)
    if len(order) > MOST:
        raise UsageError(f"The file names more than {MOST} playlists.", code="too_many_playlists")
    ids: dict[tuple[str, str], int] = {}
    with transaction.atomic():
        for platform, entries in sorted(found.items()):
            pool = store.save_pool(platform, Pool.Kind.FILE, for_people(name)[:200], key=for_people(name)[:200])
            metas = [PlaylistMeta(each.ref, "") for each in entries]
            pks, new = store.save_playlists(pool, metas)
            ids |= {(platform, each.ref.remote_id): pk for each, pk in zip(entries, pks, strict=True)}
            taken.new += new
    taken.playlists = [ids[each.platform, each.ref.remote_id] for each in order]
    return taken


def _take_songs(content: bytes, name: str, kind: str) -> Taken:
    """Keep the file where its source finds it again, and note the list."""
    try:
        listed = tracklists.read(content, kind)
    except ParseError as error:
        raise UsageError(str(error), code="not_understood") from None
    source = own_source()
    ending = f".{'m3u8' if kind == tracklists.M3U else kind}"
    stem = _BAD_IN_NAMES.sub("_", os.path.splitext(for_people(name))[0]).strip(" .")
    stem = stem.encode()[:LONGEST_NAME].decode(errors="ignore").strip() or "playlist"
    _keep(content, to_bytes(str(source.settings.get("folder") or files.folder())), to_bytes(stem + ending))
    with transaction.atomic():
        pool = store.save_pool(source.name, Pool.Kind.FILE)
        meta = PlaylistMeta(PlaylistRef(source.name, stem + ending), listed.name or stem, len(listed.tracks))
        pks, new = store.save_playlists(pool, [meta])
    return Taken(pks, [], new)


def _keep(content: bytes, folder: bytes, name: bytes) -> None:
    """Write a file whole or not at all; UsageError where that cannot be done."""
    try:
        os.makedirs(folder, exist_ok=True)
        with NamedTemporaryFile(dir=folder, prefix=b".", suffix=b".part", delete=False) as file:
            try:
                file.write(content)
                file.close()
                os.chmod(file.name, 0o644)
                os.replace(file.name, os.path.join(folder, name))
            except OSError:
                os.unlink(file.name)
                raise
    except OSError as error:
        text = f"The file cannot be kept in {for_people(to_text(folder))}: {error.strerror}."
        raise UsageError(text, code="file_not_kept") from None


def own_source() -> Source:
    """Return the source of files that people brought; UsageError if somebody switched it off."""
    row = own_files()
    if not row.enabled:
        raise UsageError(f"The source {row.name} is switched off.", code="source_off", name=row.name)
    return row
