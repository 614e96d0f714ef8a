"""Playlists in a file, by the page and by the command."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.test import Client

from catalog.models import Playlist, Pool, Source
from mediasync.jobs.models import Job

pytestmark = pytest.mark.django_db
TAKE = "/admin/catalog/playlist/from-file/take/"
LINES = """\ufeff# mine
https://music.163.com/#/playlist?id=17745989905

netease,https://music.163.com/#/playlist?id=17745989905
https://example.com/nothing
"""


@pytest.fixture(autouse=True)
def source() -> Source:
    return Source.objects.create(name="netease", plugin="netease", enabled=True)


def post(client: Client, **data: Any) -> str:
    answer = client.post(TAKE, data, follow=True)
    assert answer.status_code == 200
    return answer.content.decode()


def test_lines_become_playlists_and_one_job(admin_client: Client) -> None:
    assert "Take them in" in admin_client.get("/admin/catalog/playlist/from-file/").content.decode()
    shown = post(admin_client, text=LINES, download="on")
    assert "Line 5" in shown and "example.com" in shown and "1 playlist." in shown
    playlist = Playlist.objects.get()
    assert (playlist.platform, playlist.remote_id) == ("netease", "17745989905")
    assert Pool.objects.get().kind == "manual_file"
    job = Job.objects.get()
    assert (job.kind, job.scope) == ("sync_download", {"playlists": [playlist.pk]})


def test_a_file_may_be_synchronised_only(admin_client: Client) -> None:
    file = SimpleUploadedFile("mine.txt", b"https://music.163.com/#/playlist?id=1\r\n")
    assert "was queued" in post(admin_client, file=file)
    assert Job.objects.get().kind == "sync_only"


@pytest.mark.parametrize(
    ("data", "text"),
    [({}, "Give a file or some lines."), ({"text": "nonsense"}, "No playlist in this file can be used.")],
)
def test_what_holds_no_playlist_queues_nothing(admin_client: Client, data: dict[str, str], text: str) -> None:
    assert text in post(admin_client, **data)
    assert not Job.objects.exists() and not Playlist.objects.exists()


def test_a_file_that_is_too_large_is_refused(admin_client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("catalog.forms_playlist.LARGEST", 10)
    assert "The file is too large." in post(admin_client, file=SimpleUploadedFile("x.txt", b"x" * 11))


def test_only_who_may_start_jobs_brings_files(client: Client) -> None:
    client.force_login(User.objects.create_user("reader", is_staff=True))
    assert client.post(TAKE, {"text": LINES}).status_code == 403
    assert client.get("/admin/catalog/playlist/from-file/").status_code == 403


def test_the_command_runs_only_the_playlists_of_a_file(tmp_path: Path) -> None:
    Playlist.objects.create(platform="netease", remote_id="other", name="not in the file")
    path = tmp_path / "lists.txt"
    path.write_text(LINES, encoding="utf-8")
    out, err = io.StringIO(), io.StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command(
            "catalog", "run", "--playlist-file", str(path), "--limit", "2", "--enqueue", stdout=out, stderr=err
        )
    assert ended.value.code == 75 and "line 5" in err.getvalue()
    job = Job.objects.get()
    assert job.kind == "sync_download"
    assert job.scope == {"playlists": [Playlist.objects.get(remote_id="17745989905").pk], "limit": 2}


def test_the_command_says_what_is_wrong_with_a_file(tmp_path: Path) -> None:
    from django.core.management import CommandError

    with pytest.raises(CommandError, match="No such file"):
        call_command("catalog", "run", "--playlist-file", str(tmp_path / "none.txt"))
    (tmp_path / "bad.txt").write_text("nonsense\n")
    err = io.StringIO()
    with pytest.raises(CommandError, match="No playlist"):
        call_command("catalog", "run", "--playlist-file", str(tmp_path / "bad.txt"), stderr=err)
    assert "line 1" in err.getvalue() and not Job.objects.exists()


def test_what_is_wrong_is_said_once(admin_client: Client) -> None:
    shown = post(admin_client, file=SimpleUploadedFile("mine.txt", b""))
    assert "The submitted file is empty." in shown and "Give a file or some lines." not in shown
