"""The list of playlists, its filters, its buttons and its actions; and the songs of one."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from catalog import timing
from catalog.models import Playlist
from mediasync.jobs.models import Group, Job, Schedule, Stage

from .rows import keep, local_backend, make_playlist, make_songs, put_into_pool

pytestmark = pytest.mark.django_db
LIST = "/admin/catalog/playlist/"


def names(client: Client, query: str = "") -> set[str]:
    """Return the names of the playlists that the list shows."""
    answer = client.get(LIST + query)
    assert answer.status_code == 200, (answer.status_code, answer.headers.get("Location"))
    return {row.name for row in answer.context["cl"].result_list}


def act(client: Client, action: str, *rows: Playlist) -> str:
    data: dict[str, Any] = {"action": action, "_selected_action": [row.pk for row in rows]}
    answer = client.post(LIST, data, follow=True)
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.fixture
def states() -> dict[str, Playlist]:
    """Return a playlist in each state."""
    disk = local_backend()
    songs = make_songs(7)
    found = {
        "unsynced": make_playlist("never"),
        "not_downloaded": make_playlist("nothing", songs[:2]),
        "downloading": make_playlist("running", songs[2:4], platform="qq"),
        "partial": make_playlist("half", songs[3:5]),
        "downloaded": make_playlist("all", songs[4:6], wanted=True),
    }
    keep(songs[4:6], disk)
    job = Job.objects.create(kind="download_only", state="running")
    stage = Stage.objects.create(job=job, seq=1, name="download", state="running")
    Group.objects.create(stage=stage, key=f"playlist:{found['downloading'].pk}", total=2, running=1)
    return found


def test_it_shows_state_and_progress(admin_client: Client, states: dict[str, Playlist]) -> None:
    page = admin_client.get(LIST).content.decode()
    for word in ("Not synchronised", "Not downloaded", "Is being downloaded", "Partly downloaded", "Downloaded"):
        assert word in page
    assert "50 % · 1/2" in page and "100 % · 2/2" in page and "1 running" in page


@pytest.mark.parametrize("state", ["unsynced", "not_downloaded", "downloading", "partial", "downloaded"])
def test_it_filters_by_state(admin_client: Client, states: dict[str, Playlist], state: str) -> None:
    assert names(admin_client, f"?status={state}") == {states[state].name}


def test_it_filters_by_platform_pool_words_and_what_is_wanted(
    admin_client: Client, states: dict[str, Playlist]
) -> None:
    pool = put_into_pool(states["partial"])
    put_into_pool(states["unsynced"], "playlist_square")
    assert names(admin_client, "?platform=qq") == {"running"}
    assert names(admin_client, "?pool_kind=toplist") == {"half"} == names(admin_client, f"?pool={pool.pk}")
    assert names(admin_client, "?q=alf") == {"half"}
    assert names(admin_client, "?wanted_only=1") == {"all"} == names(admin_client, "?wanted_only=true")


@pytest.mark.parametrize("query", ["?wanted_only=", "?wanted_only=false", "?wanted_only=0", "?status=&platform="])
def test_an_empty_filter_is_none(admin_client: Client, states: dict[str, Playlist], query: str) -> None:
    assert len(names(admin_client, query)) == 5


@pytest.mark.parametrize(("asked", "shown"), [("2", 2), ("", 5), ("none", 5), ("0", 1), ("999999", 5)])
def test_an_address_says_how_many_rows_a_page_has(
    admin_client: Client, states: dict[str, Playlist], asked: str, shown: int
) -> None:
    assert len(names(admin_client, f"?page_size={asked}")) == shown


def test_a_download_of_a_mixed_selection_makes_two_jobs(admin_client: Client, states: dict[str, Playlist]) -> None:
    page = act(admin_client, "download_selected", *states.values())
    made = {job.kind: job.scope["playlists"] for job in Job.objects.filter(state="queued")}
    assert made["sync_download"] == [states["unsynced"].pk]
    assert made["download_only"] == sorted(states[s].pk for s in ("not_downloaded", "downloading", "partial"))
    assert "1 playlist is synchronised and downloaded by job" in page
    assert "3 playlists are downloaded by job" in page and "1 playlist is here already." in page


def test_what_is_here_is_not_downloaded_again(admin_client: Client, states: dict[str, Playlist]) -> None:
    assert "1 playlist is here already." in act(admin_client, "download_selected", states["downloaded"])
    assert not Job.objects.filter(state="queued").exists()


def test_it_keeps_a_wanted_list(admin_client: Client, states: dict[str, Playlist]) -> None:
    assert "4 playlists are wanted now." in act(admin_client, "want_selected", *states.values())
    assert Playlist.objects.filter(wanted=True).count() == 5
    assert "1 playlist is not wanted any more." in act(admin_client, "unwant_selected", states["partial"])
    assert not Playlist.objects.get(pk=states["partial"].pk).wanted


def test_sync_now_queues_one_job(admin_client: Client, states: dict[str, Playlist]) -> None:
    pk = states["partial"].pk
    for text in ("was queued", "waits for that already"):
        page = admin_client.post(f"{LIST}{pk}/sync_now/", follow=True).content.decode()
        assert text in page
    assert Job.objects.get(kind="sync_only").scope == {"playlists": [pk]}


def test_a_playlist_may_have_a_time_of_its_own(admin_client: Client, states: dict[str, Playlist]) -> None:
    playlist = states["partial"]
    address = f"{LIST}{playlist.pk}/change/"
    admin_client.post(address, {"wanted": "on", "mode": "mirror", "every_hours": "6"})
    playlist.refresh_from_db()
    assert (playlist.wanted, playlist.mode, timing.every(playlist)) == (True, "mirror", 6 * 3600)
    schedule = Schedule.objects.get()
    assert (schedule.kind, schedule.scope) == ("sync_download", {"playlists": [playlist.pk]})
    Playlist.objects.filter(pk=playlist.pk).update(name="another name")
    admin_client.post(address, {"mode": "add", "every_hours": "12"})
    assert Schedule.objects.get().every == 12 * 3600 and "another name" in Schedule.objects.get().name
    admin_client.post(address, {"mode": "add", "every_hours": ""})
    assert not Schedule.objects.exists()


def test_a_playlist_goes_with_its_schedule_and_leaves_its_songs(
    admin_client: Client, states: dict[str, Playlist]
) -> None:
    timing.set_every(states["partial"], 3600)
    page = admin_client.get(f"{LIST}{states['partial'].pk}/delete/").content.decode()
    assert "Its songs and their files stay." in page
    songs = states["partial"].songs.count()
    admin_client.post(f"{LIST}{states['partial'].pk}/delete/", {"post": "yes"})
    assert not Playlist.objects.filter(pk=states["partial"].pk).exists() and not Schedule.objects.exists()
    assert songs == 2 and states["partial"].songs.through.objects.count() == 6


def test_its_songs_stand_in_order(admin_client: Client, states: dict[str, Playlist]) -> None:
    page = admin_client.get(f"{LIST}{states['partial'].pk}/songs/").content.decode()
    assert page.index("Song 3") < page.index("Song 4")
    assert "Downloaded" in page and "Not here" in page


def test_the_overview_shows_jobs_and_coverage(admin_client: Client, states: dict[str, Playlist]) -> None:
    page = admin_client.get(f"{LIST}overview/").content.decode()
    job = Job.objects.get()
    assert f"/admin/jobs/job/{job.pk}/change/" in page and "?status=partial" in page
    assert f"/admin/jobs/job/{job.pk}/pause/" in page


def test_the_playlists_of_a_job_count_what_was_here_before(admin_client: Client, states: dict[str, Playlist]) -> None:
    playlist = states["partial"]
    job = Job.objects.create(kind="download_only", state="completed", scope={"playlists": [playlist.pk]})
    assert "50 % · 1/2" in admin_client.get(f"{LIST}of-job/{job.pk}/").content.decode()
    page = admin_client.get(f"{LIST}of-job/{job.pk}/{playlist.pk}/").content.decode()
    assert "Not in this job" in page and "Succeeded" in page


def test_a_reader_sees_and_may_not_start(client: Client, states: dict[str, Playlist]) -> None:
    from django.contrib.auth.models import Permission

    reader = User.objects.create_user("reader", is_staff=True)
    reader.user_permissions.add(Permission.objects.get(codename="view_playlist"))
    client.force_login(reader)
    assert len(names(client)) == 5
    pk = states["partial"].pk
    assert client.get(f"{LIST}{pk}/songs/").status_code == 200
    assert client.post(f"{LIST}{pk}/sync_now/").status_code == 403
    act(client, "download_selected", states["partial"])
    assert not Job.objects.filter(state="queued").exists()


def test_a_list_of_many_asks_as_often_as_one_of_few(admin_client: Client, states: dict[str, Playlist]) -> None:
    admin_client.get(LIST)
    counts = []
    for _round in range(2):
        with CaptureQueriesContext(connection) as queries:
            admin_client.get(LIST)
        counts.append(len(queries))
        for number in range(20):
            make_playlist(f"more {number}", make_songs(3))
    assert counts[0] == counts[1] <= 8, [query["sql"][:120] for query in queries.captured_queries]
