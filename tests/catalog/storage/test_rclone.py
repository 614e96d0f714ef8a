"""A cloud drive through a real rclone, in both versions that people have."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from catalog.storage import rclone
from catalog.storage.rclone import Rclone
from mediasync.core.errors import AccessDenied, NeedsOperator, Permanent, Stop, Transient, Unreachable, UsageError
from tests.fakes.rclone import FakeRclone

from . import servers

PREFIX = "TEST_RC"
BINARIES = dict(zip(("new", "debian"), servers.BINARIES, strict=True))


@pytest.fixture(scope="module", params=sorted(BINARIES))
def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    folder = tmp_path_factory.mktemp("rcd") / "cloud"
    with servers.daemon(BINARIES[request.param], folder) as url:
        yield url, folder


@pytest.fixture(autouse=True)
def login(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"{PREFIX}_USER", servers.USER)
    monkeypatch.setenv(f"{PREFIX}_PASSWORD", servers.PASSWORD)
    monkeypatch.setattr(rclone, "LOOK", 0.05)


def storage(url: str, remote: str = "cloud:", **config: str) -> Rclone:
    return Rclone(remote, {"address": url, "credential_env_prefix": PREFIX, **config})


def quiet(done: int, total: int | None) -> None:
    """Hear nothing."""


def test_it_copies_a_file_to_a_mirrored_place(served: tuple[str, Path], tmp_path: Path) -> None:
    url, folder = served
    file = tmp_path / "晴天 50% #1.flac"
    file.write_bytes(b"fLaC" + bytes(1000))
    there = storage(url, base_prefix="Music")
    locator = there.locator("qq/周杰伦/晴天 50% #1.flac")
    heard: list[tuple[int, int | None]] = []
    stored = there.put(file, locator, lambda done, total: heard.append((done, total)))
    assert (stored.locator, stored.size) == ("Music/qq/周杰伦/晴天 50% #1.flac", 1004)
    assert (folder / stored.locator).read_bytes() == file.read_bytes()
    assert heard[0] == (0, 1004) and heard[-1] == (1004, 1004)
    assert there.exists(locator) == 1004
    there.remove(locator)
    assert there.exists(locator) is None
    there.remove(locator)


def test_it_copies_again_what_has_changed(served: tuple[str, Path], tmp_path: Path) -> None:
    url, folder = served
    file = tmp_path / "a.mp3"
    for data in (b"one", b"another"):
        file.write_bytes(data)
        storage(url).put(file, "again/a.mp3", quiet)
        assert (folder / "again/a.mp3").read_bytes() == data


def test_it_proves_that_it_can_be_used(served: tuple[str, Path]) -> None:
    url, folder = served
    assert "cloud:" in storage(url, base_prefix="a/b").check()
    assert (folder / "a/b").is_dir()
    assert (storage(url).free() or 0) > 0


def test_it_says_what_is_wrong(served: tuple[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url, _folder = served
    with pytest.raises(Permanent) as missing:
        storage(url).put(tmp_path / "gone.mp3", "a.mp3", quiet)
    assert missing.value.code == "file_missing"
    with pytest.raises(Permanent):
        storage(url, "nobody:").check()
    with pytest.raises(Unreachable):
        storage(f"http://127.0.0.1:{servers.free_port()}").check()
    monkeypatch.setenv(f"{PREFIX}_PASSWORD", "wrong")
    with pytest.raises(AccessDenied):
        storage(url).check()
    monkeypatch.delenv(f"{PREFIX}_PASSWORD")
    with pytest.raises(NeedsOperator, match=f"{PREFIX}_PASSWORD"):
        storage(url).check()


def test_it_refuses_a_container_that_is_no_remote() -> None:
    with pytest.raises(UsageError):
        Rclone("Music", {})


def test_it_cannot_say_names_that_are_no_text(tmp_path: Path) -> None:
    file = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.mp3"))
    file.write_bytes(b"a")
    with FakeRclone({}) as fake, pytest.raises(Permanent) as caught:
        storage(fake.url).put(file, "a.mp3", quiet)
    assert caught.value.code == "storage_name"
    assert not fake.asked


def test_it_ends_the_copy_when_it_is_stopped(tmp_path: Path) -> None:
    file = tmp_path / "a.mp3"
    file.write_bytes(bytes(10))
    answers = {
        "operations/copyfile": {"jobid": 7},
        "job/status": {"finished": False},
        "core/stats": {"bytes": 4},
        "job/stop": {},
    }

    def stop(done: int, total: int | None) -> None:
        if done:
            raise Stop

    with FakeRclone(answers) as fake, pytest.raises(Stop):
        storage(fake.url).put(file, "a.mp3", stop)
    assert ("job/stop", {"jobid": 7}) in fake.asked


@pytest.mark.parametrize(
    ("said", "kind", "code"),
    [
        ("googleapi: Error 403: The user's Drive storage quota has been exceeded.", NeedsOperator, "storage_full"),
        ("couldn't fetch token: invalid_grant", AccessDenied, "storage_denied"),
        ("connection reset by peer", Transient, "storage_failed"),
    ],
)
def test_it_takes_its_sentences_for_what_they_mean(said: str, kind: type[Exception], code: str, tmp_path: Path) -> None:
    file = tmp_path / "a.mp3"
    file.write_bytes(bytes(10))
    answers = {
        "operations/copyfile": {"jobid": 7},
        "job/status": {"finished": True, "success": False, "error": said},
    }
    with FakeRclone(answers) as fake, pytest.raises(kind) as caught:
        storage(fake.url).put(file, "a.mp3", quiet)
    assert getattr(caught.value, "code", "") == code


def test_it_does_not_believe_a_copy_that_is_too_short(tmp_path: Path) -> None:
    file = tmp_path / "a.mp3"
    file.write_bytes(bytes(10))
    answers = {
        "operations/copyfile": {"jobid": 7},
        "job/status": {"finished": True, "success": True},
        "operations/stat": {"item": {"Size": 9}},
    }
    with FakeRclone(answers) as fake, pytest.raises(Transient):
        storage(fake.url).put(file, "a.mp3", quiet)
