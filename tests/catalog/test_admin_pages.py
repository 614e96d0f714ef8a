"""Weak matches, uploads, what was not found, and the folder for a job that has no room left."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from catalog import rooms
from catalog.models import FileAsset, Review, Song, StorageBackend, UploadTask
from mediasync.jobs import registry
from mediasync.jobs.models import Command, Job

from .rows import keep, local_backend, make_playlist, make_songs

pytestmark = pytest.mark.django_db


def page(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return answer.content.decode()


def press(client: Client, address: str) -> str:
    return client.post(address, follow=True).content.decode()


# -- Weak matches


@pytest.fixture
def review() -> Review:
    candidate = {"bitrate": 320, "ext": "mp3", "license": "CC-BY", "duration": 200.0, "rights_basis": "open-licence"}
    song = make_songs(1, duration=180.0)[0]
    return Review.objects.create(song=song, source="ia", key="1", title="Near it", score=82.4, candidate=candidate)


def test_a_weak_match_says_all_that_one_needs(admin_client: Client, review: Review) -> None:
    shown = page(admin_client, "/admin/catalog/review/")
    for text in ("Song 0", "Near it", ">82<", "320 kbit/s", "3:00", "3:20", "CC-BY", "open-licence", "Needs a look"):
        assert text in shown, text


@pytest.mark.parametrize(("button", "state"), [("take", "taken"), ("never", "never")])
def test_a_person_answers_and_may_take_it_back(admin_client: Client, review: Review, button: str, state: str) -> None:
    press(admin_client, f"/admin/catalog/review/{review.pk}/{button}/")
    review.refresh_from_db()
    assert (review.state, review.actor) == (state, "admin")
    press(admin_client, f"/admin/catalog/review/{review.pk}/reopen/")
    review.refresh_from_db()
    assert review.state == "open"


def test_what_a_person_takes_is_downloaded_at_once(admin_client: Client, review: Review) -> None:
    other = Review.objects.create(song=make_songs(2)[1], source="ia", key="2", title="Other", score=80)
    press(admin_client, f"/admin/catalog/review/{review.pk}/take/")
    job = Job.objects.get()
    assert (job.kind, job.scope) == ("download_only", {"songs": [review.song_id]})
    assert str(job.title_params["name"]) == str(review.song)
    press(admin_client, f"/admin/catalog/review/{other.pk}/take/")  # it has not begun: one job for both
    job.refresh_from_db()
    assert Job.objects.count() == 1 and job.scope["songs"] == sorted([review.song_id, other.song_id])
    assert "(2)" in registry.text(job.title_code, job.title_params)


def test_many_are_refused_at_once(admin_client: Client, review: Review) -> None:
    other = Review.objects.create(song=review.song, source="ia", key="2", title="Other", score=80)
    data: dict[str, Any] = {"action": "never", "_selected_action": [review.pk, other.pk]}
    admin_client.post("/admin/catalog/review/", data)
    assert set(Review.objects.values_list("state", flat=True)) == {"never"}
    assert "Near it" not in page(admin_client, "/admin/catalog/review/?state=open")


# -- What was not found


def test_the_report_has_what_was_looked_for_and_is_not_here(admin_client: Client, review: Review) -> None:
    songs = [*make_songs(3), review.song]
    keep(songs[:1], local_backend())
    make_playlist("One", songs)
    make_playlist("Two", songs[2:])
    Song.objects.create(platform="qq", remote_id="x", name="in no list", resolved=True)
    Song.objects.exclude(pk=songs[1].pk).update(resolved=True)
    lines = list(admin_client.get("/admin/catalog/playlist/unmatched.csv"))
    text = b"".join(lines).decode("utf-8-sig")  # type: ignore[arg-type]
    rows = [line.split(",") for line in text.splitlines()]
    assert rows[0][0] == "id" and {row[0] for row in rows[1:]} == {str(songs[2].pk), str(review.song_id)}
    by_id = {row[0]: row for row in rows[1:]}
    assert by_id[str(review.song_id)][-3:] == ["One", "3", "1"]
    shown = page(admin_client, "/admin/catalog/playlist/unmatched/")
    assert "2 songs of the playlists have no file here." in shown
    assert "3 songs" in page(admin_client, "/admin/catalog/playlist/unmatched/?untried=1")


@pytest.mark.parametrize("name", ["=1+1", "+x", "-x", "@x", "\tx"])
def test_no_cell_is_a_formula(admin_client: Client, name: str) -> None:
    songs = make_songs(1, resolved=True)
    Song.objects.update(name=name)
    make_playlist("One", songs)
    answer = admin_client.get("/admin/catalog/playlist/unmatched.csv")
    text = b"".join(answer).decode()  # type: ignore[arg-type]
    assert f",'{name}," in text


def test_its_pages_keep_what_was_asked_for(admin_client: Client) -> None:
    playlist = make_playlist("One", make_songs(101))
    shown = page(admin_client, f"/admin/catalog/playlist/unmatched/?playlists={playlist.pk}&untried=1")
    assert f"?playlists={playlist.pk}&amp;untried=1&amp;page=2" in shown


def test_all_songs_of_a_playlist_in_a_job_can_be_reached(admin_client: Client) -> None:
    playlist = make_playlist("One", make_songs(101))
    job = Job.objects.create(kind="download_only", state="running", scope={"playlists": [playlist.pk]})
    address = f"/admin/catalog/playlist/of-job/{job.pk}/{playlist.pk}/"
    shown = page(admin_client, address)
    assert "Song 0 " in shown and "Song 100 " not in shown and "Page 1 of 2" in shown
    assert "Song 100 " in page(admin_client, f"{address}?page=2")


def test_the_playlists_of_a_job_that_ended_can_be_reached(admin_client: Client) -> None:
    playlist = make_playlist("One", make_songs(1))
    job = Job.objects.create(kind="download_only", state="completed", scope={"playlists": [playlist.pk]})
    Job.objects.create(kind="download_only", state="completed", scope={})
    shown = page(admin_client, "/admin/catalog/playlist/overview/")
    assert f"/of-job/{job.pk}/" in shown and shown.count("Its playlists") == 1


# -- Uploads


def test_a_failed_upload_is_tried_again(admin_client: Client) -> None:
    keep(make_songs(1), local_backend())
    cloud = StorageBackend.objects.create(name="s3", kind="object_storage", plugin="s3", container_name="b")
    asset = FileAsset.objects.get()
    task = UploadTask.objects.create(file_asset=asset, backend=cloud, locator="m/a.mp3", state="failed", error="no")
    assert "m/a.mp3" in page(admin_client, "/admin/catalog/uploadtask/")
    press(admin_client, f"/admin/catalog/uploadtask/{task.pk}/again/")
    task.refresh_from_db()
    assert (task.state, task.error) == ("pending", "")
    task.state = "succeeded"
    task.save()
    assert "not possible any more" in press(admin_client, f"/admin/catalog/uploadtask/{task.pk}/again/")


# -- Room


@pytest.fixture
def full(tmp_path: Path) -> Job:
    """Return a job that is paused because its folder is full."""
    backend = local_backend(str(tmp_path / "full"))
    params = {"backend": backend.pk, "folder": backend.container_name, "free": 1, "needed": 2}
    return Job.objects.create(
        kind="download_only", state="paused", reason_code=rooms.FULL, reason_params=params, scope={}
    )


def test_a_full_folder_leads_to_a_form_and_on(admin_client: Client, full: Job, tmp_path: Path) -> None:
    address = f"/admin/catalog/playlist/room/{full.pk}/"
    for known in ("/admin/", f"/admin/jobs/job/{full.pk}/change/", "/admin/catalog/playlist/overview/"):
        assert address in page(admin_client, known), known
    assert str(tmp_path / "full") in page(admin_client, address)
    shown = admin_client.post(f"{address}move/", {"folder": "relative"}).content.decode()
    assert "errorlist" in shown and not Command.objects.exists()
    admin_client.post(f"{address}move/", {"folder": str(tmp_path / "other")})
    assert Command.objects.get().verb == "resume"
    first = StorageBackend.objects.get(container_name=str(tmp_path / "full"))
    assert first.overflow == StorageBackend.objects.get(container_name=str(tmp_path / "other"))


def test_a_job_with_room_has_no_such_form(admin_client: Client) -> None:
    job = Job.objects.create(kind="download_only", state="running")
    address = f"/admin/catalog/playlist/room/{job.pk}/"
    assert "does not wait for another folder" in page(admin_client, address)
    shown = admin_client.post(f"{address}move/", {"folder": "/srv"}).content.decode()
    assert "does not wait for another folder" in shown


# -- Short ways


@pytest.mark.parametrize(
    ("short", "page_of"),
    [("/dashboard", "/admin/catalog/playlist/overview/"), ("/playlists?status=partial", "/admin/catalog/playlist/")],
)
def test_the_addresses_of_old_lead_to_the_pages(admin_client: Client, short: str, page_of: str) -> None:
    answer = admin_client.get(short, follow=True)
    assert answer.status_code == 200 and answer.redirect_chain[0][0].startswith(page_of)


def test_the_old_address_of_the_list_takes_all_its_filters(admin_client: Client) -> None:
    make_playlist("sought", platform="qq", wanted=True)
    make_playlist("other", platform="qq", wanted=True)
    query = "platform=qq&pool_kind=&status=unsynced&keyword=sought&wanted_only=&page_size=50"
    answer = admin_client.get(f"/playlists?{query}", follow=True)
    assert len(answer.redirect_chain) == 1, answer.redirect_chain
    assert [row.name for row in answer.context["cl"].result_list] == ["sought"]
