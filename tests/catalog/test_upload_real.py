"""Uploads to a real S3 server, by processes that are killed and paused in the middle."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .storage import servers

REPOSITORY = Path(__file__).resolve().parents[2]
SCRIPT = str(Path(__file__).with_name("killed_upload.py"))
FILES = 40
WRONG = "a9137-that-is-not-the-secret"
MAKE = """
from pathlib import Path
from catalog import uploads
from catalog.models import *
from mediasync.jobs import services
top = Path({library!r})
local = StorageBackend.objects.create(name="library", kind="local_fs", plugin="local_fs", container_name=str(top))
songs = Song.objects.bulk_create(Song(platform="netease", remote_id=str(n), name=f"歌 {{n}}") for n in range({files}))
for song in songs:
    locator = f"home/周杰伦 & Co/{{song.name}} #1.mp3"
    file = top / locator
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(bytes([song.pk]) * 200_000)
    asset = FileAsset.objects.create(song=song, ext="mp3", file_size_bytes=200_000)
    FileLocation.objects.create(file_asset=asset, backend=local, locator=locator, is_primary=True)
target, _new = uploads.register_object_backend(
    "main-s3", "music", endpoint={endpoint!r}, base_prefix="lib", addressing_style="path",
    credential_env_prefix="TEST_S3",
)
services.submit("upload_only", {{"backend": target.pk, "workers": 3}})
"""


class Place:
    """A database, a library and an S3 server of their own."""

    def __init__(self, top: Path, endpoint: str) -> None:
        self.library, self.data, self.served = top / "library", top / "data", top / "served" / "music"
        self.data.mkdir()
        self.environment = os.environ | {
            "DJANGO_SETTINGS_MODULE": "mediasync.settings",
            "MEDIASYNC_DATA": str(self.data),
            "PYTHONPATH": str(REPOSITORY),
            "TEST_S3_ACCESS_KEY_ID": servers.KEY,
            "TEST_S3_SECRET_ACCESS_KEY": servers.SECRET,
        }
        for arguments in (
            ("manage.py", "migrate", "-v0", "--skip-checks"),
            ("manage.py", "shell", "-c", MAKE.format(library=str(self.library), files=FILES, endpoint=endpoint)),
        ):
            done = self.run(*arguments)
            assert done.returncode == 0, done.stderr.decode()

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=REPOSITORY,
            env=self.environment | environment,
            capture_output=True,
            timeout=120,
        )

    def upload(self, files: int, **environment: str) -> dict[str, Any] | None:
        """Work on the job; return what it says, None if it was killed."""
        done = self.run(SCRIPT, str(self.served), str(files), **environment)
        if done.returncode == -signal.SIGKILL:
            return None
        assert done.returncode == 0, done.stderr.decode()
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    def ask(self, question: str) -> Any:
        database = sqlite3.connect(self.data / "mediasync.sqlite3")
        try:
            return database.execute(question).fetchall()
        finally:
            database.close()


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with servers.s3(tmp_path / "served") as endpoint:
        yield Place(tmp_path, endpoint)


@pytest.mark.slow
def test_an_upload_that_is_killed_again_and_again_ends_as_one_that_was_not(place: Place) -> None:
    killed = [place.upload(files) for files in (3, 15, 30)]
    assert killed == [None, None, None]
    end = place.upload(0)
    assert end is not None and (end["state"], end["failed"]) == ("completed", 0)
    assert end["done"] + end["skipped"] == FILES
    there = {file.relative_to(place.served).as_posix(): file.read_bytes() for file in place.served.rglob("*.mp3")}
    held = {
        f"lib/{file.relative_to(place.library).as_posix()}": file.read_bytes() for file in place.library.rglob("*.mp3")
    }
    assert there == held
    rows = place.ask("SELECT locator, status, is_primary FROM catalog_filelocation WHERE backend_id = 2")
    assert sorted(rows) == sorted((locator, "active", 0) for locator in held)
    assert place.ask("SELECT COUNT(*) FROM catalog_presence WHERE backend_id = 2 AND files = 1") == [(FILES,)]
    assert place.ask("SELECT DISTINCT state FROM catalog_uploadtask") == [("succeeded",)]


@pytest.mark.slow
def test_a_wrong_secret_pauses_the_job_and_the_right_one_ends_it(place: Place) -> None:
    rest = place.upload(0, TEST_S3_SECRET_ACCESS_KEY=WRONG)
    assert rest is not None and (rest["state"], rest["done"], rest["failed"]) == ("paused", 0, 0)
    assert place.ask("SELECT reason_code FROM jobs_job") == [("storage_denied",)]
    for file in place.data.rglob("*"):
        assert not file.is_file() or WRONG.encode() not in file.read_bytes()
    resumed = place.run("manage.py", "jobs", "resume", "1")
    assert resumed.returncode in (0, 75), resumed.stderr.decode()
    end = place.upload(0)
    assert end is not None and (end["state"], end["done"]) == ("completed", FILES)
