"""Collecting and synchronising, killed anywhere again and again or paused between, leaves the rows of a quiet run."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from catalog.models import Playlist
from mediasync.core.clock import FakeClock
from mediasync.jobs import conductor, services
from mediasync.jobs.choices import JobState
from mediasync.jobs.choices import Source as Asker
from mediasync.jobs.drain import drain
from mediasync.jobs.models import Item
from tests.catalog.jobs import run, states, switch_on
from tests.catalog.platforms import (
    NETEASE_DETAIL,
    NETEASE_SONGS,
    NETEASE_SQUARE,
    NETEASE_TOPLIST,
    netease_list,
    netease_songs,
    netease_square,
)
from tests.catalog.replay import Replay
from tests.fakes.server import Request

SCRIPT = str(Path(__file__).with_name("killed_sync.py"))
TOP = Path(__file__).resolve().parent.parent.parent
LISTS = 40


def say(replay: Replay) -> None:
    def detail(request: Request) -> dict[str, Any]:
        number = int(request.value("id"))
        return netease_list(list(range(number * 3, number * 3 + 12)), number)

    replay.say(NETEASE_SQUARE, lambda request: netease_square(request, LISTS))
    replay.say(NETEASE_TOPLIST, {"code": 200, "list": [{"id": 900, "name": "榜", "trackCount": 12, "playCount": 1}]})
    replay.say(NETEASE_DETAIL, detail)
    replay.say(NETEASE_SONGS, netease_songs)


class Place:
    """A database of its own that processes work on."""

    def __init__(self, data: Path, replay: Replay) -> None:
        data.mkdir()
        self.data = data
        self.environment = {name: text for name, text in os.environ.items() if name != "DATABASE_URL"} | {
            "DJANGO_SETTINGS_MODULE": "mediasync.settings",
            "MEDIASYNC_DATA": str(data),
            "PYTHONPATH": str(TOP),
        }
        self.python("manage.py", "migrate", "-v0", "--skip-checks")
        with sqlite3.connect(data / "mediasync.sqlite3") as database:
            database.execute(
                "INSERT INTO catalog_source (name, plugin, enabled, settings, secret_sealed, pace, last_error)"
                " VALUES ('netease', 'netease', 1, ?, '', 0, '')",
                [f'{{"relay": "{replay.url}"}}'],
            )
        database.close()

    def python(self, *arguments: str) -> str | None:
        """Return what a process printed, None if it was killed."""
        done = subprocess.run(
            [sys.executable, *arguments], cwd=TOP, env=self.environment, capture_output=True, text=True, timeout=120
        )
        if done.returncode == -signal.SIGKILL:
            return None
        assert done.returncode == 0, done.stderr
        return done.stdout

    def rows(self) -> list[Any]:
        """Return what there is by names, not by numbers: these differ."""
        database = sqlite3.connect(self.data / "mediasync.sqlite3")
        questions = (
            "SELECT platform, remote_id, name, collected_song_count, sync_result FROM catalog_playlist",
            "SELECT remote_id, name, singers, snapshot FROM catalog_song",
            "SELECT p.remote_id, s.remote_id, l.position FROM catalog_playlistsong l"
            " JOIN catalog_playlist p ON p.id = l.playlist_id JOIN catalog_song s ON s.id = l.song_id",
            "SELECT a.normalized_name, s.remote_id FROM catalog_artistsong l"
            " JOIN catalog_artist a ON a.id = l.artist_id JOIN catalog_song s ON s.id = l.song_id",
            "SELECT o.kind, a.normalized_name FROM catalog_poolartist l JOIN catalog_artist a ON a.id = l.artist_id"
            " JOIN catalog_artistpool p ON p.id = l.artist_pool_id JOIN catalog_pool o ON o.id = p.pool_id",
            "SELECT o.kind, p.remote_id FROM catalog_poolplaylist l JOIN catalog_pool o ON o.id = l.pool_id"
            " JOIN catalog_playlist p ON p.id = l.playlist_id",
        )
        try:
            return [sorted(database.execute(question).fetchall()) for question in questions]
        finally:
            database.close()


def whole(said: str | None) -> int:
    """Return the steps of a job that came to its end without a failure."""
    assert said and said.startswith("completed 0 "), said
    return int(said.split()[2])


@pytest.mark.slow
def test_it_leaves_the_same_rows_however_often_it_is_killed(replay: Replay, tmp_path: Path) -> None:
    say(replay)
    peaceful, hunted = Place(tmp_path / "peaceful", replay), Place(tmp_path / "hunted", replay)
    steps = {kind: whole(peaceful.python(SCRIPT, kind, "0")) for kind in ("collect_only", "sync_only")}
    expected = peaceful.rows()
    assert len(expected[0]) == LISTS + 1 and len(expected[1]) > 100
    killed, chance = 0, random.Random(6)
    for kind, all_of_them in steps.items():
        for _ in range(4):
            last = chance.randrange(all_of_them // 10, all_of_them // 3)
            killed += hunted.python(SCRIPT, kind, str(last)) is None
        whole(hunted.python(SCRIPT, kind, "0"))
    assert killed >= 4
    assert hunted.rows() == expected


@pytest.mark.django_db
@pytest.mark.parametrize("kind", ["collect_only", "sync_only"])
def test_it_rests_when_asked_and_goes_on(replay: Replay, kind: str) -> None:
    say(replay)
    switch_on("netease", replay)
    if kind == "sync_only":
        run("collect_only", pools=["playlist_square"])
    replay.say(NETEASE_SQUARE, lambda request: netease_square(request, 2000))
    begun = len(replay.requests)
    job = services.submit(kind, {"pools": ["playlist_square"]}).job

    class Nosy(FakeClock):
        """Once the platform was asked a little, a pause is asked for, and heard by the conductor of a worker."""

        asked = False

        def monotonic(self) -> float:
            if len(replay.requests) > begun + (0 if kind == "collect_only" else 5) and not self.asked:
                self.asked = True
                services.pause(job, actor="me", source=Asker.WEB)
                conductor.apply_commands(self)
            self.advance(0.05)
            return super().monotonic()

    job = drain(job.pk, clock=Nosy(services.clock.system.now()), threads=False)
    assert job.state == JobState.PAUSED
    rested = len(replay.requests)
    assert Item.objects.filter(stage__job=job).exclude(state__in=["succeeded", "pending"]).count() == 0
    services.resume(job, actor="me", source=Asker.WEB)
    job = drain(job.pk, threads=False)
    assert job.state == JobState.COMPLETED
    assert len(replay.requests) > rested
    assert set(states(job, kind.removesuffix("_only")).values()) == {"succeeded"}


def say_overlapping(replay: Replay) -> dict[str, list[str]]:
    """Let sixteen lists hold a hundred of the same 120 songs each; return them."""
    lists = {n: random.Random(n).sample(range(1, 121), 100) for n in range(1, 17)}
    replay.say(NETEASE_DETAIL, lambda request: netease_list(lists[int(request.value("id"))], int(request.value("id"))))
    replay.say(NETEASE_SONGS, netease_songs)
    return {str(n): [str(song) for song in songs] for n, songs in lists.items()}


def test_it_writes_the_same_songs_from_many_threads(replay: Replay, tmp_path: Path) -> None:
    lists = say_overlapping(replay)
    replay.say(NETEASE_SQUARE, lambda request: netease_square(request, 16))
    replay.say(NETEASE_TOPLIST, {"code": 200, "list": [{"id": 5, "name": "5", "trackCount": 100}]})
    place = Place(tmp_path / "data", replay)
    whole(place.python(SCRIPT, "collect_only", "0"))
    whole(place.python(SCRIPT, "sync_only", "0", "threads"))
    rows = place.rows()
    assert len(rows[1]) == 120
    assert sorted(rows[2]) == sorted((n, song, place) for n, songs in lists.items() for place, song in enumerate(songs))


if "postgres" in os.environ.get("DATABASE_URL", ""):  # tests/test_postgresql.py runs this file again there

    @pytest.mark.django_db(transaction=True)
    def test_it_meets_no_deadlock(replay: Replay) -> None:
        lists = say_overlapping(replay)
        switch_on("netease", replay)
        Playlist.objects.bulk_create(Playlist(platform="netease", remote_id=n, name=n) for n in lists)
        job = run("sync_only", threads=True, workers=6)
        assert (job.state, set(states(job, "sync").values())) == (JobState.COMPLETED, {"succeeded"})
        for row in Playlist.objects.all():
            held = row.playlistsong_set.order_by("position").values_list("song__remote_id", flat=True)
            assert list(held) == lists[row.remote_id]


@pytest.mark.django_db
def test_it_stops_when_it_is_cancelled(replay: Replay) -> None:
    say(replay)
    switch_on("netease", replay)
    run("collect_only")
    job = services.submit("sync_only", {}).job
    services.cancel(job, actor="me", source=Asker.WEB)
    begun = len(replay.requests)
    assert drain(job.pk, threads=False).state == JobState.CANCELED
    assert len(replay.requests) == begun
