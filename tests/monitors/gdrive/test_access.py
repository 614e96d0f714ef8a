"""Credentials: from fields, from rclone.conf, of service accounts, and what is wrong with them."""

from __future__ import annotations

import datetime as dt
import json
import os
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from mediasync.core.errors import MediasyncError, UsageError
from monitors.accounts.gdrive import GDRIVE
from monitors.accounts.gdrive_access import Access
from monitors.accounts.gdrive_client import Drive, access_of
from monitors.accounts.gdrive_rclone import read_remote
from monitors.accounts.secrets import set_secrets
from monitors.models import Account, Root
from tests.fakes.gdrive import FakeDrive

TOKEN = {
    "access_token": "ya29.old",
    "token_type": "Bearer",
    "refresh_token": "refresh-me",
    "expiry": "2025-01-18T04:24:32.19743-05:00",
}
REMOTE = f"""# a comment
[other]
type = local

[MP]
type = drive
client_id = me
client_secret = s3%cret=x
scope = drive
token = {json.dumps(TOKEN)}
team_drive =
"""

Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(text: str) -> Path:
        file = tmp_path / "rclone.conf"
        file.write_text(text)
        return file

    return write


@pytest.fixture(scope="module")
def key() -> dict[str, Any]:
    private = rsa.generate_private_key(65537, 2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return {"type": "service_account", "client_email": "robot@example.org", "private_key": private.decode()}


def test_it_reads_a_remote(write: Write) -> None:
    access = read_remote(str(write(REMOTE)), "MP:")
    assert (access.client_id, access.client_secret, access.refresh_token) == ("me", "s3%cret=x", "refresh-me")
    assert access.expiry is not None
    assert access.expiry.astimezone(dt.UTC) == dt.datetime(2025, 1, 18, 9, 24, 32, 197430, dt.UTC)
    assert access.credentials(access.scope).expired
    assert "s3%" not in repr(access) and "refresh-me" not in repr(access)


def test_it_takes_drive_and_folder_of_the_remote_unless_they_are_given(write: Write) -> None:
    text = REMOTE.replace("team_drive =", "team_drive = 0AFilms\nroot_folder_id = 1abc")
    options = {"rclone_config": str(write(text)), "rclone_remote": "MP"}
    access = access_of(options, {})
    assert (access.drive, access.folder) == ("0AFilms", "1abc")
    access = access_of({**options, "folder": "1def"}, {})
    assert (access.drive, access.folder) == ("0AFilms", "1def")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("client_id = me", "client_id =", "own client id"),
        ("type = drive", "type = crypt", "type crypt"),
        ("[MP]", "[Other]", "no remote “MP” in it. Of Google Drive there are: Other"),
        ('"refresh_token": "refresh-me"', '"x": 1', "rclone config reconnect"),
        ("scope = drive", "shared_with_me = true", "shared_with_me"),
        ("scope = drive", "token_url = http://example.org/token", "https"),
        ("# a comment", "# Encrypted rclone configuration File\n\nRCLONE_ENCRYPT_V0:", "encrypted"),
        ("# a comment", "no section", "no rclone.conf"),
        ("scope = drive", "service_account_file = /nowhere.json", "cannot be read"),
        ("scope = drive", "service_account_credentials = {}", "no key of a service account"),
    ],
)
def test_it_says_what_is_wrong_with_a_remote(write: Write, old: str, new: str, said: str) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        read_remote(str(write(REMOTE.replace(old, new, 1))), "MP")
    assert "s3%cret" not in str(caught.value) and "refresh-me" not in str(caught.value)


@pytest.mark.parametrize("content", [b"\x00\xff", b"", b"[MP", b"[MP]\ntype", b"x" * 2_000_000])
def test_it_survives_rubbish(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "rclone.conf"
    file.write_bytes(content)
    with pytest.raises(UsageError):
        read_remote(str(file), "MP")


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"client_id": "a", "client_secret": "b"},
        {"service_account": "{"},
        {"service_account": '{"client_email": "a", "private_key": "b"}'},
        {"service_account_file": "/nowhere"},
        {"rclone_config": "/nowhere"},
        {"client_id": "a", "client_secret": "b", "refresh_token": "c", "endpoint": "http://example.org"},
        {"client_id": "a", "client_secret": "b", "refresh_token": "c", "endpoint": "https://example.org"},
        {"client_id": "a", "client_secret": "b", "refresh_token": "c", "token_uri": "https://notgoogleapis.com/token"},
        {"client_id": "a", "client_secret": "b", "refresh_token": "c", "mounted_by": "nobody"},
    ],
)
@pytest.mark.django_db
def test_it_refuses_what_cannot_work(values: dict[str, str]) -> None:
    with pytest.raises(UsageError):
        GDRIVE.check(values)


@pytest.mark.django_db
def test_it_cleans_what_can_work(write: Write) -> None:
    cleaned = GDRIVE.check({"client_id": " a ", "client_secret": "b", "refresh_token": "c"})
    assert cleaned["client_id"] == "a"
    assert GDRIVE.check({"rclone_config": str(write(REMOTE)), "rclone_remote": "MP"})["rclone_remote"] == "MP"


def test_it_asks_the_user_storage_and_drive(account: Account, fake: FakeDrive) -> None:
    facts = GDRIVE.probe(account)
    assert facts["user"] == "me@example.org" and facts["used"] == 1024 and facts["top"] == fake.tree.top
    assert facts["drive"] == "My Drive"
    fake.tree.drive = fake.tree.top
    account.options = {**account.options, "drive": fake.tree.top, "folder": fake.tree.folder("TV")}
    facts = GDRIVE.probe(account)
    assert facts["drive"] == "Films" and facts["folder"] == "TV"


def test_it_reads_the_remote_again_when_the_file_changes_and_never_writes_it(
    account: Account, fake: FakeDrive, write: Write
) -> None:
    file = write(REMOTE)
    before = file.read_bytes()
    account.options = {
        "rclone_config": str(file),
        "rclone_remote": "MP",
        "endpoint": fake.url,
        "token_uri": f"{fake.url}/token",
    }
    set_secrets(account, {})
    with closing(Drive(account)) as client:
        assert client.top() == fake.tree.top and file.read_bytes() == before
        assert len(fake.asked("token")) == 1
        folder = fake.tree.folder("TV")
        write(REMOTE.replace("team_drive =", f"root_folder_id = {folder}"))
        os.utime(file, ns=(1, 1))
        assert client.top() == folder
        file.unlink()
        with pytest.raises(UsageError):
            client.top()


def test_it_uses_the_remotes_access_token_while_it_is_good(account: Account, fake: FakeDrive, write: Write) -> None:
    soon = (dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)).isoformat()
    fake.good.add("ya29.old")
    account.options = {
        "rclone_config": str(write(REMOTE.replace(TOKEN["expiry"], soon))),
        "rclone_remote": "MP",
        "endpoint": fake.url,
        "token_uri": f"{fake.url}/token",
    }
    with closing(Drive(account)) as client:
        assert client.top() == fake.tree.top
    assert fake.asked("token") == []


@pytest.mark.parametrize("way", ["field", "file", "remote"])
def test_it_acts_as_a_service_account(
    account: Account, fake: FakeDrive, key: dict[str, Any], write: Write, tmp_path: Path, way: str
) -> None:
    options = {"endpoint": fake.url, "token_uri": f"{fake.url}/token", "impersonate": "me@example.org"}
    (tmp_path / "key.json").write_text(json.dumps(key))
    if way == "file":
        options["service_account_file"] = str(tmp_path / "key.json")
    if way == "remote":
        text = f"[MP]\ntype = drive\nscope = drive\nservice_account_credentials = {json.dumps(key)}\n"
        options |= {"rclone_config": str(write(text)), "rclone_remote": "MP"}
    account.options = options
    set_secrets(account, {"service_account": json.dumps(key)} if way == "field" else {})
    GDRIVE.probe(account)
    [claims] = fake.claims
    scope = "drive" if way == "remote" else "drive.readonly"
    assert claims["scope"] == f"https://www.googleapis.com/auth/{scope}"
    assert claims["sub"] == "me@example.org" and claims["iss"] == "robot@example.org"


def test_it_has_the_rclone_refreshed_that_mounts_it(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, str]] = []
    monkeypatch.setattr(
        "monitors.accounts.rclone_vfs.nudge", lambda root, below: asked.append((root.account.name, below))
    )
    monkeypatch.setattr("monitors.accounts.rclone.mount_state", lambda root: root.account.name)
    root = Root.objects.create(name="TV", path="/tv", account=account, remote_path="/TV")
    assert GDRIVE.nudge is not None and GDRIVE.mount_state is not None
    GDRIVE.nudge(root, "Show")
    assert asked == [] and GDRIVE.mount_state(root) is None
    account.options = {**account.options, "mounted_by": "box"}
    with pytest.raises(MediasyncError):
        GDRIVE.nudge(root, "Show")
    Account.objects.create(name="box", kind="rclone")
    GDRIVE.nudge(root, "Show")
    assert asked == [("box", "Show")] and GDRIVE.mount_state(root) == "box"
    assert root.account == account


def test_it_keeps_secrets_out_of_what_is_shown() -> None:
    access = Access("me", "s3cret", "refresh", service_account={"private_key": "k3y"})
    assert not {"s3cret", "refresh", "k3y"} & set(repr(access).split("'"))
    assert access.secrets() == {"client_secret": "s3cret", "refresh": "refresh", "key": "k3y"}
