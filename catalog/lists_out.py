"""What leaves us for others to play: the songs of a playlist with their files, in its order, as ``.m3u8``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from mediasync.core.paths import for_people, to_bytes

from .models import Playlist, PlaylistSong, Song
from .places import path_of
from .songs import local_files
from .storage.keys import portable


@dataclass(frozen=True, slots=True)
class Entry:
    """A song of a playlist with the best of its files; ``path`` is stored text, "" when it is not here."""

    song: int
    title: str
    artists: str
    duration: float | None
    asset: int = 0
    path: str = ""
    size: int = 0
    source: str = ""
    license: str = ""
    rights_basis: str = ""

    @property
    def label(self) -> str:
        """How people call it."""
        return f"{self.artists} - {self.title}" if self.artists else self.title


def entries(playlist: Playlist) -> list[Entry]:
    """Return the music of a playlist in its order: of several files the primary one, then the largest."""
    rows = local_files().filter(file_asset__song__playlistsong__playlist=playlist)
    rows = rows.select_related("file_asset", "backend").order_by("is_primary", "file_asset__file_size_bytes", "-id")
    best = {row.file_asset.song_id: row for row in rows}  # the last one wins
    links = PlaylistSong.objects.filter(playlist=playlist).exclude(song__kind=Song.Kind.OTHER)
    songs = links.order_by("position", "pk").values_list("song", "song__name", "song__singers", "song__duration")
    found = []
    for song, title, artists, duration in songs:
        row = best.get(song)
        if row is None:
            found.append(Entry(song, title, artists, duration))
            continue
        asset = row.file_asset
        found.append(
            Entry(
                *(song, title, artists, asset.duration or duration, asset.pk),
                path=path_of(row.backend, row.locator),
                size=asset.file_size_bytes,
                source=asset.source,
                license=asset.license,
                rights_basis=asset.rights_basis,
            )
        )
    return found


def names(found: Iterable[Entry]) -> dict[int, str]:
    """Return a file name for each song that is here: its own, with the song's number where two would meet.

    No position is in it, so that another order renames nothing.
    """
    taken: set[str] = set()
    named: dict[int, str] = {}
    for entry in found:
        if not entry.path:
            continue
        name = portable(entry.path.rpartition("/")[2])
        stem, dot, ext = name.rpartition(".")
        tries = (name, f"{stem or name} [{entry.song}]{dot + ext if stem else ''}")
        named[entry.song] = next((each for each in tries if each.casefold() not in taken), tries[-1])
        taken.add(named[entry.song].casefold())
    return named


def m3u8(title: str, found: Sequence[Entry], place: Callable[[Entry], str]) -> bytes:
    """Return the list as a file; ``place`` says where an entry is (stored text). What is not here is left out."""
    lines = ["#EXTM3U", f"#PLAYLIST:{_line(title)}"]
    for entry in found:
        if entry.path:
            where = place(entry)
            lines.append(f"#EXTINF:{round(entry.duration or -1)},{_line(entry.label)}")
            lines.append(f"./{where}" if where.startswith("#") else where)
    return b"\n".join(to_bytes(line) for line in lines) + b"\n"


def sources_text(lists: Iterable[tuple[str, Sequence[Entry]]]) -> str:
    """Return what is said in an archive of where its files are from, and by what right we have them."""
    lines = ["Where these files are from, and on what terms (as the source said it).", ""]
    for folder, found in lists:
        named = names(found)
        for entry in found:
            if entry.path:
                terms = " · ".join(filter(None, (entry.source, entry.rights_basis, entry.license))) or "unknown"
                lines.append(f"{folder}/{named[entry.song]}: {_line(entry.label)} ({_line(terms)})")
    return "\n".join(lines) + "\n"


def _line(text: str) -> str:
    """Return text that stays in its line."""
    return for_people(" ".join(text.split()))
