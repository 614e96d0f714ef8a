from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from catalog import leaving, presence, signals
from catalog.models import FileAsset, FileLocation, Playlist, Presence, Song, StorageBackend
from mediasync.jobs.choices import JobState
from mediasync.jobs.models import Event
from tests.catalog.jobs import items, run, switch_on
from tests.catalog.platforms import NETEASE_DETAIL, NETEASE_SONGS, netease_list, netease_songs
from tests.catalog.replay import Replay
from tests.catalog.rows import local_backend

pytestmark = pytest.mark.django_db


@pytest.fixture
def library(tmp_path: Path) -> StorageBackend:
    return local_backend(str(tmp_path / "音乐"))


def says(replay: Replay, *ids: int) -> None:
    replay.say(NETEASE_DETAIL, netease_list(list(ids)))
    replay.say(NETEASE_SONGS, netease_songs)


def stored(library: StorageBackend, number: int, name: str = "") -> Path:
    """Let a file of a song lie in the library."""
    song = Song.objects.get(remote_id=str(number))
    locator = name or f"box/歌手/{number}.mp3"
    path = Path(library.container_name, locator)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"music")
    asset = FileAsset.objects.create(song=song, ext="mp3", file_size_bytes=5 + len(name))
    FileLocation.objects.create(file_asset=asset, backend=library, locator=locator, is_primary=True)
    presence.refresh([song.pk])
    return path


def listed(mode: str, replay: Replay, remote_id: str = "1") -> Playlist:
    row = Playlist.objects.create(platform="netease", remote_id=remote_id, name="List", mode=mode)
    says(replay, 1, 2, 3)
    run("sync_only", playlists=[row.pk])
    return row


def test_it_keeps_the_file_of_a_song_that_left_a_list_it_adds_to(replay: Replay, library: StorageBackend) -> None:
    switch_on("netease", replay)
    row = listed("add", replay)
    path = stored(library, 2)
    says(replay, 1, 3)
    run("sync_only")
    assert row.songs.count() == 2
    assert path.exists() and FileLocation.objects.get().status == "active"


def test_it_puts_the_file_of_a_song_that_left_a_mirrored_list_into_the_trash(
    replay: Replay, library: StorageBackend
) -> None:
    told: list[Any] = []
    signals.removed.connect(hear := lambda sender, paths, **more: told.extend(paths))
    switch_on("netease", replay)
    row = listed("mirror", replay)
    gone, kept = stored(library, 2), stored(library, 3)
    says(replay, 1, 3)
    job = run("sync_only")
    signals.removed.disconnect(hear)
    assert (job.state, items(job, "sync")[str(row.pk)].result["left"]) == (JobState.COMPLETED, 1)
    assert not gone.exists() and kept.exists()
    assert Path(library.container_name, leaving.TRASH, "box/歌手/2.mp3").read_bytes() == b"music"
    assert FileLocation.objects.get(locator__endswith="2.mp3").status == "inactive"
    assert list(Presence.objects.values_list("song__remote_id", flat=True)) == ["3"]
    assert told == [str(gone)]
    assert Event.objects.filter(job=job, code="trashed").count() == 1


def test_it_keeps_what_another_playlist_has(replay: Replay, library: StorageBackend) -> None:
    switch_on("netease", replay)
    listed("mirror", replay)
    other = listed("add", replay, "2")
    path = stored(library, 2)
    replay.say(NETEASE_DETAIL, lambda r: netease_list([1, 3] if r.value("id") == "1" else [1, 2, 3]))
    run("sync_only")
    assert path.exists() and other.songs.count() == 3


def test_it_puts_nothing_away_on_a_doubtful_answer(replay: Replay, library: StorageBackend) -> None:
    switch_on("netease", replay)
    listed("mirror", replay)
    path = stored(library, 2)
    for answer in (netease_list([1, 3], trackCount=3), netease_list([]), {"code": 20001}, {"code": 200}):
        replay.say(NETEASE_DETAIL, answer)
        run("sync_only")
        assert path.exists()


def test_it_goes_on_after_a_kill_between_the_row_and_the_file(replay: Replay, library: StorageBackend) -> None:
    switch_on("netease", replay)
    listed("mirror", replay)
    path = stored(library, 2)
    FileLocation.objects.update(status="leaving")  # killed right after the transaction
    run("sync_only")
    assert not path.exists()
    assert FileLocation.objects.get().status == "inactive"
    os.makedirs(path.parent, exist_ok=True)
    FileLocation.objects.update(status="leaving")  # killed right after the file was moved
    run("sync_only")
    assert FileLocation.objects.get().status == "inactive"


def test_it_says_what_it_cannot_move_and_tries_again(
    replay: Replay, library: StorageBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    switch_on("netease", replay)
    listed("mirror", replay)
    path = stored(library, 2)
    says(replay, 1, 3)
    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", lambda *names: (_ for _ in ()).throw(PermissionError(13, "Permission denied")))
        job = run("sync_only")
    assert job.state == JobState.COMPLETED
    assert Event.objects.filter(job=job, code="trash_failed").exists()
    assert path.exists() and FileLocation.objects.get().status == "leaving"
    run("sync_only")
    assert not path.exists()


def test_it_never_leaves_the_folder(replay: Replay, library: StorageBackend, tmp_path: Path) -> None:
    switch_on("netease", replay)
    listed("mirror", replay)
    outside = tmp_path / "outside.mp3"
    outside.write_bytes(b"mine")
    stored(library, 2)
    FileLocation.objects.update(locator="../outside.mp3")
    says(replay, 1, 3)
    run("sync_only")
    assert outside.exists() and FileLocation.objects.get().status == "leaving"


def test_it_empties_the_trash_after_some_time(replay: Replay, library: StorageBackend, settings: Any) -> None:
    switch_on("netease", replay)
    listed("mirror", replay)
    path = stored(library, 2)
    os.utime(path, (0, 0))  # it was downloaded long ago; what counts is when it was put there
    says(replay, 1, 3)
    run("sync_only")
    trash = Path(library.container_name, leaving.TRASH)
    there, other = trash / "box/歌手/2.mp3", trash / "new.mp3"
    run("sync_only")
    assert there.exists()
    other.write_bytes(b"x")
    outside = Path(library.container_name, "box/歌手/old.mp3")
    outside.write_bytes(b"x")
    for each in (there, outside):
        os.utime(each, (0, 0))
    settings.KEEP_TRASH_DAYS = 0
    run("sync_only")
    assert there.exists()
    settings.KEEP_TRASH_DAYS = 30
    job = run("sync_only")
    assert [path.name for path in trash.rglob("*")] == ["new.mp3"] and outside.exists()
    assert Event.objects.get(job=job, code="music_trash_emptied").params["count"] == 1


def test_it_follows_no_link_out_of_the_trash(replay: Replay, library: StorageBackend, tmp_path: Path) -> None:
    switch_on("netease", replay)
    listed("add", replay)
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "a.mp3").write_bytes(b"mine")
    os.utime(mine / "a.mp3", (0, 0))
    top = Path(library.container_name)
    (top / leaving.TRASH).mkdir(parents=True)
    (top / leaving.TRASH / "linked").symlink_to(mine)
    run("sync_only")
    (top / leaving.TRASH / "linked").unlink()
    (top / leaving.TRASH).rmdir()
    (top / leaving.TRASH).symlink_to(mine)
    run("sync_only")
    assert (mine / "a.mp3").exists()
