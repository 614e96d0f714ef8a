"""What every plug-in must hold, as tests that you inherit: ours do so too (tests/catalog/test_contracts.py).

Needs pytest, and neither a database nor settings. In a test module of your package::

    from catalog.testing import SourceContract

    class TestMine(SourceContract):
        plugin = Mine
        addresses = {"https://music.example/list/7": "7"}

        def source(self):
            return Mine(Reach(http=…, settings={…}, platform="mine"))  # with answers that you recorded
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar, get_args

from mediasync.core.errors import Stop, WorkError

from .checking import examine
from .downloads.base import Candidate, DownloadSource, Fetch
from .sources.base import Page, PlaylistMeta, PlaylistRef, PlaylistSource, Result, TrackMeta, Tracks
from .storage.base import Storage

FOREIGN = ("", "not an address", "https://foreign.example/playlist/1", "http://[bad", "ftp://foreign.example/a")
PAGES = 5  # that are looked at
LONGEST_KEY = 500


class _Described:
    plugin: ClassVar[Any]

    def test_it_describes_itself(self) -> None:
        assert str(self.plugin.label), "label is what people choose it by"
        assert isinstance(str(getattr(self.plugin, "notice", "")), str)
        assert isinstance(self.plugin.fields, tuple) and all(isinstance(name, str) for name in self.plugin.fields)


class SourceContract(_Described):
    """For a source of playlists. ``source()`` returns one that is ready to be asked; each call, a new one."""

    addresses: ClassVar[Mapping[str, str]] = {}  # of playlists → the remote id
    platform: ClassVar[str] = ""  # "" = whatever it says itself
    missing: ClassVar[PlaylistRef | None] = None  # a list that is not there

    def source(self) -> PlaylistSource:
        """Return the plug-in with a ``Reach`` whose ``http`` has answers."""
        raise AssertionError("say how your source is made")

    def test_it_knows_its_addresses_and_no_others(self) -> None:
        for address, number in self.addresses.items():
            ref = self.plugin.match_url(address)
            assert isinstance(ref, PlaylistRef) and ref.remote_id == number, (address, ref)
        for address in FOREIGN:
            assert self.plugin.match_url(address) is None, address

    def test_it_collects_pages_of_lists(self) -> None:
        for pool in self.plugin.pools:
            looked_at = 0
            for page in islice(self.source().collect(pool), PAGES):
                looked_at += 1
                assert isinstance(page, Page) and isinstance(page.playlists, tuple)
                for meta in page.playlists:
                    self._is_meta(meta)
                if not page.has_more:
                    break  # as whoever collects does
            assert looked_at, f"{pool}: an empty pool is a page without lists"

    def test_it_reads_the_songs_of_a_list(self) -> None:
        tracks = self.source().tracks(self._ref())
        assert isinstance(tracks, Tracks) and tracks.result in get_args(Result)
        assert tracks.result == "ok" and tracks.tracks, "give it a list that has songs, and all of them"
        for track in tracks.tracks:
            _is_track(track)
        numbers = [track.remote_id for track in tracks.tracks]
        assert [each.remote_id for each in self.source().tracks(self._ref()).tracks] == numbers, "ids must stay"
        if tracks.meta:
            self._is_meta(tracks.meta)

    def test_it_says_what_is_missing_by_our_errors(self) -> None:
        if self.missing is None:
            return
        try:
            found = self.source().tracks(self.missing)
        except WorkError:
            return
        assert found.result != "ok" and not found.tracks

    def _ref(self) -> PlaylistRef:
        """Return the list whose songs are read: the first address, else the first of the first pool."""
        if self.addresses:
            ref: PlaylistRef = self.plugin.match_url(next(iter(self.addresses)))
            return ref
        return next(meta.ref for page in self.source().collect(self.plugin.pools[0]) for meta in page.playlists)

    def _is_meta(self, meta: PlaylistMeta) -> None:
        assert isinstance(meta, PlaylistMeta) and meta.ref.remote_id, meta
        assert meta.ref.platform == (self.platform or meta.ref.platform), "refs carry Reach.platform"
        for number in (meta.track_count, meta.play_count):
            assert number is None or (isinstance(number, int) and number >= 0), meta


class DownloadContract(_Described):
    """For a source of files: ``want`` is a song that it has."""

    want: ClassVar[TrackMeta]

    def source(self) -> DownloadSource:
        """Return the plug-in with a ``Reach`` whose ``http`` has answers."""
        raise AssertionError("say how your source is made")

    def test_it_finds_what_it_has_and_nothing_else(self) -> None:
        found = self.source().search(self.want, 10)
        assert found
        for candidate in found:
            assert isinstance(candidate, Candidate) and 0 < len(candidate.key) <= LONGEST_KEY and candidate.title
            assert isinstance(candidate.artists, tuple)
            json.dumps(dict(candidate.opaque))  # it is stored while a person thinks
        assert [each.key for each in self.source().search(self.want, 10)] == [each.key for each in found]
        nothing = self.source().search(TrackMeta("", "zzqx 0x5f3759df", ("nobody at all",)), 10)
        assert not [each for each in nothing if each.title == self.want.title]

    def test_it_brings_a_whole_file(self, tmp_path: Path) -> None:
        source, told = self.source(), list[tuple[int, int | None]]()
        part = tmp_path / "1.part"
        fetch = source.fetch(source.search(self.want, 10)[0], part, lambda *how: told.append(how))
        assert isinstance(fetch, Fetch)
        facts = examine(part, size=fetch.size, digest=fetch.digest)
        assert facts.size == part.stat().st_size and told, "say how far it is"
        part.write_bytes(part.read_bytes()[: facts.size // 2])  # an earlier try was cut off
        source.fetch(source.search(self.want, 10)[0], part, lambda *how: None)
        assert examine(part).checksum == facts.checksum

    def test_it_stops_when_it_is_asked_to(self, tmp_path: Path) -> None:
        def stop(*how: Any) -> None:
            raise Stop

        source = self.source()
        try:
            source.fetch(source.search(self.want, 10)[0], tmp_path / "1.part", stop)
        except Stop:
            return
        raise AssertionError("what the callback raises must come through")


class StorageContract(_Described):
    """For a place to keep files in."""

    def storage(self) -> Storage:
        """Return the same place, by a new object, at each call."""
        raise AssertionError("say how your storage is made")

    def test_it_can_be_tried_out(self) -> None:
        assert self.storage().check()

    def test_it_keeps_a_file_under_its_name(self, tmp_path: Path) -> None:
        path = tmp_path / "song.mp3"
        path.write_bytes(b"music" * 1000)
        locator = self.storage().locator("周杰伦/a b & c.mp3")
        assert locator.endswith("周杰伦/a b & c.mp3") and self.storage().exists(locator) is None
        for _again in range(2):
            stored = self.storage().put(path, locator, lambda done, total: None)
            assert (stored.size, self.storage().exists(stored.locator)) == (5000, 5000)
        for _again in range(2):
            self.storage().remove(stored.locator)
        assert self.storage().exists(stored.locator) is None
        free = self.storage().free()
        assert free is None or free >= 0


def _is_track(track: TrackMeta) -> None:
    assert isinstance(track, TrackMeta) and track.remote_id and track.title, track
    assert isinstance(track.artists, tuple) and all(isinstance(name, str) and name for name in track.artists), track
    assert track.duration is None or track.duration > 0, "in seconds, None where nobody knows"
    assert track.size is None or track.size >= 0, track
    json.dumps(dict(track.snapshot))
