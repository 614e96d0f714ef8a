"""Our own plug-ins hold what we ask of others (catalog/testing.py); and the contract finds what does not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

from catalog.downloads import shelf
from catalog.downloads.library import Library
from catalog.downloads.subsonic import SubsonicFiles
from catalog.downloads.url import SOURCE as Addresses
from catalog.http import Http
from catalog.sources.base import PlaylistMeta, PlaylistRef, PlaylistSource, Reach, TrackMeta, Tracks
from catalog.sources.files import PlaylistFiles
from catalog.sources.kuwo import Kuwo
from catalog.sources.listenbrainz import ListenBrainz
from catalog.sources.netease import Netease
from catalog.sources.podcast import Podcast
from catalog.sources.qq import QQ
from catalog.sources.subsonic import SOURCE as SubsonicLists
from catalog.storage.local import STORAGE as Local
from catalog.storage.s3 import S3
from catalog.testing import DownloadContract, SourceContract, StorageContract
from tests.catalog import audio
from tests.catalog.platforms import (
    KUWO_CHART,
    KUWO_LIST,
    KUWO_MENU,
    KUWO_SQUARE,
    NETEASE_DETAIL,
    NETEASE_SONGS,
    NETEASE_SQUARE,
    NETEASE_TOPLIST,
    QQ_DETAIL,
    QQ_NEW,
    QQ_SQUARE,
    kuwo_list,
    kuwo_menu,
    kuwo_song,
    kuwo_square,
    netease_list,
    netease_songs,
    netease_square,
    plug,
    qq_song,
    qq_square,
    qq_toplists,
)
from tests.catalog.replay import Replay
from tests.catalog.sources import test_listenbrainz, test_podcast
from tests.catalog.storage import servers
from tests.fakes.server import Request, Response

SONG = audio.mp3("Free", "Band", 20)


class Replayed(SourceContract):
    """A source of ours, with answers on loopback."""

    answers: ClassVar[dict[str, Any]] = {}
    settings: ClassVar[dict[str, Any]] = {}

    @pytest.fixture(autouse=True)
    def _answer(self, replay: Replay) -> None:
        self.replay = replay
        for where, answer in self.answers.items():
            replay.say(where, answer)

    def source(self) -> PlaylistSource:
        return plug(self.platform, self.replay, **self.settings)


class TestNetease(Replayed):
    plugin, platform = Netease, "netease"
    addresses: ClassVar = {"https://music.163.com/#/playlist?id=12": "12"}
    answers: ClassVar = {
        NETEASE_TOPLIST: {"code": 200, "list": [{"id": 5, "name": "榜", "trackCount": 3}]},
        NETEASE_SQUARE: netease_square,
        NETEASE_DETAIL: netease_list([1, 2, 3]),
        NETEASE_SONGS: netease_songs,
    }


class TestQQ(Replayed):
    plugin, platform = QQ, "qq"
    addresses: ClassVar = {"https://y.qq.com/n/ryqq/playlist/77": "77"}
    answers: ClassVar = {
        QQ_NEW: qq_toplists(),
        QQ_SQUARE: qq_square,
        QQ_DETAIL: {"code": 0, "cdlist": [{"dissname": "x", "songnum": 1, "songlist": [qq_song(9)]}]},
    }


class TestKuwo(Replayed):
    plugin, platform = Kuwo, "kuwo"
    addresses: ClassVar = {"https://www.kuwo.cn/playlist_detail/8": "8"}
    answers: ClassVar = {
        KUWO_MENU: kuwo_menu(),
        KUWO_SQUARE: kuwo_square,
        KUWO_LIST: lambda request: kuwo_list(request, 4),
        KUWO_CHART: {"name": "榜", "num": 1, "musiclist": [kuwo_song(1)]},
    }


class TestListenBrainz(Replayed):
    plugin, platform = ListenBrainz, "listenbrainz"
    addresses: ClassVar = {f"https://listenbrainz.org/playlist/{test_listenbrainz.MBID}/": test_listenbrainz.MBID}
    settings: ClassVar = {"user": "me"}
    missing = PlaylistRef("listenbrainz", "0cf18183-a3c6-4bf8-8a04-000000000000")
    answers: ClassVar = {
        f"{test_listenbrainz.API}/user/me/playlists": test_listenbrainz.lists,
        f"{test_listenbrainz.API}/user/me/playlists/createdfor": lambda request: test_listenbrainz.lists(request, 2),
        f"{test_listenbrainz.API}/playlist/{test_listenbrainz.MBID}": test_listenbrainz.jspf(),
    }


class TestPodcast(Replayed):
    plugin, platform = Podcast, "podcast"
    settings: ClassVar = {"feeds": test_podcast.FEED}
    missing = PlaylistRef("podcast", "https://show.example/none.xml", "feed", "https://show.example/none.xml")
    answers: ClassVar = {"show.example/feed.xml": test_podcast.feed(2, 1)}


class TestPlaylistFiles(Replayed):
    plugin, platform = PlaylistFiles, "file"
    missing = PlaylistRef("file", "none.m3u")

    def source(self) -> PlaylistSource:
        return plug("file", self.replay, folder=str(self.folder))

    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> None:
        self.folder = tmp_path
        (tmp_path / "a.m3u").write_bytes(b"#EXTM3U\n#EXTINF:10,A - One\nhttps://cdn.example/one.mp3\n")


class TestSubsonicPlaylists(Replayed):
    plugin, platform = SubsonicLists, "subsonic"
    settings: ClassVar = {"address": "http://music.test", "user": "mei", "secret": "x"}
    entry: ClassVar = {"id": "s1", "title": "晴天", "artist": "周杰伦", "duration": 20}
    answers: ClassVar = {
        "music.test/rest/getPlaylists.view": {
            "subsonic-response": {"status": "ok", "playlists": {"playlist": [{"id": "1", "name": "L", "songCount": 1}]}}
        },
        "music.test/rest/getPlaylist.view": {
            "subsonic-response": {"status": "ok", "playlist": {"id": "1", "name": "L", "songCount": 1, "entry": entry}}
        },
    }


def searched(request: Request, song: dict[str, Any]) -> dict[str, Any]:
    found = [song] if request.value("query") == song["title"] else []
    return {"subsonic-response": {"status": "ok", "searchResult3": {"song": found}}}


class Fetched(DownloadContract):
    """A source of files of ours."""

    want = TrackMeta("1", "Free", ("Band",), duration=20.0)

    @pytest.fixture(autouse=True)
    def _ready(self, replay: Replay, tmp_path: Path) -> Iterator[None]:
        shelf.forget()
        audio.write(tmp_path / "songs/a.mp3", SONG)
        for where in ("files.test/Band%20-%20Free.mp3", "music.test/rest/download.view"):
            replay.say(where, Response(200, SONG, "audio/mpeg"))
        song = {"id": "7", "title": "Free", "artist": "Band", "duration": 20, "suffix": "mp3", "size": len(SONG)}
        ok = {"status": "ok", "song": song}
        replay.say("music.test/rest/getSong.view", {"subsonic-response": ok})
        replay.say("music.test/rest/search3.view", lambda request: searched(request, song))
        self.folder = tmp_path / "songs"
        with Http(relay=replay.url, tries=1) as self.http:
            yield
        shelf.forget()

    def reach(self, secret: str = "", **settings: Any) -> Reach:
        return Reach(http=self.http, settings=settings, secret=secret, platform="here")


class TestLibrary(Fetched):
    plugin = Library

    def source(self) -> Any:
        return Library(self.reach(folder=str(self.folder)), "here")


class TestAddresses(Fetched):
    plugin = Addresses

    def source(self) -> Any:
        return Addresses(self.reach(urls="http://files.test/Band%20-%20Free.mp3"), "here")


class TestSubsonicFiles(Fetched):
    plugin = SubsonicFiles

    def source(self) -> Any:
        return SubsonicFiles(self.reach("x", address="http://music.test", user="mei"), "here")


class TestLocal(StorageContract):
    plugin = Local

    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> None:
        self.folder = tmp_path / "there"
        self.folder.mkdir()

    def storage(self) -> Any:
        return Local(str(self.folder), {"base_prefix": "lib"})


class TestBucket(StorageContract):
    plugin = S3

    @pytest.fixture(autouse=True)
    def _bucket(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        monkeypatch.setenv("CONTRACT_ACCESS_KEY_ID", servers.KEY)
        monkeypatch.setenv("CONTRACT_SECRET_ACCESS_KEY", servers.SECRET)
        with servers.s3(tmp_path / "served") as self.endpoint:
            yield

    def storage(self) -> Any:
        style = {"addressing_style": "path", "credential_env_prefix": "CONTRACT", "base_prefix": "lib"}
        return S3("music", {"endpoint": self.endpoint, **style})


# -- The contract itself


class Careless(Podcast):
    """What a plug-in should not be like."""

    wrong = ""

    def tracks(self, ref: PlaylistRef, strategy: str = "") -> Tracks:
        facts: dict[str, Any] = {"remote_id": "1", "title": "T", self.wrong: {"duration": -1.0}.get(self.wrong, [""])}
        return Tracks("ok", (TrackMeta(**facts),), PlaylistMeta(ref, "L"))


@pytest.mark.parametrize("wrong", ["duration", "artists"])
def test_it_finds_songs_that_are_not_as_we_know_them(replay: Replay, wrong: str) -> None:
    class Contract(SourceContract):
        plugin = type("One", (Careless,), {"wrong": wrong})

        def source(self) -> PlaylistSource:
            made: PlaylistSource = self.plugin(
                Reach(http=None, settings={"feeds": test_podcast.FEED}, platform="podcast")
            )
            return made

    with pytest.raises(AssertionError):
        Contract().test_it_reads_the_songs_of_a_list()
