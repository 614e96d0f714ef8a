"""Uploads: which files, under which keys, and what is written when one of them is there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from catalog import upload_stage, uploads
from catalog.models import FileAsset, FileLocation, Playlist, Presence, StorageBackend, UploadTask
from catalog.storage.base import Stored
from catalog.upload_queue import Queue, Wanted
from mediasync.core.errors import AccessDenied, Permanent, Stop, Transient
from mediasync.jobs import services
from mediasync.jobs.drain import drain
from mediasync.jobs.models import Item, Job

from .rows import keep, make_playlist, make_songs
from .stored import library, playlist_with_files, store

pytestmark = pytest.mark.django_db


class Memory:
    """A storage that is a dict; ``fails``: what ``put`` raises, one a call."""

    def __init__(self) -> None:
        self.held: dict[str, bytes] = {}
        self.fails: list[BaseException] = []
        self.asked: list[str] = []

    def locator(self, local: str) -> str:
        return f"music/{local}"

    def put(self, path: Path, locator: str, tell: Any) -> Stored:
        if self.fails:
            raise self.fails.pop(0)
        tell(1, 2)
        self.held[locator] = path.read_bytes()
        return Stored(locator, len(self.held[locator]), "id-1", f"https://cdn/{locator}")

    def exists(self, locator: str) -> int | None:
        self.asked.append(locator)
        return len(self.held[locator]) if locator in self.held else None

    def address(self, locator: str) -> str:
        return f"https://cdn/{locator}"


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch) -> Memory:
    memory = Memory()
    monkeypatch.setattr(upload_stage.Upload, "_storage", lambda stage, backend: memory)
    return memory


@pytest.fixture
def target() -> StorageBackend:
    return StorageBackend.objects.create(name="main-s3", kind="object_storage", plugin="s3", container_name="music")


@pytest.fixture
def local(tmp_path: Path) -> StorageBackend:
    return library(tmp_path / "library")


@pytest.fixture(autouse=True)
def settled(settings: Any) -> Iterator[None]:
    settings.UPLOAD_SOURCES, settings.UPLOAD_PLAYLIST_IDS, settings.UPLOAD_LIMIT = [], [], 0
    yield


def upload(target: StorageBackend, **scope: Any) -> Job:
    job = services.submit("upload_only", {"backend": target.pk, **scope}).job
    return drain(job.pk, threads=False)


def states(job: Job) -> dict[str, int]:
    return {name: getattr(job, name) for name in ("done", "skipped", "failed") if getattr(job, name)}


def test_it_uploads_what_is_missing_and_writes_all_that_follows(
    local: StorageBackend, target: StorageBackend, memory: Memory
) -> None:
    playlist_with_files(local, 3)
    job = upload(target)
    assert (job.state, states(job)) == ("completed", {"done": 3})
    assert set(memory.held) == {f"music/home/Singer {n}/Song {n}.mp3" for n in range(3)}
    there = FileLocation.objects.filter(backend=target)
    assert set(there.values_list("status", "is_primary", "remote_file_id")) == {("active", False, "id-1")}
    assert there[0].public_url.startswith("https://cdn/music/home/")
    assert FileLocation.objects.filter(backend=local, is_primary=True, status="active").count() == 3
    assert set(UploadTask.objects.values_list("state", "attempts")) == {("succeeded", 1)}
    assert Presence.objects.filter(backend=target, files=1).count() == 3


def test_what_is_there_is_not_asked_for_again(local: StorageBackend, target: StorageBackend, memory: Memory) -> None:
    playlist_with_files(local, 2)
    upload(target)
    memory.held.clear()
    job = upload(target)
    assert (job.state, job.total, memory.held, memory.asked) == ("completed", 0, {}, [])


def test_it_looks_when_it_is_told_to_verify(local: StorageBackend, target: StorageBackend, memory: Memory) -> None:
    playlist_with_files(local, 3)
    upload(target)
    gone, cut, _fine = sorted(memory.held)
    del memory.held[gone]
    memory.held[cut] = b"cu"
    job = upload(target, verify=True)
    assert states(job) == {"done": 2, "skipped": 1}
    assert len(memory.held[gone]) > 2 and len(memory.held[cut]) > 2
    assert FileLocation.objects.filter(backend=target).count() == 3


def test_what_lies_there_already_is_only_noted_when_it_verifies(
    local: StorageBackend, target: StorageBackend, memory: Memory
) -> None:
    row = store(make_songs(1)[0], local, "a/b.mp3", b"12345")
    memory.held["music/a/b.mp3"] = b"54321"
    assert states(upload(target, verify=True)) == {"skipped": 1}
    assert memory.held["music/a/b.mp3"] == b"54321"
    there = FileLocation.objects.get(backend=target)
    assert (there.file_asset, there.public_url) == (row.file_asset, "https://cdn/music/a/b.mp3")
    assert Presence.objects.filter(backend=target).count() == 1


def test_all_versions_of_a_song_are_uploaded_each_once(
    local: StorageBackend, target: StorageBackend, memory: Memory
) -> None:
    song = make_songs(1)[0]
    first = store(song, local, "a/x.mp3", b"small")
    store(song, local, "a/x.flac", b"large file")
    store(song, local, "a/x (1).mp3", b"small", asset=first.file_asset)
    FileLocation.objects.filter(locator="a/x (1).mp3").update(is_primary=False)
    assert states(upload(target)) == {"done": 2}
    assert set(memory.held) == {"music/a/x.mp3", "music/a/x.flac"}


@pytest.mark.parametrize(
    ("scope", "files"),
    [
        ({"sources": ["qq"]}, 1),
        ({"sources": ["netease"]}, 3),
        ({"limit": 2}, 2),
        ({"wanted": True}, 2),
        ({}, 4),
    ],
)
def test_it_is_narrowed_down(
    scope: dict[str, Any], files: int, local: StorageBackend, target: StorageBackend, memory: Memory
) -> None:
    songs = [*make_songs(3), *make_songs(1, "qq")]
    for song in songs:
        store(song, local, f"a/{song.pk}.mp3")
    make_playlist("wanted", songs[:2], wanted=True)
    make_playlist("of qq", songs[3:], platform="qq")
    assert upload(target, **scope).done == files


def test_it_uploads_only_the_songs_that_are_named(
    local: StorageBackend, target: StorageBackend, memory: Memory
) -> None:
    one, two = (store(song, local, f"{song.pk}.mp3") for song in make_songs(2))
    job = upload(target, songs=[one.file_asset.song_id])
    assert (job.state, list(memory.held)) == ("completed", [f"music/{one.locator}"])
    assert not UploadTask.objects.filter(file_asset=two.file_asset).exists()


def test_its_items_stand_below_their_playlists(local: StorageBackend, target: StorageBackend, memory: Memory) -> None:
    playlist = playlist_with_files(local, 2, "Mine")
    playlist_with_files(local, 2, "Other")
    job = upload(target, playlists=[playlist.pk])
    groups = set(Item.objects.filter(stage__job=job).values_list("group__key", "group__label"))
    assert (job.done, groups) == (2, {(f"playlist:{playlist.pk}", "Mine")})


def test_the_settings_say_what_a_job_leaves_open(
    local: StorageBackend, target: StorageBackend, memory: Memory, settings: Any
) -> None:
    playlist = playlist_with_files(local, 3)
    playlist_with_files(local, 2)
    settings.UPLOAD_PLAYLIST_IDS, settings.UPLOAD_LIMIT = [playlist.pk], 2
    assert upload(target).done == 2
    assert upload(target, sources=["netease"]).done == 2


def test_two_versions_of_one_path_do_not_overwrite_each_other(
    local: StorageBackend, target: StorageBackend, memory: Memory, tmp_path: Path
) -> None:
    other = library(tmp_path / "second", "second")
    first, second = make_songs(2)
    store(first, local, "qq/A/x.mp3", b"first")
    row = store(second, other, "qq/A/x.mp3", b"second")
    upload(target)
    assert sorted(memory.held.values()) == [b"first", b"second"]
    third = store(make_songs(1)[0], library(tmp_path / "third", "third"), "qq/A/y.mp3", b"y")
    upload(target)
    FileLocation.objects.filter(pk=third.pk).update(status="inactive")
    again = store(make_songs(1)[0], local, "qq/A/y.mp3", b"other y")
    upload(target)
    assert memory.held["music/qq/A/y.mp3"] == b"y"
    assert memory.held[f"music/qq/A/y [{again.file_asset_id}].mp3"] == b"other y"
    assert row.file_asset.uploads.get().state == "succeeded"


def test_a_file_that_is_gone_or_changed_fails_alone(
    local: StorageBackend, target: StorageBackend, memory: Memory
) -> None:
    gone, changed, fine = make_songs(3)
    for song in (gone, changed, fine):
        store(song, local, f"a/{song.pk}.mp3")
    Path(local.container_name, f"a/{gone.pk}.mp3").unlink()
    Path(local.container_name, f"a/{changed.pk}.mp3").write_bytes(b"retagged")
    job = upload(target)
    assert (job.state, states(job)) == ("completed_with_errors", {"done": 1, "failed": 2})
    codes = Item.objects.filter(stage__job=job, state="failed").values_list("error_code", flat=True)
    assert sorted(codes) == ["file_changed", "file_missing"]
    assert UploadTask.objects.filter(state="failed").exclude(error="").count() == 2


def test_another_copy_of_the_version_does_as_well(
    local: StorageBackend, target: StorageBackend, memory: Memory
) -> None:
    first = store(make_songs(1)[0], local, "a/x.mp3", b"same")
    second = store(first.file_asset.song, local, "b/x.mp3", b"same", asset=first.file_asset)
    FileLocation.objects.filter(pk=second.pk).update(is_primary=False)
    Path(local.container_name, "a/x.mp3").unlink()
    assert upload(target).done == 1
    assert memory.held == {"music/a/x.mp3": b"same"}


def test_forced_items_are_uploaded_whatever_is_there(
    local: StorageBackend, target: StorageBackend, memory: Memory
) -> None:
    playlist_with_files(local, 1)
    job = upload(target)
    memory.held.clear()
    Path(local.container_name, "home/Singer 0/Song 0.mp3").write_bytes(b"retagged")
    item = Item.objects.get(stage__job=job)
    services.force_retry_items(job, [item.pk], actor="me", source="web")  # type: ignore[arg-type]
    drain(job.pk, threads=False)
    assert list(memory.held.values()) == [b"retagged"]


def test_keys_that_are_refused_pause_the_job_and_nothing_is_lost(
    local: StorageBackend, target: StorageBackend, memory: Memory
) -> None:
    playlist_with_files(local, 3)
    memory.fails = [AccessDenied("no", code="storage_denied")]
    job = upload(target)
    assert (job.state, job.reason_code) == ("paused", "storage_denied")
    services.resume(job, actor="me", source="web")  # type: ignore[arg-type]
    job = drain(job.pk, threads=False)
    assert (job.state, job.done, len(memory.held)) == ("completed", 3, 3)


@pytest.mark.parametrize(
    ("error", "state"), [(Transient("later"), "failed"), (Permanent("never"), "failed"), (Stop(), "pending")]
)
def test_a_task_says_what_became_of_it(
    error: BaseException, state: str, local: StorageBackend, target: StorageBackend, memory: Memory
) -> None:
    playlist_with_files(local, 1)
    [[queued]] = Queue(target, memory, Wanted()).blocks()  # type: ignore[arg-type]
    memory.fails = [error]
    with pytest.raises(type(error)):
        uploads.perform(queued.task, memory, lambda done, total: None, nullcontext)  # type: ignore[arg-type]
    assert UploadTask.objects.get().state == state
    assert uploads.perform(queued.task, memory, lambda done, total: None, transaction.atomic)  # type: ignore[arg-type]
    assert UploadTask.objects.get().state == "succeeded"


def test_a_task_that_a_kill_left_is_taken_up_again(
    local: StorageBackend, target: StorageBackend, memory: Memory
) -> None:
    playlist_with_files(local, 1)
    list(Queue(target, memory, Wanted()).blocks())  # type: ignore[arg-type]
    UploadTask.objects.update(state="uploading", error="x")
    assert upload(target).done == 1
    assert UploadTask.objects.get().state == "succeeded"


def test_planning_is_set_based_and_goes_on_from_its_cursor(local: StorageBackend, target: StorageBackend) -> None:
    keep(make_songs(1200), local)
    queue = Queue(target, Memory(), Wanted())  # type: ignore[arg-type]
    with CaptureQueriesContext(
        connection,
    ) as captured:
        sizes = [len(block) for block in queue.blocks()]
    assert sizes == [500, 500, 200]
    assert len(captured) < 60
    assert UploadTask.objects.count() == 1200
    half = Queue(target, Memory(), Wanted(), after=FileAsset.objects.order_by("pk")[999].pk)  # type: ignore[arg-type]
    assert [len(block) for block in half.blocks()] == [200]
    assert UploadTask.objects.count() == 1200


def test_a_playlist_that_is_gone_changes_nothing(local: StorageBackend, target: StorageBackend, memory: Memory) -> None:
    playlist = playlist_with_files(local, 1)
    [[queued]] = Queue(target, memory, Wanted({"playlists": [playlist.pk]})).blocks()  # type: ignore[arg-type]
    assert queued.playlist == playlist.pk
    Playlist.objects.all().delete()
    assert not list(Queue(target, memory, Wanted({"playlists": [playlist.pk]})).blocks())  # type: ignore[arg-type]


def test_location_presence_and_task_are_written_together_or_not_at_all(
    local: StorageBackend, target: StorageBackend, memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    playlist_with_files(local, 1)
    [[queued]] = Queue(target, memory, Wanted()).blocks()  # type: ignore[arg-type]

    def die(songs: object) -> None:
        raise SystemError("the process dies here")

    with monkeypatch.context() as broken, pytest.raises(SystemError):
        broken.setattr(uploads.presence, "refresh", die)
        uploads.perform(queued.task, memory, lambda done, total: None, transaction.atomic)  # type: ignore[arg-type]
    assert not FileLocation.objects.filter(backend=target).exists()
    assert UploadTask.objects.get().state == "uploading"
    assert (upload(target).done, Presence.objects.filter(backend=target).count()) == (1, 1)
    assert UploadTask.objects.get().state == "succeeded"
