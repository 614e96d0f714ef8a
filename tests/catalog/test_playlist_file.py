from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest

from catalog import playlist_file
from catalog.models import Playlist, PlaylistSong, Pool, Source
from catalog.playlist_file import Entry, parse, take, take_file
from catalog.sources import files
from mediasync.core.errors import UsageError
from mediasync.jobs.choices import JobState
from mediasync.jobs.models import Item
from tests.catalog.jobs import run, switch_on
from tests.catalog.platforms import NETEASE_DETAIL, NETEASE_SONGS, netease_list, netease_songs
from tests.catalog.replay import Replay

pytestmark = pytest.mark.django_db

SEED = """# 注释行
https://music.163.com/#/playlist?id=17745989905

qq,https://y.qq.com/n/ryqq/playlist/7707261125
https://y.qq.com/n/ryqq/toplist/26
https://www.kuwo.cn/rankList?bangId=16
"""


@pytest.fixture
def three(replay: Replay) -> None:
    for name in ("netease", "qq", "kuwo"):
        switch_on(name, replay)


def parsed(content: str | bytes) -> tuple[list[tuple[str, str, str]], dict[int, str]]:
    raw = content if isinstance(content, bytes) else content.encode()
    found = list(parse(raw, {row.name: row for row in Source.objects.all()}))
    entries = [(each.platform, each.ref.remote_id, each.ref.kind) for each in found if isinstance(each, Entry)]
    return entries, dict(each for each in found if not isinstance(each, Entry))


ALL = [
    ("netease", "17745989905", "playlist"),
    ("qq", "7707261125", "playlist"),
    ("qq", "toplist_26", "toplist"),
    ("kuwo", "toplist_16", "toplist"),
]


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize(
    "content",
    [
        SEED,
        SEED.replace("\n", "\r\n"),
        "\ufeff" + SEED,
        SEED.replace("qq,", " QQ ， "),
        SEED.encode("utf-16"),
        SEED.encode("gb18030"),
        SEED + SEED,
        SEED + "netease,https://music.163.com/playlist?id=17745989905&uct=1",
    ],
)
def test_it_reads_the_lines_of_the_seed(content: str | bytes) -> None:
    assert parsed(content) == (ALL, {})


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("kuwo,https://music.163.com/#/playlist?id=1", "kuwo has no playlist at this address"),
        ("migu,https://music.migu.cn/playlist/1", "There is no source migu."),
        ("https://music.example/list/1", "No source knows this address"),
        ("just words", "This is no address"),
        ("netease,", "This is no address"),
        ("netease,ftp://music.163.com/playlist?id=1", "This is no address"),
        ("https://music.163.com/#/playlist?id=1 and more", "This is no address"),
        ("https://listenbrainz.org/playlist/0cf18183-a3c6-4bf8-8a04-bd8a5f2de4a5", "listenbrainz is not switched on"),
    ],
)
def test_it_reports_a_line_and_goes_on(line: str, problem: str) -> None:
    entries, problems = parsed(f"# one\n{line}\n\nhttps://y.qq.com/n/ryqq/toplist/26\n")
    assert entries == [("qq", "toplist_26", "toplist")]
    assert list(problems) == [2] and problem in problems[2]


def test_it_names_no_list_of_a_source_that_is_switched_off(replay: Replay) -> None:
    switch_on("netease", replay)
    Source.objects.update(enabled=False)
    entries, problems = parsed(SEED)
    assert not entries
    assert {line: "not switched on" in text for line, text in problems.items()} == dict.fromkeys((2, 4, 5, 6), True)


def test_it_uses_the_source_that_is_switched_on_whatever_it_is_called(replay: Replay) -> None:
    switch_on("cloud", replay, "netease")
    assert parsed("https://music.163.com/#/playlist?id=5")[0] == [("cloud", "5", "playlist")]
    assert parsed("cloud,https://music.163.com/#/playlist?id=5")[0] == [("cloud", "5", "playlist")]
    assert parsed("netease,https://music.163.com/#/playlist?id=5")[0] == [("cloud", "5", "playlist")]


@pytest.mark.usefixtures("three")
def test_it_writes_pools_of_files_and_asks_nobody(replay: Replay, tmp_path: Path) -> None:
    path = tmp_path / "我的 playlists.txt"
    path.write_text(SEED + "what is this\n")
    taken = take_file(str(path))
    assert taken.new == 4 and list(dict(taken.problems)) == [7]
    rows = [Playlist.objects.get(pk=pk) for pk in taken.playlists]
    assert [(row.platform, row.remote_id, row.kind) for row in rows] == ALL
    pools = set(Pool.objects.values_list("platform", "kind", "key"))
    assert pools == {(name, "manual_file", "我的 playlists.txt") for name in ("netease", "qq", "kuwo")}
    assert not replay.requests
    again = take_file(str(path))
    assert (again.playlists, again.new) == (taken.playlists, 0)


def test_it_syncs_only_the_lists_of_the_file(replay: Replay) -> None:
    switch_on("netease", replay)
    replay.say(NETEASE_DETAIL, lambda request: netease_list([1, 2], int(request.value("id"))))
    replay.say(NETEASE_SONGS, netease_songs)
    Playlist.objects.create(platform="netease", remote_id="99", name="Other")
    taken = take(b"https://music.163.com/#/playlist?id=7\nhttps://music.163.com/#/playlist?id=8")
    job = run("sync_only", playlists=taken.playlists)
    assert job.state == JobState.COMPLETED
    assert Item.objects.filter(stage__job=job).count() == 2
    assert Playlist.objects.filter(synced_at=None).get().remote_id == "99"
    assert Playlist.objects.get(remote_id="7").name == "歌单 7"


M3U = "#EXTM3U\n#PLAYLIST:路上\n#EXTINF:269,周杰伦 - 晴天\n../music/01 晴天.mp3\n/x/02 - Queen - One.flac\n"
XSPF = """<?xml version="1.0"?><playlist version="1" xmlns="http://xspf.org/ns/0/"><title>Mix</title><trackList>
<track><title>晴天</title><creator>周杰伦</creator><album>叶惠美</album><duration>269000</duration>
<identifier>https://musicbrainz.org/recording/0cf18183-a3c6-4bf8-8a04-bd8a5f2de4a5</identifier>
<location>https://example.com/a.mp3</location></track><track><title></title></track></trackList></playlist>"""
JSPF = {
    "playlist": {"title": "J", "track": [{"title": "晴天", "creator": "周杰伦", "duration": 269000}, {"album": "x"}]}
}


@pytest.mark.parametrize(
    ("name", "content", "title", "songs"),
    [
        ("a.m3u", M3U, "路上", [("晴天", "周杰伦", 269.0), ("One", "Queen", None)]),
        ("a.m3u", "\ufeff" + M3U.replace("\n", "\r\n"), "路上", [("晴天", "周杰伦", 269.0), ("One", "Queen", None)]),
        ("b.xspf", XSPF, "Mix", [("晴天", "周杰伦", 269.0)]),
        ("c.json", json.dumps(JSPF), "J", [("晴天", "周杰伦", 269.0)]),
    ],
)
def test_it_keeps_playlists_with_songs_and_syncs_them(
    name: str, content: str, title: str, songs: list[tuple[str, str, float | None]]
) -> None:
    taken = take(content.encode(), name)
    assert not taken.problems
    row = Playlist.objects.get(pk=taken.playlists[0])
    assert (row.platform, row.name, row.pools.get().kind) == ("file", title, "manual_file")
    assert run("sync_only", playlists=taken.playlists).state == JobState.COMPLETED
    row.refresh_from_db()
    assert row.sync_result == "ok"
    links = row.playlistsong_set.order_by("position")
    assert list(links.values_list("song__name", "song__singers", "song__duration")) == songs
    assert (files.folder() / row.remote_id).read_bytes() == content.encode()


def test_it_knows_a_song_again_wherever_it_stands() -> None:
    take(M3U.encode(), "a.m3u")
    lines = M3U.splitlines()
    take("\n".join([lines[0], lines[4], lines[2], "elsewhere/x.mp3"]).encode(), "b.m3u")
    run("sync_only")
    first, second = Playlist.objects.order_by("pk")
    assert [song.pk for song in first.songs.order_by("playlistsong__position")] == [
        song.pk for song in second.songs.order_by("-playlistsong__position")
    ]


def test_it_follows_a_file_that_was_brought_again() -> None:
    (pk,) = take(M3U.encode(), "a.m3u").playlists
    run("sync_only")
    assert take(M3U.replace("晴天", "稻香").encode(), "a.m3u").playlists == [pk]
    run("sync_only")
    assert set(Playlist.objects.get(pk=pk).songs.values_list("name", flat=True)) == {"稻香", "One"}


@pytest.mark.parametrize(
    "name", ["../../etc/passwd.m3u", "/etc/x.m3u", "..m3u", "a\x00b.m3u", "", "x" * 400 + ".m3u", "长" * 90 + ".m3u"]
)
def test_it_keeps_files_inside_its_folder(name: str) -> None:
    (pk,) = take(M3U.encode(), name).playlists
    path = files.folder() / Playlist.objects.get(pk=pk).remote_id
    assert path.resolve().parent == files.folder().resolve() and path.is_file()
    assert run("sync_only", playlists=[pk]).state == JobState.COMPLETED


BOMB = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><playlist><title>&b;</title></playlist>'
OUTSIDE = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><playlist><title>&a;</title></playlist>'


@pytest.mark.parametrize(
    "content", [BOMB, OUTSIDE, "<html></html>", "<playlist>", "{}", "{", '{"playlist": 5}', "{" * 9999]
)
def test_it_refuses_what_it_cannot_read(content: str) -> None:
    with pytest.raises(UsageError):
        take(content.encode(), "a.xspf")
    assert not Playlist.objects.exists()


def test_it_refuses_what_is_too_much(monkeypatch: pytest.MonkeyPatch, replay: Replay, tmp_path: Path) -> None:
    switch_on("netease", replay)
    monkeypatch.setattr(playlist_file, "LARGEST", 100)
    with pytest.raises(UsageError, match="large"):
        take(b"#" * 101)
    monkeypatch.setattr(playlist_file, "LARGEST", 10_000)
    monkeypatch.setattr(playlist_file, "MOST", 3)
    lines = "\n".join(f"https://music.163.com/playlist?id={n}" for n in range(1, 5))
    with pytest.raises(UsageError, match="more than 3"):
        take(lines.encode())
    with pytest.raises(UsageError, match="No such file"):
        take_file(str(tmp_path / "none.txt"))


def test_it_takes_no_file_while_its_source_is_switched_off() -> None:
    Source.objects.create(name="file", plugin="file", enabled=False)
    with pytest.raises(UsageError, match="switched off"):
        take(M3U.encode(), "a.m3u")


@pytest.mark.parametrize(
    ("content", "titles"),
    [
        (b"/music/Singer - Song.mp3\n\n02 Other.mp3\n", ["Song", "Other"]),
        ("#EXTM3U\n#EXTINF:1,甲 - 乙\na.mp3\n".encode("utf-16"), ["乙"]),
    ],
)
def test_it_takes_a_plain_file_of_names_and_what_windows_saves(content: bytes, titles: list[str]) -> None:
    taken = take(content, "Mine.M3U")
    (row,) = Playlist.objects.filter(pk__in=taken.playlists)
    assert (row.remote_id, row.track_count, taken.problems) == ("Mine.m3u8", len(titles), [])
    run("sync_only", playlists=taken.playlists)
    links = PlaylistSong.objects.filter(playlist=row).order_by("position")
    assert list(links.values_list("song__name", flat=True)) == titles


def test_it_says_why_a_file_cannot_be_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    files.folder().mkdir(parents=True, exist_ok=True)
    before = os.listdir(files.folder())
    monkeypatch.setattr("os.replace", full)
    with pytest.raises(UsageError, match="No space left"):
        take(b"#EXTM3U\na.mp3", "a.m3u")
    assert os.listdir(files.folder()) == before and not Playlist.objects.exists()
