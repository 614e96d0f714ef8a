"""A folder that is full is asked about once on a terminal, and never where nobody can answer."""

from __future__ import annotations

import io
import shutil
import sys
from collections import namedtuple
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from catalog.models import StorageBackend
from mediasync.jobs.models import Job

from . import audio
from .downloading import playlist, source

pytestmark = pytest.mark.django_db
Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Any) -> Path:
    """Let two songs be to be had, and the folder for music be full."""
    settings.PLAYLISTS_DIR = tmp_path / "playlists"
    for title in ("One", "Two"):
        audio.write(tmp_path / "mine" / f"{title}.mp3", audio.mp3(title, "Singer", 20))
    source("library", "mine", folder=str(tmp_path / "mine"))
    (tmp_path / "full").mkdir()
    StorageBackend.objects.create(
        name="full", kind="local_fs", plugin="local_fs", container_name=str(tmp_path / "full"), is_default=True
    )
    playlist("List", ("One", "Singer"), ("Two", "Singer"))
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(10**12, 0, 0 if b"/full" in path else 10**12))
    return tmp_path


def terminal(monkeypatch: pytest.MonkeyPatch, *answers: str) -> list[str]:
    """Let somebody sit there who gives these answers; return what he is asked."""
    asked: list[str] = []
    left = list(answers)

    def answer(question: str) -> str:
        asked.append(question)
        return left.pop(0)

    monkeypatch.setattr("builtins.input", answer)
    for stream in (sys.stdin, sys.stdout):
        monkeypatch.setattr(stream, "isatty", lambda: True, raising=False)
    return asked


def download() -> tuple[int, str]:
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command("catalog", "download", stdout=out, stderr=err)
    except SystemExit as ended:
        return int(str(ended.code)), out.getvalue() + err.getvalue()
    return 0, out.getvalue() + err.getvalue()


def test_it_asks_until_the_answer_can_be_used_and_goes_on_there(full: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = terminal(monkeypatch, "relative", str(full / "full"), str(full / "other"))
    code, said = download()
    assert (code, len(asked)) == (0, 3), said
    assert sorted(path.name for path in (full / "other").rglob("*.mp3")) == ["One.mp3", "Two.mp3"]
    assert not list((full / "full").rglob("*.mp3")) and Job.objects.get().state == "completed"


def test_an_empty_answer_leaves_the_job_paused(full: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = terminal(monkeypatch, "")
    code, said = download()
    assert (code, len(asked), Job.objects.get().state) == (6, 1, "paused"), said


def test_nobody_is_asked_where_nobody_sits(full: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("builtins.input", lambda question: pytest.fail("asked"))
    code, said = download()
    assert code == 6 and "name another folder" in said and Job.objects.get().reason_code == "disk_full"
