"""The kind of file system is read from the kernel's own table."""

from __future__ import annotations

from pathlib import Path

import pytest

from mediasync.core import filesystems

TABLE = """\
22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
30 22 0:40 / /mnt/cloud rw,nosuid - fuse.rclone gdrive: rw,user_id=0
31 22 0:41 / /mnt/with\\040space rw - nfs4 nas:/films rw
32 22 0:42 / /mnt/cloud/sub rw - tmpfs tmpfs rw
"""


@pytest.fixture(autouse=True)
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mountinfo").write_text(TABLE)
    monkeypatch.setattr(filesystems, "MOUNTINFO", tmp_path / "mountinfo")


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/home", "ext4"),
        ("/mnt/cloud", "fuse.rclone"),
        ("/mnt/cloud/films/x", "fuse.rclone"),
        ("/mnt/cloud/sub/x", "tmpfs"),
        ("/mnt/cloudy", "ext4"),
        ("/mnt/with space/a", "nfs4"),
    ],
)
def test_it_finds_the_longest_mount_point(path: str, kind: str) -> None:
    assert filesystems.kind_of(path) == kind


@pytest.mark.parametrize(
    ("kind", "remote"), [("ext4", False), ("fuse.rclone", True), ("nfs4", True), ("fuseblk", False), ("", False)]
)
def test_it_tells_what_may_vanish(kind: str, remote: bool) -> None:
    assert filesystems.is_remote(kind) is remote


def test_it_says_nothing_where_there_is_no_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filesystems, "MOUNTINFO", Path("/nonexistent"))
    assert filesystems.kind_of("/") == ""
