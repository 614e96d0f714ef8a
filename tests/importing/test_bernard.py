"""autoscan's Google Drive trigger."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from monitors.models import Account, Root
from tests.monitors.kinds import only_crawl

from .helpers import report, said, write

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def kinds() -> Iterator[None]:
    with only_crawl():
        yield


@pytest.fixture(scope="module")
def key() -> str:
    """Return the key file of a service account of our own making."""
    pem = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    facts = {"type": "service_account", "client_email": "me@example.org", "token_uri": "http://127.0.0.1:9/token"}
    return json.dumps({**facts, "private_key": pem.decode()})


def bernard(tmp_path: Path, media: Path, account: str) -> Path:
    trigger = {
        "account": account,
        "cron": "*/5 * * * *",
        "drives": [
            {"id": "0A1", "rewrite": [{"from": "^/TV/", "to": f"{media}/TV/"}]},
            {"id": "0A2", "rewrite": [{"from": "^/([a-z]+)/", "to": f"{media}/$1/"}]},
            {"id": "0A3"},
        ],
    }
    return write(tmp_path, "c.json", json.dumps({"triggers": {"bernard": [trigger]}}, indent=1))


@pytest.fixture
def media(tmp_path: Path) -> Path:
    (tmp_path / "media" / "TV").mkdir(parents=True)
    return tmp_path / "media"


def test_it_makes_an_account_for_each_drive_and_roots_where_they_are_mounted(
    tmp_path: Path, media: Path, key: str
) -> None:
    pytest.importorskip("googleapiclient", reason="Google Drive is an extra")
    path = bernard(tmp_path, media, str(write(tmp_path, "sa.json", key)))
    report(path)
    assert [each.options["drive"] for each in Account.objects.order_by("pk")] == ["0A1", "0A2", "0A3"]
    root = Root.objects.get()
    assert (root.path, root.remote_path, root.feed) == (f"{media}/TV", "/TV", "drive_changes")
    assert root.account == Account.objects.get(options__drive="0A1")
    assert said(report(path), "made") == [] and Account.objects.count() == 3


def test_it_makes_no_root_for_a_drive_whose_key_cannot_be_read(tmp_path: Path, media: Path) -> None:
    lines = report(bernard(tmp_path, media, f"{tmp_path}/none.json"))
    keys = [key for _line, key in said(lines, "not_taken")]
    assert [key for key in keys if key.startswith("triggers.bernard[0].drives[0]")] == [
        "triggers.bernard[0].drives[0]",
        "triggers.bernard[0].drives[0].rewrite[0]",
    ]
    assert not Account.objects.exists() and not Root.objects.exists()
