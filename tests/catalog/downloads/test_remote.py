"""Tests for files on WebDAV and S3 servers, with real ones of rclone, and for addresses."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from catalog.downloads.base import Candidate
from catalog.downloads.url import candidates
from catalog.errors import ParseError, Unavailable
from mediasync.core.errors import AccessDenied, NeedsOperator, UsageError
from tests.catalog import audio
from tests.catalog.replay import Replay
from tests.catalog.storage import servers
from tests.fakes.server import Response

from .conftest import Make, brought, quiet, want

SONG = audio.mp3("晴天", "周杰伦", 3)


@pytest.fixture(params=servers.BINARIES, ids=["new", "debian"])
def webdav(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    binary: Path = request.param
    if not servers.knows(binary, "serve", "webdav"):
        pytest.skip(f"{binary} cannot serve WebDAV")
    audio.write(tmp_path / "cloud/周杰伦/叶惠美/01 - 晴天 #1?.mp3", SONG)
    audio.write(tmp_path / "cloud/a b&c/100%.flac", audio.flac("x", "y"))
    audio.write(tmp_path / "cloud/cover.jpg", b"jpg")
    (tmp_path / "home").mkdir()
    port = servers.free_port()
    login = ("--user", servers.USER, "--pass", servers.PASSWORD)
    command = ("serve", "webdav", "--addr", f"127.0.0.1:{port}", *login, str(tmp_path / "cloud"))
    with servers.rclone(binary, tmp_path / "home", port, *command):
        yield f"http://127.0.0.1:{port}"


def test_it_takes_files_from_a_real_webdav_server(webdav: str, make: Make, part: Path, tmp_path: Path) -> None:
    source = make("webdav", {"address": webdav, "user": servers.USER}, servers.PASSWORD)
    (found,) = source.search(want("晴天 #1?", "周杰伦"))
    assert (found.artists, found.album, found.ext, found.size) == (("周杰伦",), "叶惠美", "mp3", len(SONG))
    part.write_bytes(SONG[:1000])  # an earlier try of which nobody knows what it was
    assert brought(source, found, part) == SONG
    (other,) = source.search(want("100%"))
    assert brought(source, other, part).startswith(b"fLaC")
    below = make("webdav", {"address": f"{webdav}/a%20b&c", "user": servers.USER}, servers.PASSWORD)
    assert [each.key for each in below.search(want("100%"))] == ["100%.flac"]
    with pytest.raises(AccessDenied):
        make("webdav", {"address": webdav, "user": "nobody"}, "x").search(want("x"))


def test_it_stays_below_its_webdav_folder(make: Make, part: Path) -> None:
    def item(href: str) -> str:
        return f"<d:response><d:href>{href}</d:href><d:propstat><d:prop/></d:propstat></d:response>"

    hrefs = ("/dav/", "/dav/in.mp3", "/other/out.mp3", "/dav/../up.mp3", "http://evil.example/dav/x.mp3")
    body = f'<?xml version="1.0"?><d:multistatus xmlns:d="DAV:">{"".join(map(item, hrefs))}</d:multistatus>'
    with Replay() as replay:
        replay.say("cloud.test/dav/", Response(207, body.encode(), "application/xml"))
        source = make("webdav", {"address": "http://cloud.test/dav", **replay.settings})
        assert sorted(each.key for each in source._all()) == ["in.mp3", "x.mp3"]  # x.mp3 is asked for at our own host
        replay.say("cloud.test/dav/", Response(207, b"<!DOCTYPE x [<!ENTITY a 'b'>]><x>&a;</x>", "application/xml"))
        with pytest.raises(ParseError):
            list(source._all())
    with pytest.raises(Unavailable):
        source.fetch(Candidate("s", "k", "t", opaque={"path": "../x.mp3"}), part, quiet)


def test_it_takes_files_from_a_real_bucket(
    tmp_path: Path, make: Make, part: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("boto3", reason="optional: the extra [s3]")
    with servers.s3(tmp_path / "s3") as address:
        audio.write(tmp_path / "s3/music/mine/周杰伦/晴天 + 1.mp3", SONG)
        audio.write(tmp_path / "s3/music/other/晴天 + 1.mp3", b"not mine")
        monkeypatch.setenv("TEST_S3_ACCESS_KEY_ID", servers.KEY)
        monkeypatch.setenv("TEST_S3_SECRET_ACCESS_KEY", servers.SECRET)
        settings = {
            "bucket": "music",
            "endpoint": address,
            "base_prefix": "mine",
            "addressing_style": "path",
            "credential_env_prefix": "TEST_S3",
        }
        source = make("s3", settings)
        (found,) = source.search(want("晴天 + 1", "周杰伦"))
        assert (found.artists, found.size, found.opaque["key"]) == (("周杰伦",), len(SONG), "mine/周杰伦/晴天 + 1.mp3")
        assert brought(source, found, part) == SONG
        monkeypatch.setenv("TEST_S3_SECRET_ACCESS_KEY", "wrong")
        with pytest.raises(AccessDenied):
            make("s3", {**settings, "base_prefix": "x"}).search(want("x"))
        monkeypatch.delenv("TEST_S3_SECRET_ACCESS_KEY")
        with pytest.raises(NeedsOperator):
            make("s3", {**settings, "base_prefix": "y"}).search(want("x"))


M3U = """\ufeff#EXTM3U\r
#EXTINF:269,周杰伦 - 晴天
jay/sunny.mp3
#EXTINF:-1 x="y",Only a title
http://files.test/2.mp3

# a remark
Some%20One%20-%20Blue%20Sky.flac
ftp://files.test/no.mp3
"""


def test_it_reads_lists_of_addresses() -> None:
    found = list(candidates("s", M3U.lstrip("\ufeff").splitlines(), "http://files.test/music/list.m3u"))
    assert [(each.title, each.artists, each.duration, each.key) for each in found] == [
        ("晴天", ("周杰伦",), 269.0, "http://files.test/music/jay/sunny.mp3"),
        ("Only a title", (), None, "http://files.test/2.mp3"),
        ("Blue Sky", ("Some One",), None, "http://files.test/music/Some%20One%20-%20Blue%20Sky.flac"),
    ]
    assert list(candidates("s", ["relative.mp3", "", "#"], "")) == []


def test_it_shows_its_login_to_the_host_of_the_list_only(make: Make, part: Path) -> None:
    with Replay() as replay:
        replay.say("files.test/list.m3u", b"http://files.test/Own.mp3\nhttp://else.test/Else.mp3\n")
        replay.say("files.test/Own.mp3", Response(200, SONG, "audio/mpeg"))
        replay.say("else.test/Else.mp3", Response(200, SONG, "audio/mpeg"))
        source = make("http", {"list": "http://files.test/list.m3u", "user": "mei", **replay.settings}, "secret")
        for title in ("Own", "Else"):
            assert brought(source, source.search(want(title))[0], part) == SONG
        login = {request.path: "authorization" in request.headers for request in replay.requests}
        assert login == {"/files.test/list.m3u": True, "/files.test/Own.mp3": True, "/else.test/Else.mp3": False}
    with pytest.raises(UsageError):
        make("http", {"list": "file:///etc/passwd"})


def test_it_takes_what_a_song_offers_itself_without_doubt(make: Make, part: Path) -> None:
    with Replay() as replay:
        replay.say("pod.test/1.mp3", Response(200, SONG, "audio/mpeg"))
        source = make("http", replay.settings)
        episode = want("Episode 1", snapshot={"url": "http://pod.test/1.mp3", "feed": "http://pod.test/feed"})
        (found,) = source.search(episode)
        assert found.exact
        assert brought(source, found, part) == SONG
        assert source.search(want("Episode 1")) == []
        assert source.search(want("x", snapshot={"url": "file:///etc/passwd"})) == []


@pytest.mark.parametrize("feed", ["", "http://8.8.8.8/feed"])
def test_it_lets_no_feed_lead_into_our_network(make: Make, part: Path, feed: str) -> None:
    with Replay() as inside:
        inside.say("secret", Response(200, SONG, "audio/mpeg"))
        source = make("http")
        (found,) = source.search(want("x", snapshot={"url": f"{inside.url}/secret", "feed": feed}))
        with pytest.raises(Exception) as refused:
            source.fetch(found, part, quiet)
        assert getattr(refused.value, "code", "") == "source_private"
        assert inside.requests == []
        (found,) = source.search(want("x", snapshot={"url": f"{inside.url}/secret", "feed": "http://127.0.0.1/feed"}))
        assert brought(source, found, part) == SONG
