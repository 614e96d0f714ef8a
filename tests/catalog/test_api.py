"""The API: who may ask, what is answered, and that nothing odd comes through."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from catalog.models import FileAsset, FileLocation, Playlist, Song
from mediasync.jobs.models import Group, Item, Job, Stage
from mediasync.servers import tokens

from .rows import keep, local_backend, make_playlist, make_songs, put_into_pool

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, settings: Any) -> None:
    settings.BUNDLES_DIR = tmp_path / "bundles"
    settings.PLAYLISTS_DIR = tmp_path / "playlists"


def by_token(*scopes: str) -> Client:
    _row, text = tokens.create("script", scopes or ["read"])
    return Client(headers={"Authorization": f"Bearer {text}"})


def post(client: Client, path: str, body: Any) -> Any:
    return client.post(f"/api/{path}", json.dumps(body), content_type="application/json")


@pytest.fixture
def ready(tmp_path: Path) -> Playlist:
    """Return a playlist whose two songs are here, as files."""
    music = tmp_path / "music"
    music.mkdir()
    songs = make_songs(2)
    keep(songs, local_backend(str(music)))
    for place in FileLocation.objects.select_related("file_asset"):
        path = music / place.locator
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"x" * place.file_asset.file_size_bytes)
    return make_playlist("здесь 这里", songs)


@pytest.fixture
def missing() -> Playlist:
    return make_playlist("missing", make_songs(2))


# -- Who may ask

GETS = ["playlists", "dashboard", "maintenance/local-duplicates", "jobs/1/playlists/1/songs", "playlists/1/export.zip"]
POSTS = [
    *("playlists/download", "playlists/wanted", "playlists/export", "playlists/export-zip"),
    "maintenance/local-duplicates/dedupe",
]


@pytest.mark.parametrize("path", [*GETS, *POSTS, "exports/bundles/x.zip", "playlists/1/export-folder"])
def test_it_tells_a_stranger_nothing(client: Client, path: str) -> None:
    answer = client.post(f"/api/{path}") if path in POSTS else client.get(f"/api/{path}")
    assert answer.status_code == 401 and answer.headers["WWW-Authenticate"]


@pytest.mark.parametrize("path", POSTS)
def test_a_token_that_only_reads_changes_nothing(path: str, missing: Playlist) -> None:
    assert post(by_token("read"), path, {"playlist_ids": [missing.pk]}).status_code == 403
    assert not Job.objects.exists()


@pytest.mark.parametrize("path", POSTS)
def test_a_login_needs_its_own_token_for_a_post_and_a_permission(path: str) -> None:
    boss = Client(enforce_csrf_checks=True)
    boss.force_login(User.objects.create_superuser("boss"))
    assert boss.post(f"/api/{path}").status_code == 403
    nobody = Client()
    nobody.force_login(User.objects.create_user("nobody"))
    assert nobody.post(f"/api/{path}").json()["code"] == "permission"


@pytest.mark.parametrize("path", POSTS)
def test_a_get_changes_nothing(admin_client: Client, path: str) -> None:
    assert admin_client.get(f"/api/{path}").status_code == 405


# -- Lists


def test_it_finds_playlists(missing: Playlist, ready: Playlist) -> None:
    client = by_token()
    put_into_pool(missing)
    Playlist.objects.filter(pk=missing.pk).update(platform="qq", wanted=True)
    for query, found in {
        "": {missing.pk, ready.pk},
        "platform=qq": {missing.pk},
        "pool_kind=toplist": {missing.pk},
        "status=downloaded": {ready.pk},
        "keyword=这里": {ready.pk},
        "wanted_only=true": {missing.pk},
        "wanted_only=": {missing.pk, ready.pk},
        "wanted_only=false": {missing.pk, ready.pk},
        "platform=&status=&keyword=&pool_kind=": {missing.pk, ready.pk},
    }.items():
        rows = client.get(f"/api/playlists?{query}").json()["playlists"]
        assert {row["id"] for row in rows} == found, query
    row = client.get("/api/playlists?status=downloaded").json()["playlists"][0]
    assert (row["downloaded_songs"], row["total_songs"], row["status"]) == (2, 2, "downloaded")


def test_it_pages(missing: Playlist, ready: Playlist) -> None:
    client = by_token()
    first = client.get("/api/playlists?page_size=1").json()
    assert (len(first["playlists"]), first["pages"]) == (1, 2)
    assert client.get("/api/playlists?page_size=1&page=2").json()["playlists"] != first["playlists"]


def test_a_state_that_is_none_is_refused() -> None:
    answer = by_token().get("/api/playlists?status=gone")
    assert (answer.status_code, answer.json()["code"]) == (400, "no_state")


# -- Downloads and exports


def test_a_mixed_selection_makes_two_jobs(missing: Playlist, ready: Playlist) -> None:
    never = make_playlist("never")
    ids = [missing.pk, ready.pk, never.pk]
    answer = post(by_token("control"), "playlists/download", {"playlist_ids": ids})
    body = answer.json()
    assert (answer.status_code, body["status"], body["ready"]) == (202, "queued", [ready.pk])
    assert (body["sync_download"], body["download_only"]) == ([never.pk], [missing.pk])
    jobs = {job.pk: (job.kind, job.trigger, job.actor) for job in Job.objects.all()}
    assert jobs[body["sync_download_job"]["id"]] == ("sync_download", "api", "token script")
    assert jobs[body["download_job"]["id"]] == ("download_only", "api", "token script")
    again = post(by_token_again(), "playlists/download", {"playlist_ids": ids}).json()
    assert again["download_job"]["deduplicated"] and Job.objects.count() == 2


def by_token_again() -> Client:
    _row, text = tokens.create("script 2", ["control"])
    return Client(headers={"Authorization": f"Bearer {text}"})


def test_an_archive_of_what_is_here_is_ready(ready: Playlist, admin_client: Client) -> None:
    body = post(admin_client, "playlists/export-zip", {"playlist_ids": [ready.pk]}).json()
    assert body["status"] == "ready" and body["download_url"].startswith("/api/exports/bundles/")
    answer = admin_client.get(body["download_url"])
    with zipfile.ZipFile(io.BytesIO(b"".join(answer))) as archive:  # type: ignore[arg-type]
        names = archive.namelist()
    assert sum(name.endswith(".mp3") for name in names) == 2 and "SOURCES.txt" in names
    one = admin_client.get(f"/api/playlists/{ready.pk}/export.zip")
    assert one.status_code == 200 and "attachment" in one.headers["Content-Disposition"]
    assert b"".join(one)[:2] == b"PK"  # type: ignore[arg-type]


def test_an_archive_is_never_partial(ready: Playlist, missing: Playlist, tmp_path: Path) -> None:
    client = by_token("control")
    body = post(client, "playlists/export-zip", {"playlist_ids": [ready.pk, missing.pk]}).json()
    assert body["status"] == "queued" and "download_url" not in body
    assert body["download_job"]["id"] == Job.objects.get().pk
    assert not list((tmp_path / "bundles").glob("*.zip"))
    answer = client.get(f"/api/playlists/{missing.pk}/export.zip")
    assert (answer.status_code, answer.json()["code"]) == (409, "not_ready")


@pytest.mark.parametrize("name", ["..%2F..%2Fetc%2Fpasswd", "..", "a%2Fb", "A", "%00", "x" * 300, ".hidden"])
def test_no_name_of_an_archive_leads_elsewhere(name: str) -> None:
    assert by_token().get(f"/api/exports/bundles/{name}.zip").status_code == 404


def test_an_export_refreshes_folders_and_queues_the_rest(ready: Playlist, missing: Playlist, tmp_path: Path) -> None:
    body = post(by_token("control"), "playlists/export", {"playlist_ids": [ready.pk, missing.pk]}).json()
    assert body["status"] == "queued" and body["download_only"] == [missing.pk]
    assert [each["files"] for each in body["folders"]] == [2]
    assert len(list((tmp_path / "playlists").rglob("*.m3u8"))) == 1


def test_a_folder_is_refreshed_without_a_download(missing: Playlist) -> None:
    answer = by_token("control").get(f"/api/playlists/{missing.pk}/export-folder")
    assert (answer.json()["files"], answer.json()["missing"]) == (0, 2)
    assert not Job.objects.exists()


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 400, "no_playlists"),
        ({"playlist_ids": []}, 400, "no_playlists"),
        ({"playlist_ids": ["x"]}, 400, "bad_playlist"),
        ({"playlist_ids": [-1]}, 400, "bad_playlist"),
        ({"playlist_ids": [None]}, 400, "bad_playlist"),
        ({"playlist_ids": {"a": 1}}, 400, "bad_playlist"),
        ({"playlist_ids": [10**30]}, 400, "bad_playlist"),
        ({"playlist_ids": [987654]}, 404, "no_playlist"),
        ({"playlist_ids": list(range(1, 1002))}, 400, "too_many_playlists"),
        ([1], 400, "bad_body"),
    ],
)
def test_what_is_no_selection_is_refused(admin_client: Client, body: Any, status: int, code: str) -> None:
    for path in ("playlists/download", "playlists/export-zip", "playlists/export", "playlists/wanted"):
        answer = post(admin_client, path, body)
        assert (answer.status_code, answer.json()["code"]) == (status, code), path
    assert not Job.objects.exists()


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"{", "application/json"),
        (b"\xff", "application/json"),
        (b"[" * 100_000, "application/json"),
        (b'{"playlist_ids": ' + b"[" * 100_000, "application/json"),
        (b"x" * 3_000_000, "application/json"),
        (b"nothing", "multipart/form-data"),
        (b"&".join(b"a=1" for _ in range(2000)), "application/x-www-form-urlencoded"),
    ],
)
def test_a_body_that_cannot_be_read_is_refused_as_json(body: bytes, kind: str) -> None:
    answer = by_token("control").post("/api/playlists/download", body, content_type=kind)
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_body")


def test_what_is_here_already_is_not_said_to_be_under_way(admin_client: Client, ready: Playlist) -> None:
    for path in ("playlists/download", "playlists/export", "playlists/export-zip"):
        answer = post(admin_client, path, {"playlist_ids": [ready.pk]})
        assert (answer.status_code, answer.json()["status"]) == (200, "ready"), path


def test_ids_come_as_a_form_too(admin_client: Client, missing: Playlist, ready: Playlist) -> None:
    data = {"playlist_ids": f"{missing.pk},{ready.pk}", "wanted": ""}
    assert admin_client.post("/api/playlists/wanted", {**data, "wanted": "1"}).status_code == 200
    assert Playlist.objects.filter(wanted=True).count() == 2
    admin_client.post("/api/playlists/wanted", data)
    assert not Playlist.objects.filter(wanted=True).exists()


# -- Jobs


def test_it_tells_of_each_song_in_a_job(ready: Playlist) -> None:
    _here, gone = ready.songs.order_by("pk")
    FileLocation.objects.filter(file_asset__song=gone).update(status="inactive")
    other = Song.objects.create(platform="qq", remote_id="qqtop_1", name="Chapter", kind="non_music")
    ready.songs.through.objects.create(playlist=ready, song=other, position=2)
    job = Job.objects.create(kind="download_only", state="running", scope={"playlists": [ready.pk]})
    stage = Stage.objects.create(job=job, seq=1, name="download")
    group = Group.objects.create(stage=stage, key="playlist:1")  # of another list: it holds the song too
    params = {"name": gone.name}
    Item.objects.create(stage=stage, group=group, key=str(gone.pk), state="failed", error_code="x", error_params=params)
    Item.objects.create(stage=stage, group=group, key=str(other.pk), state="skipped", error_code="non_music")
    rows = by_token().get(f"/api/jobs/{job.pk}/playlists/{ready.pk}/songs").json()["songs"]
    assert [(row["state"], row["here"], row["music"]) for row in rows] == [
        ("succeeded", True, True),
        ("failed", False, True),
        ("skipped", False, False),
    ]
    assert rows[2]["note"] and rows[2]["reason"] == "non_music"
    page = by_token_again().get(f"/api/jobs/{job.pk}/playlists/99/songs")
    assert page.status_code == 404


def test_the_dashboard_goes_on_after_an_event() -> None:
    from mediasync.jobs.models import Event

    job = Job.objects.create(kind="sync_only", state="running")
    events = [Event.objects.create(job=job, code="job_running") for _ in range(3)]
    client = by_token()
    body = client.get("/api/dashboard").json()
    assert [each["id"] for each in body["active"]] == [job.pk] and body["after"] == events[2].pk
    assert set(body["coverage"]) == {"unsynced", "not_downloaded", "downloading", "partial", "downloaded"}
    more = client.get(f"/api/dashboard?after={events[1].pk}").json()
    assert [event["id"] for event in more["events"]] == [events[2].pk]
    assert client.get(f"/api/dashboard?after={events[2].pk}").json()["after"] == events[2].pk


# -- Copies


def double(ready: Playlist) -> FileLocation:
    """Let a file lie a second time, as browsers name it."""
    asset = FileAsset.objects.order_by("pk").first()
    assert asset is not None
    first = asset.locations.get()
    copy = first.locator.replace(".mp3", " (1).mp3")
    root = Path(first.backend.container_name)
    (root / copy).write_bytes((root / first.locator).read_bytes())
    return FileLocation.objects.create(file_asset=asset, backend=first.backend, locator=copy)


def test_it_finds_copies_and_takes_them_away(ready: Playlist) -> None:
    copy = double(ready)
    path = Path(copy.backend.container_name) / copy.locator
    client = by_token("admin")
    groups = client.get("/api/maintenance/local-duplicates").json()["groups"]
    assert [row["location"] for row in groups[0]["duplicates"]] == [copy.pk]
    done = client.post("/api/maintenance/local-duplicates/dedupe").json()
    assert (done["groups"], done["inactive"], done["deleted"]) == (1, 1, 1)
    copy.refresh_from_db()
    assert copy.status == "inactive" and not path.exists()


def test_it_takes_nothing_away_while_a_job_runs(ready: Playlist, admin_client: Client) -> None:
    copy = double(ready)
    Job.objects.create(kind="sync_only", state="running")
    answer = admin_client.post("/api/maintenance/local-duplicates/dedupe")
    assert answer.status_code == 409
    page = admin_client.post("/admin/catalog/playlist/duplicates/dedupe/")
    assert page.status_code == 409 and "Keep one of each" in page.content.decode()
    assert (Path(copy.backend.container_name) / copy.locator).exists()


def test_the_page_of_copies_shows_the_result_in_place(ready: Playlist, admin_client: Client) -> None:
    copy = double(ready)
    page = admin_client.get("/admin/catalog/playlist/duplicates/").content.decode()
    assert copy.locator in page and "Keep one of each" in page
    answer = admin_client.post("/admin/catalog/playlist/duplicates/dedupe/")
    assert answer.status_code == 200 and "1 copy was taken away." in answer.content.decode()
