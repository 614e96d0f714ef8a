"""One data folder, one installation."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mediasync.core.errors import Conflict
from mediasync.ui.up.lock import RunLock


def test_it_names_the_first_to_the_second(tmp_path: Path) -> None:
    first = RunLock(tmp_path / "up.lock", address="127.0.0.1:8000")
    first.acquire()
    with pytest.raises(Conflict, match=rf"pid {os.getpid()}, http://127.0.0.1:8000/") as caught:
        RunLock(tmp_path / "up.lock", address="127.0.0.1:9000").acquire()
    assert caught.value.code == "already_running"
    first.release()


def test_it_is_free_again_after_release(tmp_path: Path) -> None:
    first = RunLock(tmp_path / "up.lock", address="a:1")
    first.acquire()
    first.release()
    second = RunLock(tmp_path / "up.lock", address="b:2")
    second.acquire()
    second.release()


def test_it_survives_rubbish_in_the_file(tmp_path: Path) -> None:
    (tmp_path / "up.lock").write_text("rubbish" * 1000)
    lock = RunLock(tmp_path / "up.lock", address="a:1")
    lock.acquire()
    lock.release()
