"""Logging in at CloudDrive2, its errors, its cache and its mounts."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
import time
from pathlib import Path
from typing import Any

import grpc
import pytest
from clouddrive2_client.proto import clouddrive_pb2 as pb

from mediasync.core.errors import AccessDenied, MediasyncError, Permanent, Transient, Unreachable, UsageError
from monitors.accounts import clouddrive, limits
from monitors.accounts.clouddrive_rpc import Access, Connection, Entry
from monitors.accounts.secrets import set_secrets
from monitors.models import Account
from tests.fakes.clouddrive import FakeCloudDrive

from .clouds import Far

PROTO = Path(__file__).resolve().parents[4] / "shared/fixtures/clouddrive2/clouddrive.proto"
USER = {"user": "me", "password": "right"}


def connect(cloud: FakeCloudDrive, **access: Any) -> Connection:
    return Connection(Access(cloud.address, **access or {"token": "good"}))


def told(ask: Any) -> MediasyncError:
    with pytest.raises(MediasyncError) as caught:
        ask()
    return caught.value


def test_it_lists_with_a_token_or_a_password(cloud: FakeCloudDrive) -> None:
    for access in ({"token": "good"}, USER):
        names = [entry.name for entry in connect(cloud, **access).listing("/115/TV")]
        assert names == ["A", "B"]
    assert ("GetToken", "me") in cloud.calls


def test_it_tells_all_that_is_known_of_an_entry(cloud: FakeCloudDrive) -> None:
    own = connect(cloud)
    assert own.listing("/115/TV/A/Season 1")[0] == Entry("A1.mkv", False, 100, 1_700_000_009_000_000_000, "5")
    for node in cloud.nodes.values():
        node.id = ""
    assert own.listing("/115/TV/A/Season 1")[0].ident == "[(2, '64')] 100"
    assert own.listing("/115/TV")[0].ident == ""


def test_a_wrong_password_is_refused_and_not_told(cloud: FakeCloudDrive) -> None:
    error = told(lambda: connect(cloud, user="me", password="hunter2").listing("/"))
    assert isinstance(error, AccessDenied)
    assert error.code == "clouddrive_login"
    assert "hunter2" not in f"{error} {error.params} {error!r}"


def test_a_wrong_token_is_refused_and_not_told(cloud: FakeCloudDrive) -> None:
    error = told(lambda: connect(cloud, token="hunter2").listing("/"))
    assert isinstance(error, AccessDenied)
    assert "hunter2" not in f"{error} {error.params} {error!r}"
    assert "hunter2" not in repr(Access("x", token="hunter2", password="hunter2"))


def test_it_logs_in_again_when_a_login_has_run_out(cloud: FakeCloudDrive) -> None:
    own = connect(cloud, **USER)
    own.listing("/")
    cloud.rules.logins.clear()
    own.listing("/")
    assert cloud.calls.count(("GetToken", "me")) == 2


def test_it_logs_in_again_only_once(cloud: FakeCloudDrive) -> None:
    own = connect(cloud, **USER)
    own.listing("/")

    class Forgetful(set[str]):
        def add(self, token: str) -> None:
            pass

    cloud.rules.logins = Forgetful()
    assert told(lambda: own.listing("/")).code == "clouddrive_refused"
    assert cloud.calls.count(("GetToken", "me")) == 2


def test_a_login_that_runs_out_refuses_none_of_those_who_ask_at_once(cloud: FakeCloudDrive) -> None:
    own = connect(cloud, **USER)
    own.listing("/")
    old = own.token()
    cloud.rules.logins.clear()
    pushes = own.pushes()  # with the old one, as others
    own.listing("/")
    with pytest.raises(Transient) as caught:
        next(iter(pushes))
    assert caught.value.code == "clouddrive_login_again"
    assert own.forget_login(old)  # a listing that was under way
    assert len(own.listing("/115/TV")) == 2
    assert cloud.calls.count(("GetToken", "me")) == 2


@pytest.mark.parametrize(
    ("status", "said", "kind", "code"),
    [
        (grpc.StatusCode.RESOURCE_EXHAUSTED, "slow down", Transient, limits.THROTTLED),
        (grpc.StatusCode.UNKNOWN, "api error code: 770004", Transient, limits.THROTTLED),
        (grpc.StatusCode.INTERNAL, "HTTP 429", Transient, limits.THROTTLED),
        (grpc.StatusCode.UNKNOWN, '{"code":406,"message":"已达到当前访问上限"}', Transient, limits.QUOTA_SPENT),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, "daily quota", Transient, limits.QUOTA_SPENT),
        (grpc.StatusCode.PERMISSION_DENIED, "no", Permanent, "clouddrive_denied"),
        (grpc.StatusCode.NOT_FOUND, "no", Permanent, "clouddrive_not_found"),
        (grpc.StatusCode.UNAVAILABLE, "no", Unreachable, "clouddrive_unreachable"),
        (grpc.StatusCode.DEADLINE_EXCEEDED, "no", Unreachable, "clouddrive_unreachable"),
        (grpc.StatusCode.INTERNAL, "a file of 40600 bytes", Transient, "clouddrive_failed"),
    ],
)
def test_it_tells_errors_apart(
    cloud: FakeCloudDrive, status: grpc.StatusCode, said: str, kind: type[Exception], code: str
) -> None:
    cloud.rules.fail["/115"] = (status, said)
    error = told(lambda: connect(cloud).listing("/115"))
    assert (type(error), error.code) == (kind, code)


def test_it_takes_no_number_in_a_path_for_throttling(cloud: FakeCloudDrive) -> None:
    assert told(lambda: connect(cloud).listing("/115/Room 429")).code == "clouddrive_not_found"
    cloud.rules.fail["/115/429"] = (grpc.StatusCode.UNKNOWN, "cannot list /115/429: HTTP 429")
    assert told(lambda: connect(cloud).listing("/115/429")).code == limits.THROTTLED


def test_half_a_listing_is_none(cloud: FakeCloudDrive) -> None:
    cloud.rules.cut = {"/115/TV/A/Season 1"}
    assert isinstance(told(lambda: connect(cloud).listing("/115/TV/A/Season 1")), Unreachable)


def test_it_is_unreachable_where_nobody_listens(cloud: FakeCloudDrive) -> None:
    own = connect(cloud)
    cloud.stop()
    assert isinstance(told(own.system), Unreachable)
    assert isinstance(told(lambda: Connection(Access("127.0.0.1:1")).system()), Unreachable)


def test_it_waits_for_no_listing_without_end(cloud: FakeCloudDrive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("monitors.accounts.clouddrive_rpc.LIST_SECONDS", 0.2)
    cloud.rules.slow = 3.0
    assert isinstance(told(lambda: connect(cloud).listing("/115")), Unreachable)


@pytest.mark.parametrize("answer", [b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi", b"\0" * 4096, b""])
def test_it_is_unreachable_where_something_else_listens(answer: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            try:
                while True:
                    peer, _ = server.accept()
                    with peer:
                        peer.sendall(answer)
            except OSError:
                return

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        own = Connection(Access(f"127.0.0.1:{server.getsockname()[1]}", token="t"))
        assert isinstance(told(own.system), Unreachable)
        own.close()
        server.shutdown(socket.SHUT_RDWR)
    thread.join(60)


def test_it_is_back_soon_after_its_server(cloud: FakeCloudDrive) -> None:
    own = connect(cloud)
    own.listing("/")
    cloud.stop()
    for _ in range(10):
        told(own.system)
        time.sleep(0.2)
    cloud.start()
    deadline = time.monotonic() + 60
    while True:
        try:
            own.listing("/")
            break
        except Unreachable:
            assert time.monotonic() < deadline
            time.sleep(0.1)


def test_it_speaks_with_no_stranger_over_tls(cloud: FakeCloudDrive, tmp_path: Path) -> None:
    assert isinstance(told(lambda: connect(cloud, token="good", tls=True).system()), Unreachable)
    with pytest.raises(UsageError):
        connect(cloud, token="good", tls=True, ca_file=str(tmp_path / "none.pem"))


def test_a_child_makes_a_channel_of_its_own(cloud: FakeCloudDrive, account: Account) -> None:
    """partial-path-scanner: "Socket operation on non-socket" in production, where processes are forked."""
    mine = clouddrive.connection(account)
    assert clouddrive.connection(account) is mine
    mine.listing("/115/TV")
    sys.stdout.flush()
    reading, writing = os.pipe()
    if (child := os.fork()) == 0:
        try:
            own = clouddrive._connections[account.pk]
            # What belongs to a database stays with the parent; the account's row is here already.
            made = clouddrive.connection(account)
            os.write(writing, f"{made is own[2]} {len(made.listing('/115/TV'))}".encode())
        finally:
            os._exit(0)
    os.close(writing)
    deadline = time.monotonic() + 60
    while os.waitpid(child, os.WNOHANG) == (0, 0):
        if time.monotonic() > deadline:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            pytest.fail("the child hangs")
        time.sleep(0.02)
    assert os.read(reading, 100) == b"False 2"
    os.close(reading)
    assert len(mine.listing("/115/TV")) == 2


def test_a_changed_account_has_another_connection(account: Account) -> None:
    before = clouddrive.connection(account)
    set_secrets(account, {"token": "better"})
    assert clouddrive.connection(account) is not before


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ("nas", "nas:19798"),
        ("nas:80", "nas:80"),
        (" http://192.168.1.2:19798/ ", "192.168.1.2:19798"),
        ("[::1]", "[::1]:19798"),
        ("[::1]:80", "[::1]:80"),
    ],
)
def test_it_understands_addresses(given: str, address: str) -> None:
    assert clouddrive.check({"address": given, "token": "t"})["address"] == address


@pytest.mark.parametrize("bad", ["", "nas:", "nas:x", "nas:70000", "::1", "nas/path", "me@nas", "a b"])
def test_it_refuses_what_is_no_address(bad: str) -> None:
    with pytest.raises(UsageError):
        clouddrive.check({"address": bad, "token": "t"})


def test_it_wants_credentials() -> None:
    for values in ({}, {"user": "me"}, {"password": "x"}):
        with pytest.raises(UsageError) as caught:
            clouddrive.check({"address": "nas", **values})
        assert caught.value.code == "clouddrive_credentials"
    clouddrive.check({"address": "nas", **USER})


def test_it_tells_what_it_found(cloud: FakeCloudDrive, far: Far) -> None:
    cloud.mount("/cloud", "/115")
    assert far.root.account is not None
    facts = clouddrive.probe(far.root.account)
    assert facts == {
        "user": "me",
        "logged_in": True,
        "ready": True,
        "version": "CloudDrive2 0.9.24",
        "folders": 2,
        "mounts": ["/115 → /cloud"],
    }
    cloud.rules.may_see_mounts = False
    cloud.rules.fail["/115/TV"] = (grpc.StatusCode.PERMISSION_DENIED, "another folder's token")
    facts = clouddrive.probe(far.root.account)
    assert (facts["mounts"], facts["folders"]) == (None, None)


def test_a_nudge_climbs_to_what_is_known_and_down_again(cloud: FakeCloudDrive, far: Far) -> None:
    cloud.put("/115/TV/New/Season 1/x.mkv")
    stale = {"/115/TV/New", "/115/TV/New/Season 1"}
    real = cloud._children

    def cached(path: str) -> Any:
        if path == "/115/TV":
            stale.discard("/115/TV/New")
        if path == "/115/TV/New" and path not in stale:
            stale.discard("/115/TV/New/Season 1")
        return None if path in stale else real(path)

    cloud._children = cached  # type: ignore[method-assign]
    clouddrive.nudge(far.root, "New/Season 1")
    assert stale == set()
    assert [path for method, path in cloud.calls if method == "GetSubFiles!"] == [
        *("/115/TV/New/Season 1", "/115/TV/New", "/115/TV"),
        *("/115/TV/New", "/115/TV/New/Season 1"),
    ]


def test_a_nudge_of_what_is_nowhere_ends(cloud: FakeCloudDrive, far: Far) -> None:
    clouddrive.nudge(far.root, "/".join("abcdefghijklmn"))
    assert len(cloud.asked()) <= 2 * clouddrive.CLIMB + 2


# -- The proto


@pytest.mark.skipif(not PROTO.is_file(), reason="the proto is not here")
def test_the_fields_that_we_use_are_those_of_the_vendor() -> None:
    text = PROTO.read_text()
    used = {
        "ListSubFileRequest": ("path", "forceRefresh"),
        "SubFilesReply": ("subFiles",),
        "CloudDriveFile": ("id", "name", "size", "writeTime", "isDirectory", "fileHashes"),
        "GetTokenRequest": ("userName", "password"),
        "JWTToken": ("success", "errorMessage", "token"),
        "CloudDriveSystemInfo": ("IsLogin", "UserName", "SystemReady"),
        "MountPoint": ("mountPoint", "sourceDir", "isMounted", "failReason"),
        "GetMountPointsResult": ("mountPoints",),
        "FileSystemChange": ("changeType", "isDirectory", "path", "newPath"),
        "CloudDrivePushMessage": ("messageType", "fileSystemChange"),
        "RuntimeInfo": ("productName", "productVersion"),
        "FileRequest": ("path",),
    }
    for message, fields in used.items():
        body = text.split(f"message {message} {{", 1)[1]
        ours = pb.DESCRIPTOR.message_types_by_name[message].fields_by_name
        for name in fields:
            line = next(line for line in body.replace("{", ";").split(";") if line.split("=")[0].split()[-1:] == [name])
            assert int(line.split("=")[1].split()[0]) == ours[name].number, f"{message}.{name}"
