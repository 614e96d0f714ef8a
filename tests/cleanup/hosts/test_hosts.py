"""Places for pictures: a folder, S3 (a real server: rclone's), Discord (a stand-in); and how they are set up."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from cleanup import hosting, hosts
from cleanup.hosts import discord
from cleanup.hosts.base import POINT, type_of
from cleanup.models import ImageHost
from mediasync.core.errors import AccessDenied, NeedsOperator, Permanent, Transient, Unreachable, UsageError

JPEG = b"\xff\xd8\xff\xe0" + b"x" * 3000
NAME = hashlib.sha1(JPEG).hexdigest() + ".jpg"


def test_a_point_is_a_picture() -> None:
    import io

    from PIL import Image

    assert Image.open(io.BytesIO(POINT)).size == (1, 1)
    assert type_of(POINT) == "image/png" and type_of(JPEG) == "image/jpeg" and type_of(b"<html>") == ""


def test_a_folder_of_our_own_web_server(tmp_path: Path) -> None:
    host = hosts.kind("folder").make({"path": str(tmp_path), "url": "https://art.example.org/plex/"}, "")
    assert host.upload(JPEG, "image/jpeg") == f"https://art.example.org/plex/{NAME[:2]}/{NAME}"
    assert host.upload(JPEG, "image/jpeg").endswith(NAME)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert [path.read_bytes() for path in files] == [JPEG]
    assert files[0].stat().st_mode & 0o777 == 0o644


def test_a_folder_that_is_gone_or_read_only_needs_a_person(tmp_path: Path) -> None:
    host = hosts.kind("folder").make({"path": str(tmp_path / "gone"), "url": "https://art.example.org"}, "")
    with pytest.raises(NeedsOperator):
        host.upload(JPEG, "image/jpeg")
    (tmp_path / "file").write_text("x")
    with pytest.raises(NeedsOperator):
        hosts.kind("folder").make({"path": str(tmp_path / "file"), "url": "https://a.example"}, "").upload(
            JPEG, "image/jpeg"
        )


@pytest.mark.parametrize(
    ("kind", "settings", "secret"),
    [
        ("folder", {"path": "relative", "url": "https://a.example"}, ""),
        ("folder", {"path": "/srv"}, ""),
        ("folder", {"path": "/srv", "url": "not an address"}, ""),
        ("s3", {"bucket": "b", "access_key": "k", "url": "https://a.example"}, ""),
        ("s3", {"access_key": "k", "url": "https://a.example"}, "secret"),
        ("discord", {}, "https://example.org/api/webhooks/1/x"),
        ("discord", {}, ""),
        ("pigeon", {}, ""),
    ],
)
def test_what_cannot_be_used_is_refused(kind: str, settings: dict[str, str], secret: str) -> None:
    with pytest.raises(UsageError):
        hosts.kind(kind).make(settings, secret)


@pytest.mark.django_db
def test_a_secret_is_sealed_and_stays_when_it_is_not_given_again() -> None:
    webhook = "https://discord.com/api/webhooks/123/abc-DEF_0"
    host = hosting.save(ImageHost(name="d", kind="discord"), webhook)
    host.refresh_from_db()
    assert host.secret_sealed and "webhooks" not in host.secret_sealed and "webhooks" not in json.dumps(host.settings)
    hosting.save(host)
    assert isinstance(hosting.open_host(host), discord.Discord)
    with pytest.raises(UsageError):
        hosting.save(
            ImageHost(name="e", kind="folder", settings={"path": "/srv", "url": "https://a.example", "x": "1"})
        )


def test_only_hosts_of_our_own_may_lie_in_our_own_network() -> None:
    own = ImageHost(kind="folder", settings={"url": "http://nas.local:8080/art"})
    assert hosting.own_hosts(own) == {"nas.local"}
    assert hosting.own_hosts(None) == hosting.own_hosts(ImageHost(kind="discord")) == frozenset()
    assert hosting.own_hosts(ImageHost(kind="folder", settings={})) == frozenset()


# -- S3


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    program = _rclone()
    folder = tmp_path_factory.mktemp("s3")
    (folder / "bucket").mkdir()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [program, "serve", "s3", "--auth-key", "key,secret", "--addr", f"127.0.0.1:{port}", str(folder)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(600):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}", folder / "bucket"
    finally:
        server.terminate()
        server.wait(20)


def _rclone() -> str:
    pytest.importorskip("boto3")
    bundled = Path(sys.executable).with_name("rclone")
    for program in (str(bundled), shutil.which("rclone") or ""):
        if program and os.access(program, os.X_OK):
            said = subprocess.run([program, "serve", "s3", "--help"], capture_output=True, text=True, check=False)
            if said.returncode == 0 and "auth-key" in said.stdout:
                return program
    pytest.skip("no rclone here can serve S3")


def _s3(endpoint: str, secret: str = "secret", bucket: str = "bucket") -> Any:
    settings = {
        "endpoint": endpoint,
        "bucket": bucket,
        "access_key": "key",
        "prefix": "plex/",
        "url": "https://a.example/",
    }
    return hosts.kind("s3").make(settings, secret)


def test_s3_takes_a_picture(storage: tuple[str, Path]) -> None:
    endpoint, bucket = storage
    host = _s3(endpoint)
    assert host.upload(JPEG, "image/jpeg") == f"https://a.example/plex/{NAME}"
    assert host.upload(JPEG, "image/jpeg") == f"https://a.example/plex/{NAME}"
    assert (bucket / "plex" / NAME).read_bytes() == JPEG


def test_s3_says_whether_trying_again_can_help(storage: tuple[str, Path]) -> None:
    endpoint, _bucket = storage
    with pytest.raises(AccessDenied) as denied:
        _s3(endpoint, "wrong").upload(JPEG, "image/jpeg")
    assert "wrong" not in str(denied.value)
    with pytest.raises(Permanent):
        _s3(endpoint, bucket="no-such-bucket").upload(JPEG, "image/jpeg")


def test_s3_that_is_not_there_is_tried_again() -> None:
    pytest.importorskip("boto3")
    with pytest.raises(Transient) as error:
        _s3("http://127.0.0.1:9", "topsecret").upload(JPEG, "image/jpeg")
    assert "topsecret" not in str(error.value)


# -- Discord


class Webhook(HTTPServer):
    """``replies``: (status, JSON or text) one after the other."""

    def __init__(self) -> None:
        self.replies: list[tuple[int, Any, dict[str, str]]] = []
        self.bodies: list[bytes] = []
        webhook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                webhook.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
                status, said, headers = webhook.replies.pop(0)
                body = json.dumps(said).encode()
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_words: Any) -> None: ...

        super().__init__(("127.0.0.1", 0), Handler)


@pytest.fixture
def webhook(monkeypatch: pytest.MonkeyPatch) -> Iterator[Webhook]:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    server = Webhook()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def _discord(server: Webhook) -> discord.Discord:
    return discord.Discord(f"http://127.0.0.1:{server.server_address[1]}/api/webhooks/1/token", checked=False)


def test_discord_takes_a_picture_and_says_that_it_does_not_last(webhook: Webhook) -> None:
    webhook.replies = [(200, {"attachments": [{"url": "https://cdn.discordapp.com/a/b.jpg?ex=1"}]}, {})]
    assert _discord(webhook).upload(JPEG, "image/jpeg") == "https://cdn.discordapp.com/a/b.jpg?ex=1"
    assert JPEG in webhook.bodies[0]
    assert "expire" in str(hosts.kind("discord").warning)


def test_discord_says_whether_trying_again_can_help(webhook: Webhook) -> None:
    webhook.replies = [(429, {}, {"Retry-After": "7"}), (404, {}, {}), (200, {"attachments": []}, {}), (400, {}, {})]
    host = _discord(webhook)
    with pytest.raises(Transient) as busy:
        host.upload(JPEG, "image/jpeg")
    assert busy.value.retry_after == 7
    for expected in (AccessDenied, Permanent, Permanent):
        with pytest.raises(expected) as error:
            host.upload(JPEG, "image/jpeg")
        assert "token" not in str(error.value)


def test_discord_out_of_reach_tells_no_secret() -> None:
    with pytest.raises(Unreachable) as error:
        discord.Discord("http://127.0.0.1:9/api/webhooks/1/token", checked=False).upload(JPEG, "image/jpeg")
    assert "token" not in str(error.value)
