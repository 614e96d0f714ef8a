"""What rclone 1.60.1 really answered, recorded."""

from __future__ import annotations

import errno
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mediasync.core.errors import Permanent, Transient
from monitors.accounts.rclone_vfs import Remote, _refresh, active
from monitors.listers.rclone import Rclone
from monitors.models import Root
from tests.fakes.rclone import FakeRclone

from .daemon import make_account

pytestmark = pytest.mark.django_db
Answer = tuple[int, bytes]
Recorded = Callable[[str], Answer]


@pytest.fixture
def recorded(fixtures: Path) -> Recorded:
    folder = fixtures / "rclone/rc-1.60.1"
    status = json.loads((folder / "_http_status.json").read_text())
    return lambda name: (status[name], (folder / f"{name}.json").read_bytes())


def listing(answer: Answer) -> Any:
    with FakeRclone({"operations/list": answer}) as fake:
        root = Root.objects.create(
            name="x", path="/x", account=make_account(fake.url), remote_path="loc:", mounted=False, lister="rclone"
        )
        return Rclone(root).listing(b"movies")


def test_it_reads_a_listing(recorded: Recorded) -> None:
    _, _, folders, files, error, skipped = listing(recorded("operations_list"))
    assert (folders, error, skipped) == ([b"A", b"New", b"S01"], "", 0)
    assert (b"B.mkv", 2, 1795163825_320564985, None) in files and len(files) == 3


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("operations_list_missing_dir", errno.ENOENT),
        ("operations_list_missing_remote", errno.EIO),
        ("unknown_command", errno.EIO),
        ("operations_stat", errno.EIO),
    ],
)
def test_it_tells_errors_apart(recorded: Recorded, name: str, number: int) -> None:
    with pytest.raises(OSError) as raised:
        listing(recorded(name))
    assert raised.value.errno == number


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("vfs_refresh_recursive", ""),
        ("vfs_refresh_missing_dir", "file does not exist"),
        ("vfs_refresh_two", "file does not exist"),
        ("vfs_refresh_no_vfs", Permanent),
        ("vfs_refresh_unknown_fs", Permanent),
        ("vfs_refresh_async", Transient),
    ],
)
def test_only_ok_means_refreshed(recorded: Recorded, name: str, error: Any) -> None:
    with FakeRclone({"vfs/refresh": recorded(name)}) as fake:
        remote = Remote(make_account(fake.url))
        if isinstance(error, str):
            assert _refresh(remote, ["movies"], {}) == error
            return
        with pytest.raises(error):
            _refresh(remote, ["movies"], {})


@pytest.mark.parametrize(("name", "points"), [("mount_listmounts", ["/mnt/remote"]), ("mount_listmounts_empty", [])])
def test_it_reads_what_is_mounted(recorded: Recorded, name: str, points: list[str]) -> None:
    with FakeRclone({"mount/listmounts": recorded(name), "vfs/list": recorded("vfs_list")}) as fake:
        assert active(Remote(make_account(fake.url))) == (points, ["/data/src"])
