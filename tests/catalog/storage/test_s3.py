"""Object storage, against a real S3 server that checks keys."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from catalog.storage import s3
from catalog.storage.s3 import S3
from mediasync.core.errors import AccessDenied, NeedsOperator, Permanent, Stop, Unreachable, UsageError

from . import servers

PREFIX = "TEST_S3"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("s3") / "served"


@pytest.fixture(scope="module")
def endpoint(folder: Path) -> Iterator[str]:
    with servers.s3(folder) as url:
        yield url


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"{PREFIX}_ACCESS_KEY_ID", servers.KEY)
    monkeypatch.setenv(f"{PREFIX}_SECRET_ACCESS_KEY", servers.SECRET)


def storage(address: str, bucket: str = "music", **config: str) -> S3:
    settings = {"endpoint": address, "addressing_style": "path", "credential_env_prefix": PREFIX, **config}
    return S3(bucket, settings)


def quiet(done: int, total: int | None) -> None:
    """Hear nothing."""


def test_it_puts_a_file_under_a_mirrored_key(endpoint: str, folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "song.flac"
    file.write_bytes(b"fLaC" + bytes(1000))
    there = storage(endpoint, base_prefix="lib/", public_base_url="https://cdn.example.com/m/")
    key = there.locator("qq/周杰伦/晴天 (live) #1.flac")
    assert key == "lib/qq/周杰伦/晴天 (live) #1.flac"
    for _ in range(2):  # a second time gives the same
        stored = there.put(file, key, quiet)
    assert stored.size == 1004
    assert stored.public_url == (
        "https://cdn.example.com/m/lib/qq/%E5%91%A8%E6%9D%B0%E4%BC%A6/%E6%99%B4%E5%A4%A9%20%28live%29%20%231.flac"
    )
    assert (folder / "music" / key).read_bytes() == file.read_bytes()
    assert there.exists(key) == 1004
    there.remove(key)
    assert there.exists(key) is None
    there.remove(key)


@pytest.mark.parametrize(
    ("local", "key"),
    [
        ("qq\\Singer A\\a.flac", "p/qq/Singer A/a.flac"),  # from Windows
        ("qq//Singer A/./a.flac", "p/qq/Singer A/a.flac"),
        ("qq/\U0010dcff.mp3", "p/qq/xff.mp3"),  # a byte that is no UTF-8
    ],
)
def test_it_makes_keys_that_every_server_takes(local: str, key: str) -> None:
    assert storage("http://127.0.0.1:9", base_prefix="/p/").locator(local) == key


def test_it_sends_a_large_file_in_parts(
    endpoint: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3, "PART", 5 * 1024 * 1024)
    data = bytes(range(256)) * 4 * 1024 * 11  # 11 MiB
    file = tmp_path / "long.wav"
    file.write_bytes(data)
    heard: list[int] = []
    stored = storage(endpoint).put(file, "long.wav", lambda done, total: heard.append(done))
    assert stored.size == len(data)
    assert heard == [0, 5 * 1024 * 1024, 10 * 1024 * 1024, len(data)]
    assert (folder / "music/long.wav").read_bytes() == data


def test_it_leaves_nothing_when_it_is_stopped_between_two_parts(
    endpoint: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3, "PART", 5 * 1024 * 1024)
    file = tmp_path / "stopped.wav"
    file.write_bytes(bytes(11 * 1024 * 1024))

    def stop(done: int, total: int | None) -> None:
        if done:
            raise Stop

    there = storage(endpoint)
    with pytest.raises(Stop):
        there.put(file, "stopped.wav", stop)
    assert not (folder / "music/stopped.wav").exists()
    assert there.exists("stopped.wav") is None


def test_it_proves_that_files_can_be_put_there_and_leaves_none(endpoint: str, folder: Path) -> None:
    assert "music" in storage(endpoint, base_prefix="checked").check()
    assert not list((folder / "music").rglob(".mediasync*"))


def test_it_says_when_the_secret_is_wrong(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"{PREFIX}_SECRET_ACCESS_KEY", "wrong")
    with pytest.raises(AccessDenied) as caught:
        storage(endpoint).check()
    assert "wrong" not in str(caught.value) and servers.KEY not in str(caught.value)


def test_it_says_which_keys_are_missing(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(f"{PREFIX}_SECRET_ACCESS_KEY")
    with pytest.raises(NeedsOperator, match=f"{PREFIX}_SECRET_ACCESS_KEY"):
        storage(endpoint).check()


def test_it_says_when_there_is_no_such_bucket(endpoint: str) -> None:
    with pytest.raises(Permanent, match="NoSuchBucket"):
        storage(endpoint, bucket="nothere").check()


def test_it_says_when_nobody_answers(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_bytes(b"a")
    with pytest.raises(Unreachable):
        storage(f"http://127.0.0.1:{servers.free_port()}").put(file, "a", quiet)


def test_it_says_when_the_file_is_gone(endpoint: str, tmp_path: Path) -> None:
    with pytest.raises(Permanent) as caught:
        storage(endpoint).put(tmp_path / "gone", "a", quiet)
    assert caught.value.code == "file_missing"


@pytest.mark.parametrize(
    ("bucket", "config"),
    [
        ("", {}),
        ("music", {"addressing_style": "odd"}),
        ("music", {"endpoint": "ftp://x"}),
    ],
)
def test_it_refuses_settings_that_cannot_be(bucket: str, config: dict[str, str]) -> None:
    with pytest.raises(UsageError):
        storage("http://127.0.0.1:9", bucket, **config)


def test_it_refuses_to_work_without_a_prefix_for_its_keys() -> None:
    with pytest.raises(UsageError):
        storage("http://127.0.0.1:9", credential_env_prefix="").check()


class Portal(BaseHTTPRequestHandler):
    """It answers everything with the same page, and 200."""

    def do_PUT(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        page = b"<html>Please log in</html>"
        self.send_response(200)
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    do_DELETE = do_POST = do_PUT

    def log_message(self, *_: object) -> None: ...


@pytest.mark.parametrize("part", [3, 100])
def test_it_takes_no_page_for_a_stored_object(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: int) -> None:
    monkeypatch.setattr(s3, "PART", part)
    file = tmp_path / "song.mp3"
    file.write_bytes(b"music")
    with ThreadingHTTPServer(("127.0.0.1", 0), Portal) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        there = storage(f"http://127.0.0.1:{server.server_port}")
        for ask in (lambda: there.put(file, "song.mp3", quiet), there.check):
            with pytest.raises(Permanent) as caught:
                ask()
            assert caught.value.code == "storage_refused"
        server.shutdown()
