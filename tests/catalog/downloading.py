"""What tests of downloads share: a library, songs in a playlist, sources, and a job that is run to its end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

from catalog.download_stage import Download
from catalog.models import DownloadSource, FileLocation, Playlist, PlaylistSong, Song, StorageBackend
from catalog.reach import seal
from catalog.songs import JOINT
from mediasync.core.paths import to_text
from mediasync.jobs import registry, services
from mediasync.jobs.models import Event
from mediasync.jobs.registry import JobKind
from tests.jobs.slicing import Bench


def library(folder: Path, **fields: Any) -> StorageBackend:
    """Return the default folder for music, ``folder``/library."""
    path = folder / "library"
    path.mkdir(exist_ok=True)
    values = {"name": "music", "kind": "local_fs", "plugin": "local_fs", "is_default": True, **fields}
    return StorageBackend.objects.create(container_name=to_text(str(path).encode()), **values)


def source(plugin: str, name: str = "", *, secret: str = "", order: int = 1, **settings: Any) -> DownloadSource:
    sealed = seal(secret) if secret else ""
    return DownloadSource.objects.create(
        name=name or plugin, plugin=plugin, enabled=True, order=order, settings=settings, secret_sealed=sealed
    )


def playlist(name: str, *songs: tuple[str, ...], platform: str = "netease", **fields: Any) -> Playlist:
    """Return a playlist of songs: (title, artist …); songs of the same title and artists are one row."""
    found = Playlist.objects.create(platform=platform, remote_id=name, name=name, **fields)
    for position, (title, *artists) in enumerate(songs):
        key = JOINT.join((title, *artists))
        song, _ = Song.objects.get_or_create(
            platform=platform, remote_id=key, defaults={"name": title, "singers": JOINT.join(artists)}
        )
        PlaylistSong.objects.create(playlist=found, song=song, position=position)
    return found


_numbers = count()  # of kinds: one job may run while another rests


class Downloading(Bench):
    """A job with the download stage alone; ``ending`` is what its last slice returned."""

    ending = ""

    def go(self, **options: Any) -> str:
        self.ending = self.slice(**options)
        return self.ending

    def facts(self, song: Song | str) -> tuple[str, str]:
        """Return the state and the code of a song's item; by its title."""
        song = song if isinstance(song, Song) else Song.objects.get(name=song)
        item = self.item(str(song.pk))
        return item.state, item.error_code

    def codes(self) -> list[str]:
        return list(Event.objects.filter(job=self.job).order_by("id").values_list("code", flat=True))


@contextmanager
def downloading(**scope: Any) -> Iterator[Downloading]:
    """Give a job that downloads and was started a moment ago."""
    kind = f"only_download_{next(_numbers)}"
    with registry.registered(JobKind(kind, "Download", (Download(),))):
        bench = Downloading(services.submit(kind, scope).job)
        bench.again()
        yield bench


def download(**scope: Any) -> Downloading:
    """Run a job that downloads to its end, or its rest, in this thread."""
    with downloading(**scope) as bench:
        bench.go(budget=600)
        return bench


def files(folder: Path) -> list[str]:
    """Return all files below ``folder``/library, hidden ones too."""
    top = folder / "library"
    return sorted(str(path.relative_to(top)) for path in top.rglob("*") if path.is_file())


def locators() -> list[str]:
    return sorted(FileLocation.objects.filter(status="active").values_list("locator", flat=True))
