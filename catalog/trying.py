"""Try out what somebody has set up: ask a source for a little, or a storage whether it takes files."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from mediasync.core.clock import Clock, system
from mediasync.core.errors import Unreachable, UsageError

from .models import DownloadSource, Source, StorageBackend
from .places import storage_of
from .reach import file_source, playlist_source
from .sources.base import TrackMeta

_WORD = "love"  # in the title of some song of every library
LONGEST = 20.0  # seconds that a person waits for all questions together


class Deadline:
    """Ends questions, when called between two of them, after ``LONGEST``."""

    def __init__(self, name: str, clock: Clock = system) -> None:
        self._name, self._clock, self._end = name, clock, clock.monotonic() + LONGEST

    def __call__(self) -> None:
        if self._clock.monotonic() > self._end:
            raise Unreachable(f"{self._name} did not answer in time.", code="source_timeout", host=self._name)


def source(row: Source) -> str:
    """Ask a source for the first page of its first pool, and for the first list on it; raises what is wrong."""
    with playlist_source(row, patient=False, check=Deadline(row.name)) as plugin:
        if not plugin.pools:
            return _("It has no pools to ask for: it reads the lists that are given to it.")
        page = next(iter(plugin.collect(plugin.pools[0])), None)
        found = page.playlists if page else ()
        songs = len(plugin.tracks(found[0].ref, found[0].strategy).tracks) if found else 0
    number = len(found)
    text = ngettext("It answers: %d playlist on its first page", "It answers: %d playlists on its first page", number)
    more = ngettext("%d song in the first one.", "%d songs in the first one.", songs)
    return f"{text % number}, {more % songs}" if found else f"{text % number}."


def download_source(row: DownloadSource) -> str:
    """Search a download source for a word and return a sentence; raises what is wrong."""
    with file_source(row, patient=False, check=Deadline(row.name)) as plugin:
        number = len(plugin.search(TrackMeta(remote_id="", title=_WORD), limit=3))
    return ngettext("It answers: %d file for a test word.", "It answers: %d files for a test word.", number) % number


def storage(row: StorageBackend) -> str:
    """Let a storage prove that it takes files and return its sentence; raises what is wrong."""
    return storage_of(row).check()


def try_out(row: Source | DownloadSource | StorageBackend) -> str:
    """Try out a row and return one sentence; UsageError while it is switched off: nobody is asked unasked."""
    if not row.enabled:
        raise UsageError(_("Switch it on first: what is off is asked nothing."), code="source_off", name=row.name)
    if isinstance(row, Source):
        return source(row)
    return download_source(row) if isinstance(row, DownloadSource) else storage(row)
