"""The .env is made once, privately, with fresh secrets."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from mediasync.core import envfile


@pytest.fixture(autouse=True)
def no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SECRET_KEY", raising=False)
    monkeypatch.delenv("SECRET_KEY_FILE", raising=False)


def test_it_makes_secrets_that_only_the_owner_reads(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    assert envfile.ensure(path)
    keys = dict(line.split("=", 1) for line in path.read_text().splitlines() if not line.startswith("#"))
    assert len(keys["SECRET_KEY"]) >= 50
    assert len(keys["FIELD_KEY"]) >= 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [p.name for p in tmp_path.iterdir()] == [".env"]


def test_it_never_overwrites(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text("SECRET_KEY=mine\n")
    assert not envfile.ensure(path)
    assert path.read_text() == "SECRET_KEY=mine\n"


def test_it_leaves_an_environment_that_brings_its_key_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY_FILE", "/run/secrets/key")
    assert not envfile.ensure(tmp_path / ".env")
    assert not (tmp_path / ".env").exists()
