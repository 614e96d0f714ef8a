from __future__ import annotations

import pytest

from catalog.collecting import pages
from catalog.models import ArtistPool, Playlist, Pool, PoolPlaylist, Source
from catalog.sources.base import Page, PlaylistMeta, PlaylistRef
from mediasync.core.errors import UsageError
from mediasync.jobs.choices import JobState
from mediasync.jobs.models import SliceSlot, Stage
from tests.catalog.jobs import items, run, states, switch_on
from tests.catalog.platforms import (
    KUWO_MENU,
    KUWO_SQUARE,
    NETEASE_SQUARE,
    NETEASE_TOPLIST,
    QQ_NEW,
    QQ_SQUARE,
    kuwo_menu,
    kuwo_square,
    netease_square,
    qq_square,
    qq_toplists,
)
from tests.catalog.replay import Replay, recorded_json
from tests.fakes.server import Request

pytestmark = pytest.mark.django_db


def page(*ids: int, more: bool = True) -> Page:
    return Page(tuple(PlaylistMeta(PlaylistRef("x", str(n)), f"List {n}") for n in ids), more)


def numbers(found: list[Page]) -> list[list[int]]:
    return [[int(meta.ref.remote_id) for meta in each.playlists] for each in found]


def test_it_stops_where_there_is_no_more() -> None:
    assert numbers(list(pages([page(1, 2), page(3, more=False), page(4)]))) == [[1, 2], [3]]


def test_it_stops_where_a_whole_page_came_before() -> None:
    endless = iter(lambda: page(1, 2), None)
    assert numbers(list(pages(endless))) == [[1, 2]]


def test_it_goes_on_where_a_page_overlaps_the_last_one() -> None:
    assert numbers(list(pages([page(1, 2), page(2, 3), page(3, 2), page(4)]))) == [[1, 2], [3]]
    assert numbers(list(pages([page(1, 1, 2), page(2, 3), page(4, more=False)]))) == [[1, 2], [3], [4]]


def test_it_lets_an_empty_page_pass_while_there_is_more() -> None:
    assert numbers(list(pages([page(1), page(), page(2, more=False)]))) == [[1], [], [2]]


def say_all(replay: Replay) -> None:
    replay.say(NETEASE_TOPLIST, recorded_json("netease_api_toplist.json"))
    replay.say(NETEASE_SQUARE, netease_square)
    replay.say(QQ_NEW, qq_toplists())
    replay.say(QQ_SQUARE, qq_square)
    replay.say(KUWO_MENU, kuwo_menu())
    replay.say(KUWO_SQUARE, kuwo_square)


def test_it_collects_squares_and_toplists_of_all_sources(replay: Replay) -> None:
    say_all(replay)
    for name in ("netease", "qq", "kuwo"):
        switch_on(name, replay)
    job = run("collect_only")
    assert job.state == JobState.COMPLETED
    assert states(job, "collect") == {
        f"{name}/{pool}": "succeeded" for name in ("netease", "qq", "kuwo") for pool in ("playlist_square", "toplist")
    }
    held = {(pool.platform, pool.kind): pool.playlists.count() for pool in Pool.objects.all()}
    recorded = len(recorded_json("netease_api_toplist.json")["list"])
    assert held == {
        ("netease", "playlist_square"): 80,
        ("netease", "toplist"): recorded,
        ("qq", "playlist_square"): 70,
        ("qq", "toplist"): 2,
        ("kuwo", "playlist_square"): 39,
        ("kuwo", "toplist"): 2,
    }
    assert ArtistPool.objects.count() == Pool.objects.count() == 6
    assert not Pool.objects.filter(collected_at=None).exists()
    top = Playlist.objects.get(platform="netease", remote_id="19723756")
    assert (top.name, top.track_count, top.play_count) == ("飙升榜", 100, 5295054336)
    assert (top.strategy, top.kind, top.sync_result) == ("netease_toplist", "toplist", "never")
    assert top.url == "https://music.163.com/#/playlist?id=19723756"
    assert Stage.objects.get(job=job).result["playlists"] == sum(held.values())


def test_it_collects_again_without_doubles_and_back_fills(replay: Replay) -> None:
    say_all(replay)
    switch_on("netease", replay)
    run("collect_only", pools=["playlist_square"])
    Playlist.objects.filter(remote_id="3").update(play_count=None, track_count=None, name="old")
    Playlist.objects.filter(remote_id="4").update(wanted=True, mode="mirror", collected_song_count=7)
    job = run("collect_only", pools=["playlist_square"])
    assert items(job, "collect")["netease/playlist_square"].result == {"pages": 3, "playlists": 80, "new": 0}
    assert Playlist.objects.count() == PoolPlaylist.objects.count() == 80
    third = Playlist.objects.get(remote_id="3")
    assert (third.name, third.play_count, third.track_count) == ("广场 3", 2, 10)
    fourth = Playlist.objects.get(remote_id="4")
    assert (fourth.wanted, fourth.mode, fourth.collected_song_count) == (True, "mirror", 7)


def test_it_isolates_a_source_that_fails(replay: Replay) -> None:
    say_all(replay)
    replay.say(QQ_SQUARE, {"code": 0, "subcode": 1, "message": "invalid referer"})
    for name in ("netease", "qq", "kuwo"):
        switch_on(name, replay)
    job = run("collect_only")
    assert job.state == JobState.COMPLETED_WITH_ERRORS
    assert states(job, "collect").pop("qq/playlist_square") == "failed"
    assert sum(state == "succeeded" for state in states(job, "collect").values()) == 5
    failed = items(job, "collect")["qq/playlist_square"]
    assert failed.error_code == "parse_error"
    assert "invalid referer" in Source.objects.get(name="qq").last_error
    replay.say(QQ_SQUARE, qq_square)
    run("collect_only", sources=["qq"])
    assert Source.objects.get(name="qq").last_error == ""


def test_it_keeps_the_pages_before_the_one_that_failed(replay: Replay) -> None:
    def answer(request: Request) -> object:
        return {"code": 301} if request.value("offset") == "35" else netease_square(request)

    replay.say(NETEASE_SQUARE, answer)
    switch_on("netease", replay)
    job = run("collect_only", pools=["playlist_square"])
    assert job.state == JobState.COMPLETED_WITH_ERRORS
    assert Playlist.objects.count() == 35


def test_it_says_page_by_page_how_far_it_is(replay: Replay, monkeypatch: pytest.MonkeyPatch) -> None:
    from mediasync.jobs.context import ItemContext

    said: list[str] = []
    monkeypatch.setattr(ItemContext, "progress", lambda self, text="", **numbers: said.append(text))
    replay.say(NETEASE_SQUARE, netease_square)
    switch_on("netease", replay)
    run("collect_only", pools=["playlist_square"])
    assert said == ["page 1: +35, total 35", "page 2: +35, total 70", "page 3: +10, total 80"]
    assert not SliceSlot.objects.exists()


def test_it_asks_nobody_who_was_not_switched_on(replay: Replay) -> None:
    say_all(replay)
    switch_on("netease", replay)
    Source.objects.update(enabled=False)
    with pytest.raises(UsageError, match="not switched on"):
        run("collect_only", sources=["netease"])
    job = run("collect_only")
    assert job.state == JobState.FAILED  # it cannot be planned
    assert job.reason_params and not replay.requests
    with pytest.raises(UsageError, match="No sources nobody; there are: netease"):
        run("collect_only", sources=["nobody"])
