"""What is made before the first process starts."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection

from mediasync.backup import backup, prune
from mediasync.core.clock import FakeClock
from mediasync.core.errors import MediasyncError
from mediasync.ui.up import prepare


@pytest.mark.django_db
def test_it_makes_one_admin_whose_password_is_shown_once() -> None:
    said: list[str] = []
    prepare.first_admin(said.append)
    prepare.first_admin(said.append)
    (text,) = said
    password = text.split("password")[1].split()[0]
    assert User.objects.get().check_password(password)
    assert len(password) >= 16


@pytest.mark.django_db
def test_it_finds_another_name_when_admin_is_taken_by_somebody_without_rights() -> None:
    User.objects.create_user("admin")
    prepare.first_admin(lambda text: None)
    assert User.objects.get(is_superuser=True).username == "admin2"


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "sqlite", reason="undoing migrations is slow and the same on PostgreSQL")
def test_it_backs_up_before_it_migrates(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.DATA_DIR = tmp_path
    source = tmp_path / "live.sqlite3"
    with sqlite3.connect(source) as live:
        live.execute("CREATE TABLE t (x)")
    live.close()
    settings.DATABASES["default"]["NAME"], before = str(source), settings.DATABASES["default"]["NAME"]
    said: list[str] = []
    try:
        call_command("migrate", "sessions", "zero", verbosity=0)
        prepare.migrate(said.append)
        prepare.migrate(said.append)  # nothing to do: says nothing
    finally:
        settings.DATABASES["default"]["NAME"] = before
    assert len(said) == 2
    assert said[0].startswith("Backup before 1 migrations")
    assert len(list((tmp_path / "backups").iterdir())) == 1


@pytest.mark.parametrize("name", ["live.sqlite3", "50%20 #1 what?.sqlite3"])
def test_its_backup_is_a_whole_database(tmp_path: Path, name: str) -> None:
    source = tmp_path / name
    live = sqlite3.connect(source)
    live.executescript("PRAGMA journal_mode=WAL; CREATE TABLE t (x); INSERT INTO t VALUES (42);")
    made = backup(_entry(source), tmp_path / "b", now=FakeClock().now(), label="test")
    copy = sqlite3.connect(made)
    assert copy.execute("SELECT x FROM t").fetchone() == (42,)
    copy.close()
    live.close()
    assert [p.name for p in (tmp_path / "b").iterdir()] == ["test-20260101-000000.sqlite3"]


def test_its_backup_of_rubbish_fails_and_leaves_nothing(tmp_path: Path) -> None:
    source = tmp_path / "live.sqlite3"
    source.write_bytes(b"rubbish" * 1000)
    with pytest.raises(MediasyncError, match="could not be copied"):
        backup(_entry(source), tmp_path / "b", now=FakeClock().now(), label="test")
    assert not list((tmp_path / "b").iterdir())


def test_it_keeps_the_newest_backups(tmp_path: Path) -> None:
    for day in range(1, 9):
        (tmp_path / f"test-2026010{day}-000000.sqlite3").touch()
    prune(tmp_path, label="test", keep=5)
    assert sorted(p.name for p in tmp_path.iterdir())[0] == "test-20260104-000000.sqlite3"


def _entry(path: Path) -> dict[str, str]:
    return {"ENGINE": "django.db.backends.sqlite3", "NAME": str(path)}
