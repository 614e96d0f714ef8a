from __future__ import annotations

import os
from pathlib import Path

import pytest

from mediasync.core.paths import to_text
from monitors import filesystems
from monitors.filesystems import Place, locate, mounts_below, place_of, reaches_remote


def table(**mounts: str) -> dict[bytes, Place]:
    found = {b"/": Place(b"/", "ext4")}
    return found | {point.encode(): Place(point.encode(), kind) for point, kind in mounts.items()}


def test_it_finds_the_longest_mount_point_by_whole_components() -> None:
    mounts = table(**{"/mnt": "ext4", "/mnt/cloud": "fuse.rclone"})
    assert place_of(b"/mnt/cloud/Movies", mounts).type == "fuse.rclone"
    assert place_of(b"/mnt/clouds", mounts).point == b"/mnt"
    assert place_of(b"/other", mounts).point == b"/"
    assert place_of(b"/mnt/cloud/../x", mounts).point == b"/mnt/cloud", "nothing beyond a remote mount is touched"


def test_it_tells_a_mount_point_from_a_folder_in_it() -> None:
    mounts = table(**{"/mnt/cloud": "nfs4", "/disk": "ext4"})
    assert locate(b"/mnt/cloud", mounts)[1] and locate(b"/disk/", mounts)[1]
    assert not locate(b"/mnt/cloud/x", mounts)[1] and not locate(b"/disk/x", mounts)[1]


def test_it_follows_links_without_touching_what_is_remote(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "media").symlink_to("cloud/Movies")
    (tmp_path / "loop").symlink_to("loop")
    cloud = os.fsencode(tmp_path / "cloud")
    mounts = {b"/": Place(b"/", "ext4"), cloud: Place(cloud, "fuse.rclone")}
    touched: list[bytes] = []
    readlink = os.readlink
    monkeypatch.setattr(filesystems.os, "readlink", lambda path: touched.append(path) or readlink(path))
    assert place_of(os.fsencode(tmp_path / "media" / "x"), mounts).is_fuse
    assert not any(path.startswith(cloud) for path in touched)
    assert place_of(os.fsencode(tmp_path / "loop"), mounts).type == "ext4"


@pytest.mark.parametrize(
    ("kind", "remote", "fuse"),
    [
        ("ext4", False, False),
        ("fuseblk", False, False),
        ("fuse.rclone", True, True),
        ("nfs4", True, False),
        ("cifs", True, False),
        ("virtiofs", True, False),
        ("tmpfs", False, False),
    ],
)
def test_it_knows_which_file_systems_are_remote(kind: str, remote: bool, fuse: bool) -> None:
    assert (Place(b"/x", kind).is_remote, Place(b"/x", kind).is_fuse) == (remote, fuse)


def test_it_names_what_is_mounted_below() -> None:
    table = {point: Place(point, "ext4") for point in (b"/", b"/m", b"/m/b", b"/m/a/\xff", b"/mm/x")}
    assert mounts_below(b"/m", table) == sorted(["b", to_text(b"a/\xff")])
    assert mounts_below(b"/m/b", table) == []


def test_it_reads_this_machine() -> None:
    assert place_of(b"/proc/self").type == "proc"
    assert not filesystems.is_remote(b"/proc") and not filesystems.is_fuse(b"/proc")


def test_it_tells_what_reaches_a_remote_mount(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    top = os.fsencode(tmp_path)
    (tmp_path / "media").symlink_to("disk")
    mounts = table() | {top + b"/disk/cloud": Place(top + b"/disk/cloud", "fuse.rclone")}
    monkeypatch.setattr(filesystems, "places", lambda: mounts)
    assert reaches_remote(top + b"/disk") and reaches_remote(top + b"/media") and reaches_remote(top + b"/disk/cloud/x")
    assert not reaches_remote(top + b"/disk/cloud2") and not reaches_remote(top + b"/other")
