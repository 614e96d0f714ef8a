from __future__ import annotations

from typing import Any

import pytest
from django.db.models import Count
from django.utils import timezone

from catalog.models import (
    Artist,
    ArtistPool,
    ArtistSong,
    FileAsset,
    Playlist,
    PlaylistSong,
    Pool,
    PoolArtist,
    PoolPlaylist,
    Song,
    Source,
)
from catalog.sources.base import TrackMeta, Tracks
from catalog.store import save_songs
from mediasync.jobs import services
from mediasync.jobs.choices import JobState
from mediasync.jobs.choices import Source as Asker
from mediasync.jobs.drain import drain
from mediasync.jobs.models import Item
from tests.catalog.jobs import items, run, states, switch_on
from tests.catalog.platforms import (
    KUWO_CHART,
    NETEASE_DETAIL,
    NETEASE_SONGS,
    QQ_DETAIL,
    QQ_NEW,
    kuwo_song,
    netease_list,
    netease_song,
    netease_songs,
    qq_toplist,
)
from tests.catalog.replay import Replay, recorded_json
from tests.fakes.server import Request

pytestmark = pytest.mark.django_db


def playlist(remote_id: str = "1", platform: str = "netease", pool: str = "", **more: Any) -> Playlist:
    row = Playlist.objects.create(platform=platform, remote_id=remote_id, name=f"List {remote_id}", **more)
    if pool:
        held, _ = Pool.objects.get_or_create(platform=platform, kind=pool, defaults={"name": pool})
        ArtistPool.objects.get_or_create(pool=held)
        PoolPlaylist.objects.create(pool=held, playlist=row)
    return row


def says(replay: Replay, *ids: int, **more: Any) -> None:
    replay.say(NETEASE_DETAIL, netease_list(list(ids), **more))
    replay.say(NETEASE_SONGS, netease_songs)


def held(row: Playlist) -> list[str]:
    return list(row.playlistsong_set.order_by("position").values_list("song__remote_id", flat=True))


def test_it_syncs_recorded_lists_of_three_platforms(replay: Replay) -> None:
    answer = recorded_json("netease_api_v6_playlist_detail.json")
    replay.say(NETEASE_DETAIL, answer)
    replay.say(NETEASE_SONGS, netease_songs)
    qq = recorded_json("qq_fcg_ucc_getcdinfo_byids_cp.json")
    replay.say(QQ_DETAIL, qq)
    kuwo = recorded_json("kuwo_api_www_bang_musicList.json")["data"]["musicList"]
    replay.say(KUWO_CHART, {"name": "热歌榜", "num": len(kuwo), "musiclist": kuwo})
    for name in ("netease", "qq", "kuwo"):
        switch_on(name, replay)
    first = playlist("7775163417", pool="toplist")
    second = playlist("7024415872", "qq")
    third = playlist("toplist_16", "kuwo", kind="toplist")
    job = run("sync_only")
    assert job.state == JobState.COMPLETED
    assert states(job, "sync") == {str(row.pk): "succeeded" for row in (first, second, third)}
    for row in (first, second, third):
        row.refresh_from_db()
    assert [row.sync_result for row in (first, second, third)] == ["ok", "partial", "ok"]
    assert (first.name, first.play_count, first.track_count) == ("赏音榜", 187247, 100)
    assert first.collected_song_count == first.songs.count() == 100
    assert held(first) == [str(each["id"]) for each in answer["playlist"]["trackIds"]]
    assert second.last_error == "6 of 20"
    song = Song.objects.get(platform="qq", remote_id="232854804")
    assert (song.name, song.singers, song.album, song.duration) == (
        "青玉案·元夕",
        "晓月老板",
        "行走歌谣（原力计划合辑Ⅲ）",
        217,
    )
    assert (song.ext, song.file_size_bytes, song.quality_label) == ("flac", 20305622, "lossless")
    assert song.snapshot["mid"] == "001hSVTk3F0guF"
    assert (song.resolved, song.assets.count(), FileAsset.objects.count()) == (False, 0, 0)  # deferred: no file yet


def test_it_asks_for_no_playable_link(replay: Replay) -> None:
    switch_on("netease", replay)
    says(replay, 1, 2, 3)
    playlist()
    run("sync_only")
    assert {request.path for request in replay.requests} == {f"/{NETEASE_DETAIL}", f"/{NETEASE_SONGS}"}


def test_it_keeps_artists_their_pool_and_links_in_step(replay: Replay) -> None:
    switch_on("netease", replay)
    replay.say(NETEASE_DETAIL, netease_list([1, 2, 3]))
    singers = {1: ["Ａlpha", " Beta "], 2: ["alpha"], 3: ["Gamma"]}

    def songs(request: Request) -> dict[str, Any]:
        found = [netease_song(n, ar=[{"id": 1, "name": name} for name in names]) for n, names in singers.items()]
        return {"code": 200, "songs": found}

    replay.say(NETEASE_SONGS, songs)
    row = playlist(pool="playlist_square")
    run("sync_only")
    assert set(Artist.objects.values_list("platform", "normalized_name")) == {
        ("netease", "alpha"),
        ("netease", "beta"),
        ("netease", "gamma"),
    }
    assert PoolArtist.objects.filter(artist_pool__pool__poolplaylist__playlist=row).count() == 3
    assert Song.objects.get(remote_id="1").singers == "Ａlpha / Beta"
    singers[3] = ["Delta"]
    run("sync_only")
    assert list(Song.objects.get(remote_id="3").artists.values_list("normalized_name", flat=True)) == ["delta"]
    assert ArtistSong.objects.count() == 4
    assert PoolArtist.objects.count() == 4  # who was heard there once stays


def test_it_keeps_the_first_of_doubles_and_follows_the_order(replay: Replay) -> None:
    switch_on("netease", replay)
    row = playlist()
    says(replay, 5, 3, 5, 9, 3)
    run("sync_only")
    assert held(row) == ["5", "3", "9"]
    says(replay, 9, 5, 3)
    run("sync_only")
    assert held(row) == ["9", "5", "3"]
    assert list(row.playlistsong_set.order_by("position").values_list("position", flat=True)) == [0, 1, 2]
    assert Song.objects.count() == 3


def test_it_writes_a_song_for_ever_once(replay: Replay) -> None:
    switch_on("netease", replay)
    rows = [playlist(str(n)) for n in range(3)]
    says(replay, 1, 2, 3)
    job = run("sync_only")
    assert job.state == JobState.COMPLETED
    assert Song.objects.count() == 3
    assert [row.songs.count() for row in rows] == [3, 3, 3]
    again = run("sync_only")
    assert {item.result["new"] + item.result["changed"] for item in items(again, "sync").values()} == {0}
    ids = set(Song.objects.values_list("pk", flat=True))
    replay.say(NETEASE_SONGS, {"code": 200, "songs": [netease_song(n, name=f"new {n}", al={}) for n in (1, 2, 3)]})
    changed = run("sync_only", playlists=[rows[0].pk])
    assert items(changed, "sync")[str(rows[0].pk)].result["changed"] == 3
    assert set(Song.objects.values_list("pk", flat=True)) == ids
    assert Song.objects.get(remote_id="1").name == "new 1"
    assert Song.objects.get(remote_id="1").album == "专辑 0"  # what is not said any more stays


def test_it_leaves_alone_what_a_file_said_of_a_song(replay: Replay) -> None:
    switch_on("netease", replay)
    says(replay, 1)
    playlist()
    run("sync_only")
    Song.objects.update(resolved=True, ext="mp3", file_size_bytes=77, quality_label="320k")
    job = run("sync_only")
    assert next(iter(items(job, "sync").values())).result["changed"] == 0
    assert Song.objects.values_list("ext", "file_size_bytes", "quality_label").get() == ("mp3", 77, "320k")


def test_it_tells_empty_private_partial_and_unreadable_lists_apart(replay: Replay) -> None:
    switch_on("netease", replay)
    answers = {
        "1": netease_list([]),
        "2": {"code": 20001, "message": "登录后才可查看"},
        "3": netease_list([1, 2], trackCount=9),
        "4": {"code": 200, "odd": True},
        "5": netease_list([1, 2]),
    }
    replay.say(NETEASE_DETAIL, lambda request: answers[request.value("id")])
    replay.say(NETEASE_SONGS, netease_songs)
    rows = {number: playlist(number) for number in answers}
    job = run("sync_only")
    found = dict(Playlist.objects.values_list("remote_id", "sync_result"))
    assert found == {"1": "empty", "2": "private", "3": "partial", "4": "parse_error", "5": "ok"}
    assert job.state == JobState.COMPLETED_WITH_ERRORS
    outcome = {number: states(job, "sync")[str(row.pk)] for number, row in rows.items()}
    assert outcome == {"1": "succeeded", "2": "skipped", "3": "succeeded", "4": "failed", "5": "succeeded"}
    errors = dict(Playlist.objects.values_list("remote_id", "last_error"))
    assert "登录后才可查看" in errors["2"] and errors["3"] == "2 of 9" and "odd" in errors["4"]
    synced = set(Playlist.objects.exclude(synced_at=None).values_list("remote_id", flat=True))
    assert synced == {"1", "3", "5"}  # the others were never read


def test_it_retries_one_list_alone(replay: Replay) -> None:
    switch_on("netease", replay)
    says(replay, 1)
    good, bad = playlist("1"), playlist("2")
    answers = {"1": netease_list([1]), "2": {"code": 200}}
    replay.say(NETEASE_DETAIL, lambda request: answers[request.value("id")])
    job = run("sync_only")
    assert states(job, "sync") == {str(good.pk): "succeeded", str(bad.pk): "failed"}
    answers["2"] = netease_list([1, 2])
    asked = len(replay.asked(NETEASE_DETAIL))
    services.retry_items(job, [items(job, "sync")[str(bad.pk)].pk], actor="me", source=Asker.WEB)
    job = drain(job.pk, threads=False)
    assert job.state == JobState.COMPLETED
    assert len(replay.asked(NETEASE_DETAIL)) == asked + 1
    assert held(bad) == ["1", "2"]
    services.force_retry_items(job, [items(job, "sync")[str(good.pk)].pk], actor="me", source=Asker.WEB)
    assert drain(job.pk, threads=False).state == JobState.COMPLETED
    assert len(replay.asked(NETEASE_DETAIL)) == asked + 2


def test_it_syncs_what_a_scope_says_the_longest_waiting_first(replay: Replay) -> None:
    for name in ("netease", "qq"):
        switch_on(name, replay)
    says(replay, 1)
    old = [playlist(str(n)) for n in range(4)]
    run("sync_only", playlists=[row.pk for row in old])
    new = [playlist(str(n), wanted=True) for n in range(4, 7)]
    playlist("8", "qq")
    job = run("sync_only", sources=["netease"], limit=4)
    assert list(items(job, "sync")) == [str(row.pk) for row in (*new, old[0])]
    assert set(items(run("sync_only", wanted=True), "sync")) == {str(row.pk) for row in new}
    replay.say(QQ_DETAIL, {"code": 0, "subcode": 4000})
    assert len(items(run("sync_only", sources=["qq"]), "sync")) == 1


def test_it_lets_lists_that_cannot_be_read_keep_nobody_from_being_synced(replay: Replay) -> None:
    switch_on("netease", replay)
    says(replay, 1)
    private, unread = playlist("1", sync_result="private"), playlist("2", sync_result="parse_error")
    others = [playlist(str(n)) for n in range(3, 7)]
    for pair in (others[:2], others[2:], others[:2]):
        assert list(items(run("sync_only", limit=2), "sync")) == [str(row.pk) for row in pair]
    assert list(items(run("sync_only"), "sync"))[4:] == [str(private.pk), str(unread.pk)]


def test_it_drops_no_link_on_an_incomplete_answer(replay: Replay) -> None:
    switch_on("netease", replay)
    row = playlist()
    says(replay, 1, 2, 3)
    run("sync_only")
    says(replay, 3, trackCount=3)  # "suddenly of one song"
    run("sync_only")
    assert held(row) == ["1", "2", "3"]
    for answer in ({"code": 20001}, {"code": 200}, netease_list([], trackCount=3)):
        replay.say(NETEASE_DETAIL, answer)
        run("sync_only")
        assert held(row) == ["1", "2", "3"], answer
    row.refresh_from_db()
    assert row.collected_song_count == 3


def test_it_believes_that_a_list_is_empty_when_it_is_said_twice(replay: Replay) -> None:
    switch_on("netease", replay)
    row = playlist()
    says(replay, 1, 2)
    run("sync_only")
    says(replay)
    run("sync_only")
    row.refresh_from_db()
    assert (row.sync_result, held(row)) == ("empty", ["1", "2"])
    run("sync_only")
    row.refresh_from_db()
    assert (row.collected_song_count, held(row)) == (0, [])
    assert Song.objects.count() == 2


def test_it_drops_the_link_of_a_song_that_left_and_keeps_the_song(replay: Replay) -> None:
    switch_on("netease", replay)
    row = playlist()
    says(replay, 1, 2, 3)
    run("sync_only")
    says(replay, 1, 3)
    job = run("sync_only")
    assert held(row) == ["1", "3"]
    assert items(job, "sync")[str(row.pk)].result["left"] == 1
    assert Song.objects.count() == 3


def test_it_keeps_readings_of_a_chart_as_what_is_no_music(replay: Replay) -> None:
    switch_on("qq", replay)
    row = playlist("toplist_26", "qq", kind="toplist")
    replay.say(QQ_NEW, qq_toplist([4], readings=2))
    run("sync_only")
    kinds = row.playlistsong_set.order_by("position").values_list("song__kind", flat=True)
    assert list(kinds) == ["music", "non_music", "non_music"]
    reading = Song.objects.filter(kind="non_music").first()
    assert reading and reading.remote_id.startswith("qqtop_") and reading.snapshot["qq_toplist_fallback"]
    row.refresh_from_db()
    assert row.strategy == "qq_toplist"


def test_it_asks_a_source_whose_login_is_wrong_no_second_time(replay: Replay) -> None:
    switch_on("netease", replay)
    replay.say(NETEASE_DETAIL, {"code": 403, "msg": "forbidden"})
    for n in range(4):
        playlist(str(n))
    job = run("sync_only", workers=1)
    assert job.state == JobState.COMPLETED_WITH_ERRORS
    assert set(states(job, "sync").values()) == {"failed"}
    assert len(replay.requests) == 1
    assert "forbidden" in Source.objects.get().last_error
    says(replay, 1)
    run("sync_only")
    assert Source.objects.get().last_error == ""


def test_it_stores_whatever_a_platform_says(replay: Replay) -> None:
    switch_on("netease", replay)
    odd = netease_song(1, name="x" * 5000, ar=[{"name": "y\x00" * 300}, {"name": None}, {}], dt=10**30)
    more = netease_song(2, name="", ar=[], al=None, dt="soon", sq={"size": -5}, alia=["\ud83d"])
    replay.say(NETEASE_DETAIL, netease_list([1, 2], name="n\x00" * 400, playCount=10**40, trackCount=2))
    replay.say(NETEASE_SONGS, {"code": 200, "songs": [odd, more]})
    row = playlist()
    job = run("sync_only")
    assert job.state == JobState.COMPLETED, items(job, "sync")[str(row.pk)].error_params
    first, second = Song.objects.order_by("remote_id")
    assert (len(first.name), len(first.singers), first.duration) == (300, 300, None)
    assert (second.name, second.singers, second.duration, second.file_size_bytes) == ("2", "", None, None)
    row.refresh_from_db()
    assert (len(row.name), row.play_count) == (300, None)


def test_it_skips_a_list_that_is_gone_or_whose_source_was_switched_off(replay: Replay) -> None:
    switch_on("netease", replay)
    says(replay, 1)
    first, second = playlist("1"), playlist("2")
    job = run("sync_only")
    asked = len(replay.requests)
    Playlist.objects.filter(pk=first.pk).delete()
    Source.objects.update(enabled=False)
    services.force_retry_items(job, [item.pk for item in items(job, "sync").values()], actor="me", source=Asker.WEB)
    drain(job.pk, threads=False)
    found = {key: (item.state, item.error_code) for key, item in items(job, "sync").items()}
    assert found == {str(first.pk): ("skipped", "playlist_gone"), str(second.pk): ("skipped", "source_off")}
    assert len(replay.requests) == asked


def test_it_skips_a_list_that_is_deleted_while_it_is_asked_for(replay: Replay, monkeypatch: pytest.MonkeyPatch) -> None:
    switch_on("netease", replay)
    row = playlist("1")

    def tracks(*_: Any) -> Tracks:
        Playlist.objects.filter(pk=row.pk).delete()
        return Tracks("ok", (TrackMeta("1", "t"),))

    monkeypatch.setattr("catalog.sources.netease.Netease.tracks", tracks)
    job = run("sync_only")
    assert [(item.state, item.error_code) for item in items(job, "sync").values()] == [("skipped", "playlist_gone")]
    assert not Song.objects.exists()


def test_it_stores_artists_that_other_plug_ins_read_carelessly() -> None:
    ids, _stored = save_songs("x", [TrackMeta("1", "t", ("a\0b", "c\ud800", "\0"))], timezone.now())
    assert sorted(Artist.objects.filter(songs=ids["1"]).values_list("name", flat=True)) == ["ab", "c?"]


def test_it_groups_lists_by_their_source(replay: Replay) -> None:
    for name in ("netease", "kuwo"):
        switch_on(name, replay)
    says(replay, 1)
    replay.say(KUWO_CHART, {"name": "榜", "num": 1, "musiclist": [kuwo_song(1)]})
    for number in ("1", "2"):
        playlist(number)
    playlist("toplist_1", "kuwo", kind="toplist")
    job = run("sync_only")
    counts = Item.objects.filter(stage__job=job).values_list("group__key").annotate(n=Count("pk"))
    assert dict(counts) == {"netease": 2, "kuwo": 1}
    assert PlaylistSong.objects.count() == 3
