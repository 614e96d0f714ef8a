from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from catalog import scopes
from catalog.models import FileAsset, FileLocation, Playlist, Song, Source, StorageBackend
from catalog.selectors import being_downloaded, group_of, playlist_of, with_coverage, with_status
from catalog.songs import in_playlists, is_downloaded, want_of
from mediasync.core.errors import UsageError
from mediasync.jobs import services
from mediasync.jobs.choices import JobState
from mediasync.jobs.models import Group, Job, Stage
from tests.catalog.rows import keep, local_backend, make_playlist, make_songs, put_into_pool

pytestmark = pytest.mark.django_db


def status(playlist: Playlist) -> str:
    found = with_status().get(pk=playlist.pk)
    assert with_coverage().get(pk=playlist.pk).status == found.status
    return str(found.status)


def downloading(playlist: Playlist, state: str = JobState.RUNNING, running: int = 2, done: int = 0) -> Group:
    job = services.submit("download_only", {"playlists": [playlist.pk]}, dedupe=False).job
    Job.objects.filter(pk=job.pk).update(state=state)
    stage = Stage.objects.get(job=job, name="download")
    return Group.objects.create(stage=stage, key=group_of(playlist.pk), total=5, running=running, done=done)


def test_it_derives_the_state_of_a_playlist() -> None:
    backend, songs = local_backend(), make_songs(4)
    assert status(make_playlist()) == "unsynced"
    assert status(make_playlist(songs=[])) == "downloaded"  # nothing is lacking
    row = make_playlist(songs=songs)
    assert status(row) == "not_downloaded"
    keep(songs[:2], backend)
    assert status(row) == "partial"
    group = downloading(row)
    assert status(row) == "downloading"
    Group.objects.filter(pk=group.pk).update(done=3, failed=1, skipped=1)  # nothing is left of it
    assert status(row) == "partial"
    keep(songs[2:], backend)
    assert status(row) == "downloaded"


@pytest.mark.parametrize("state", [JobState.PAUSED, JobState.COMPLETED, JobState.QUEUED])
def test_it_takes_no_resting_job_for_a_download(state: str) -> None:
    row = make_playlist(songs=make_songs(1))
    downloading(row, state)
    assert status(row) == "not_downloaded"
    assert being_downloaded([row.pk]) == (set() if state == JobState.COMPLETED else {row.pk})


def test_it_counts_only_active_files_in_our_own_folders() -> None:
    (song,) = make_songs(1)
    row = make_playlist(songs=[song])
    cloud = StorageBackend.objects.create(name="s3", kind="object_storage", plugin="s3", container_name="b")
    keep([song], cloud)
    assert status(row) == "not_downloaded"
    FileLocation.objects.all().delete()
    song.assets.all().delete()
    keep([song], local_backend(), status="inactive")
    assert status(row) == "not_downloaded"
    assert not Song.objects.filter(is_downloaded()).exists()
    FileLocation.objects.update(status="active")
    assert status(row) == "downloaded"
    assert Song.objects.filter(is_downloaded()).get() == song


def test_it_counts_coverage_without_what_is_no_music() -> None:
    songs, backend = make_songs(5), local_backend()
    readings = make_songs(2, kind="non_music")
    row = make_playlist(songs=[*songs, *readings])
    other = make_playlist("Other", songs[:1])
    keep(songs[:3], backend)
    again = FileAsset.objects.create(song=songs[0], ext="flac", file_size_bytes=9)  # twice here, one song
    FileLocation.objects.create(file_asset=again, backend=backend, locator="b.flac")
    downloading(row, running=2)
    found = {each.pk: each for each in with_coverage()}
    assert (found[row.pk].total_songs, found[row.pk].downloaded_songs, found[row.pk].running_songs) == (5, 3, 2)
    assert (found[other.pk].total_songs, found[other.pk].downloaded_songs, found[other.pk].running_songs) == (1, 1, 0)
    keep(songs[3:], backend)
    assert status(row) == "downloaded"


def test_it_asks_one_question_for_a_page() -> None:
    for n in range(5):
        make_playlist(f"List {n}", make_songs(3))
    with CaptureQueriesContext(connection) as seen:
        assert len(list(with_coverage().filter(status="not_downloaded"))) == 5
    assert len(seen) == 1


def test_it_names_groups() -> None:
    assert playlist_of(group_of(12)) == 12
    assert playlist_of("netease") is playlist_of("playlist:x") is None


def test_it_normalises_scopes() -> None:
    row, other = make_playlist(), make_playlist()
    backend = local_backend()
    scope = {
        "playlists": [str(other.pk), row.pk, row.pk],
        "sources": " netease ,",
        "limit": "20",
        "workers": 0,
        "root": "library",
        "wanted": "",
    }
    found = scopes.check_scope(scope)
    assert found == {"playlists": [row.pk, other.pk], "sources": ["netease"], "limit": 20, "root": backend.pk}
    assert scopes.check_scope(found) == found


@pytest.mark.parametrize(
    "scope",
    [
        {"nonsense": 1},
        {"sources": ["nobody"]},
        {"playlists": [999]},
        {"playlists": "one"},
        {"limit": -1},
        {"limit": "many"},
        {"workers": 65},
        {"root": "nowhere"},
        {"root": "cloud"},
        {"backend": 99},
        {"download_sources": ["qq"]},
        {"pools": ["all"]},
    ],
)
def test_it_refuses_scopes_that_mean_nothing(scope: dict[str, object]) -> None:
    make_playlist()
    StorageBackend.objects.create(name="cloud", kind="object_storage", plugin="s3", container_name="b")
    with pytest.raises(UsageError):
        scopes.check_scope(scope)


def test_it_finds_the_songs_of_a_scope() -> None:
    songs = make_songs(6)
    first, second = make_playlist(songs=songs[:3]), make_playlist(songs=songs[2:5], wanted=True)
    put_into_pool(second, "toplist")
    make_songs(2, platform="qq")
    assert set(in_playlists(Playlist.objects.filter(pk=first.pk))) == set(songs[:3])
    assert scopes.songs_in({}).count() == 8
    assert scopes.songs_in({"sources": ["qq"]}).count() == 2
    assert set(scopes.songs_in({"playlists": [first.pk, second.pk]})) == set(songs[:5])
    assert set(scopes.songs_in({"wanted": True})) == set(scopes.songs_in({"pools": ["toplist"]})) == set(songs[2:5])


def test_it_calls_jobs_by_what_they_do() -> None:
    row = make_playlist("我的")
    Source.objects.create(name="netease", plugin="netease", enabled=True)
    made = services.submit("sync_only", {"playlists": [row.pk]}).job
    assert (made.title_code, made.title_params) == ("sync_only_playlist", {"name": "我的"})
    several = services.submit("download_only", {"playlists": [row.pk, make_playlist().pk]}).job
    assert (several.title_code, several.title_params) == ("download_only_playlists", {"count": 2})
    assert services.submit("download_only", {"sources": "netease"}).job.title_params == {"names": "netease"}
    assert {lane.key for lane in several.lanes.all()} == {"catalog:download"}
    assert {lane.key for lane in made.lanes.all()} == {"catalog"}


def test_it_gives_back_what_it_was_told_of_a_song() -> None:
    (song,) = make_songs(1, album="A", duration=3.5, isrc="X", snapshot={"artists": ["a / b", "c"], "url": "http://x"})
    want = want_of(song)
    assert (want.artists, want.title, want.duration) == (("a / b", "c"), song.name, 3.5)
    assert want.snapshot["url"] == "http://x"
    song.snapshot, song.singers = {}, "a / b"
    assert want_of(song).artists == ("a", "b")
