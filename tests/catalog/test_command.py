"""``manage.py catalog``: each subcommand, its options, what it prints, and how it ends."""

from __future__ import annotations

import errno
import io
import json
import os
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError

from catalog.models import FileAsset, FileLocation, Playlist, Presence, StorageBackend
from mediasync.jobs.models import Job

from .rows import keep, local_backend, make_playlist, make_songs

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, settings: Any) -> None:
    settings.BUNDLES_DIR = tmp_path / "bundles"
    settings.PLAYLISTS_DIR = tmp_path / "playlists"


def run(*words: str) -> tuple[int, str, str]:
    """Return the exit code, and what stood on standard output and error."""
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command("catalog", *words, stdout=out, stderr=err)
    except CommandError as error:
        return error.returncode, out.getvalue(), err.getvalue() + str(error)
    except SystemExit as error:
        return int(str(error.code)), out.getvalue(), err.getvalue()
    return 0, out.getvalue(), err.getvalue()


def document(*words: str) -> Any:
    return json.loads(run(*words, "--json")[1])


@pytest.fixture
def here(tmp_path: Path) -> Playlist:
    """Return a playlist whose two songs are here, as files."""
    music = tmp_path / "music"
    songs = make_songs(2)
    keep(songs, local_backend(str(music)))
    for place in FileLocation.objects.select_related("file_asset"):
        path = music / place.locator
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_bytes(b"x" * place.file_asset.file_size_bytes)
    return make_playlist("List", songs)


def test_init_db_sets_up_a_folder_for_music(tmp_path: Path) -> None:
    code, out, _err = run("init-db", "--library-root", str(tmp_path / "Müsic"))
    assert code == 0 and "Müsic" in out
    backend = StorageBackend.objects.get()
    assert backend.is_default and backend.container_name == str(tmp_path / "Müsic")
    assert run("init-db", "--library-root", str(tmp_path / "Müsic"))[0] == 0
    assert StorageBackend.objects.count() == 1 and run("init-db")[0] == 0


def test_init_db_makes_the_data_folder(tmp_path: Path, settings: Any) -> None:
    settings.DATA_DIR = tmp_path / "not" / "there"
    assert run("init-db")[0] == 0 and settings.DATA_DIR.is_dir()


def test_a_job_can_be_left_to_the_worker(tmp_path: Path) -> None:
    one, two = make_playlist("a"), make_playlist("b")
    code, out, err = run("sync", "--playlist-ids", f"{two.pk}, {one.pk}", "--limit", "5", "--enqueue")
    assert code == 75 and "No worker" in err and "#" in out
    job = Job.objects.get()
    assert (job.kind, job.state) == ("sync_only", "queued")
    assert job.scope == {"playlists": [one.pk, two.pk], "limit": 5}
    again = run("sync", "--playlist-ids", f"{one.pk},{two.pk}", "--limit", "5", "--enqueue")
    assert "waits to do the same already" in again[2] and Job.objects.count() == 1


@pytest.mark.parametrize(
    ("words", "kind", "scope"),
    [
        (["collect"], "collect_only", {}),
        (["download", "--workers", "3", "--limit", "7", "--wanted"], "download_only", {"workers": 3, "limit": 7}),
        (["run"], "catalog_sync", {}),
    ],
)
def test_each_job_takes_its_options(words: list[str], kind: str, scope: dict[str, Any]) -> None:
    run(*words, "--enqueue")
    job = Job.objects.get()
    assert job.kind == kind and {**job.scope, **scope} == job.scope
    assert job.scope.get("wanted", False) is ("--wanted" in words)


def test_a_download_goes_into_the_folder_that_is_named(tmp_path: Path) -> None:
    run("download", "--library-root", str(tmp_path / "new"), "--enqueue")
    assert Job.objects.get().scope == {"root": StorageBackend.objects.get(container_name=str(tmp_path / "new")).pk}


def test_it_works_jobs_off_by_itself(here: Playlist) -> None:
    found = document("download", "--playlist-ids", str(here.pk))
    assert (found["state"], found["failed"], found["stages"][0]["name"]) == ("completed", 0, "download")


def test_it_says_why_a_job_failed() -> None:
    playlist = make_playlist("missing", make_songs(1))
    code, out, _err = run("download", "--playlist-ids", str(playlist.pk))
    assert code == 1 and "download source" in out


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (["sync", "--sources", "nonsense"], 2, "nonsense"),
        (["sync", "--playlist-ids", "x"], 2, "by their numbers"),
        (["sync", "--playlist-ids", "4711"], 5, "There is no playlist 4711"),
        (["download", "--library-root", "relative"], 2, "from its root"),
        (["download", "--workers", "-1"], 2, "workers"),
        (["upload"], 2, "backend"),
        (["upload", "--backend", "nowhere"], 2, "nowhere"),
        (["register-object-backend", "--backend", "b", "--bucket", "x", "--addressing-style", "odd"], 2, "style"),
        (["register-object-backend", "--backend", "", "--bucket", "x"], 2, "name: "),
        (["register-object-backend", "--backend", "no/slug", "--bucket", "x"], 2, "name: "),
        (["sync", "--playlist-ids", ","], 2, "No playlist is named"),
        (["export", "--playlist-ids", "4711"], 5, "There is no playlist"),
    ],
)
def test_what_cannot_be_is_refused_with_a_sentence(words: list[str], code: int, text: str) -> None:
    ended, _out, err = run(*words)
    assert (ended, text in err) == (code, True), err
    assert not Job.objects.exists()


def test_an_object_storage_is_registered_once() -> None:
    words = ["register-object-backend", "--backend", "main-s3", "--bucket", "music", "--region", "auto"]
    more = ["--endpoint", "https://s3.example.com", "--base-prefix", "music", "--credential-env-prefix", "MAIN_S3"]
    assert document(*words, *more)["new"] is True
    assert document(*words, *more, "--public-base-url", "https://cdn.example.com")["new"] is False
    backend = StorageBackend.objects.get()
    assert (backend.kind, backend.plugin, backend.container_name) == ("object_storage", "s3", "music")
    assert backend.config["public_base_url"] == "https://cdn.example.com"
    assert backend.config["credential_env_prefix"] == "MAIN_S3"


def test_an_upload_goes_where_the_settings_say(settings: Any) -> None:
    keys = ("endpoint", "region", "base_prefix", "addressing_style", "public_base_url", "credential_env_prefix")
    settings.OBJECT_BACKEND = {"name": "auto-s3", "bucket": "b", **dict.fromkeys(keys, "")}
    run("upload", "--limit", "3", "--verify", "--enqueue")
    backend = StorageBackend.objects.get(name="auto-s3")
    assert Job.objects.get().scope == {"backend": backend.pk, "limit": 3, "verify": True}


def test_it_refreshes_folders(here: Playlist, tmp_path: Path) -> None:
    found = document("export", "--playlist-ids", str(here.pk))
    assert [(each["files"], each["missing"]) for each in found["folders"]] == [(2, 0)]
    assert len(list((tmp_path / "playlists").rglob("*.m3u8"))) == 1
    assert "2 files, 0 are not here" in run("export")[1]


def test_it_packs_what_is_complete_and_nothing_else(here: Playlist, tmp_path: Path) -> None:
    target = tmp_path / "out.zip"
    assert run("export", "--playlist-ids", str(here.pk), "--zip", str(target))[0] == 0
    with zipfile.ZipFile(target) as archive:
        assert sum(name.endswith(".mp3") for name in archive.namelist()) == 2
    missing = make_playlist("missing", make_songs(1))
    other = tmp_path / "other.zip"
    code, _out, err = run("export", "--playlist-ids", f"{here.pk},{missing.pk}", "--zip", str(other))
    assert code == 4 and "Not all songs are here" in err and not other.exists()


def test_an_archive_that_cannot_be_written_leaves_nothing(here: Playlist, tmp_path: Path, monkeypatch: Any) -> None:
    target = tmp_path / "full" / "out.zip"
    target.parent.mkdir()
    target.write_bytes(b"of yesterday")

    def full(_source: object, part: bytes) -> None:
        Path(os.fsdecode(part)).write_bytes(b"PK half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("shutil.copyfile", full)
    code, _out, err = run("export", "--playlist-ids", str(here.pk), "--zip", str(target))
    assert code == 2 and "No space left" in err
    assert [path.read_bytes() for path in target.parent.iterdir()] == [b"of yesterday"]


def test_an_archive_replaces_nothing_but_a_file(here: Playlist, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "folder").mkdir()
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    for name in ("fifo", "folder", "dangling"):
        before = os.lstat(tmp_path / name).st_ino
        code, _out, err = run("export", "--playlist-ids", str(here.pk), "--zip", str(tmp_path / name))
        assert code == 2 and "is no file" in err, name
        assert os.lstat(tmp_path / name).st_ino == before


def test_an_archive_may_have_a_name_that_is_no_text(here: Playlist, tmp_path: Path) -> None:
    name = os.fsdecode(os.fsencode(tmp_path) + b"/\xff.zip")
    assert document("export", "--playlist-ids", str(here.pk), "--zip", name)["file"].endswith("\\xff.zip")
    assert os.path.getsize(name) > 0


def test_a_database_that_is_locked_is_said_in_a_sentence(monkeypatch: Any) -> None:
    def locked() -> int:
        raise OperationalError("database is locked")

    monkeypatch.setattr("catalog.presence.rebuild", locked)
    code, _out, err = run("presence", "--rebuild")
    assert code == 75 and "The database cannot answer now: database is locked." in err


def test_it_takes_copies_away(here: Playlist) -> None:
    asset = FileAsset.objects.order_by("pk").first()
    assert asset is not None
    first = asset.locations.get()
    root, name = Path(first.backend.container_name), first.locator.replace(".mp3", " (1).mp3")
    (root / name).write_bytes((root / first.locator).read_bytes())
    FileLocation.objects.create(file_asset=asset, backend=first.backend, locator=name)
    code, out, _err = run("dedupe", "--dry-run")
    assert code == 0 and f"{name} would go" in out and (root / name).exists()
    Job.objects.create(kind="sync_only", state="running")
    assert run("dedupe")[0] == 4
    Job.objects.all().delete()
    assert document("dedupe")["deleted"] == 1 and not (root / name).exists()


def test_it_derives_presence_anew(here: Playlist) -> None:
    assert document("presence", "--rebuild") == {"changed": 2} and Presence.objects.count() == 2
    assert "0 rows were wrong." in run("presence", "--rebuild")[1]
    with pytest.raises(CommandError):
        call_command("catalog", "presence")
