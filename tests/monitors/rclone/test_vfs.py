from __future__ import annotations

from pathlib import Path

import pytest

from mediasync.core.errors import Permanent
from mediasync.core.paths import to_text
from monitors.accounts import rclone_vfs
from monitors.accounts.rclone import mount_state, probe
from monitors.accounts.rclone_vfs import nudge
from monitors.models import Root

from .daemon import AT_ONCE, Daemon

pytestmark = pytest.mark.django_db


def root_on(daemon: Daemon, point: Path, **options: str) -> Root:
    return Root.objects.create(name="TV", path=f"{point}/TV", account=daemon.account(**options), remote_path="loc:TV")


def test_it_shows_what_the_mount_had_forgotten_to_look_for(mounted: Daemon, behind: Path, point: Path) -> None:
    root = root_on(mounted, point)
    assert [each.name for each in (point / "TV/Show").iterdir()] == ["a.mkv"]
    (behind / "TV/Show/b.mkv").write_bytes(b"x")
    assert not (point / "TV/Show/b.mkv").exists()
    nudge(root, "Show")
    assert (point / "TV/Show/b.mkv").read_bytes() == b"x"


def test_it_climbs_to_a_folder_that_is_known_and_comes_down_again(mounted: Daemon, behind: Path, point: Path) -> None:
    root = root_on(mounted, point)
    assert len(list((point / "TV").iterdir())) == 1
    (behind / "TV/New/Season 1").mkdir(parents=True)
    (behind / "TV/New/Season 1/c.mkv").write_bytes(b"x")
    assert not (point / "TV/New").exists()
    nudge(root, "New/Season 1")
    assert (point / "TV/New/Season 1/c.mkv").exists()


def test_it_is_quiet_about_a_folder_that_is_in_the_cloud_neither(mounted: Daemon, point: Path) -> None:
    root = root_on(mounted, point)
    nudge(root, "Nobody/Nowhere")
    nudge(root, to_text(b"Nobody\xff/Nowhere"))
    nudge(root, "")


def test_it_sees_a_renamed_folder_once_the_one_above_is_read(mounted: Daemon, behind: Path, point: Path) -> None:
    root = root_on(mounted, point)
    assert (point / "TV/Show/a.mkv").exists()
    (behind / "TV/Show").rename(behind / "TV/Other")
    nudge(root, "")
    assert [each.name for each in (point / "TV").iterdir()] == ["Other"]


def test_it_finds_the_folder_through_a_union_by_the_names_in_the_cloud(
    mounted: Daemon, behind: Path, point: Path, tmp_path: Path
) -> None:
    (tmp_path / "union").mkdir()
    root = root_on(mounted, tmp_path / "union")
    root.remote_path = f"{behind}/TV"  # as vfs/list names it: an alias is resolved
    list((point / "TV/Show").iterdir())
    (behind / "TV/Show/b.mkv").write_bytes(b"x")
    nudge(root, "Show")
    assert (point / "TV/Show/b.mkv").exists()
    root.remote_path = "other:TV"
    with pytest.raises(Permanent) as raised:
        nudge(root, "Show")
    assert raised.value.code == "rclone_which_mount"


@pytest.mark.parametrize(
    ("path", "top", "below"),
    [
        ("drive:TV/A", "drive:", "TV/A"),
        ("drive:TV/A", "drive:TV", "A"),
        ("drive:TV", "drive:TV/", ""),
        ("drive:TV2", "drive:TV", None),
        ("drive2:TV", "drive:", None),
        ("/data/src/x", "/data/src", "x"),
        ("", "drive:", None),
    ],
)
def test_it_takes_names_in_the_cloud_by_whole_components(path: str, top: str, below: str | None) -> None:
    assert rclone_vfs._below(path, top) == below


def test_it_says_when_nothing_is_mounted(daemon: Daemon, point: Path) -> None:
    root = root_on(daemon, point, mount_point=str(point))
    verdict = mount_state(root)
    assert verdict is not None and (verdict.state, verdict.code) == ("down", "rclone_not_mounted")
    with pytest.raises(Permanent, match="no VFS active"):
        nudge(root, "Show")
    root.mounted = False
    assert mount_state(root) is None
    nudge(root, "Show")  # nothing to do: nothing remembers


def test_it_says_nothing_of_mounts_that_are_there_or_that_it_cannot_know_of(mounted: Daemon, point: Path) -> None:
    root = root_on(mounted, point, mount_point=str(point))
    assert mount_state(root) is None
    mounted.kill()
    assert mount_state(root) is None


def test_it_tells_a_mount_of_its_own_from_others(daemon: Daemon, point: Path, tmp_path: Path) -> None:
    root = root_on(daemon, point, mount_point=str(point))
    assert root.account is not None
    remote = rclone_vfs.Remote(root.account)
    remote.call("mount/mount", fs="loc:", mountPoint=str(point), **AT_ONCE)
    remote.close()
    assert mount_state(root) is None
    assert probe(root.account)["mounts"] == [str(point)]
    # Under a union of file systems, only the mount itself tells.
    Root.objects.filter(pk=root.pk).update(path=str(tmp_path / "union"))
    root.refresh_from_db()
    root.account.options["mount_point"] = str(tmp_path / "elsewhere")
    verdict = mount_state(root)
    assert verdict is not None and verdict.code == "rclone_lost"


def test_it_says_what_rclone_is(mounted: Daemon, behind: Path) -> None:
    facts = probe(mounted.account())
    assert facts["version"].startswith("v1.")
    assert (facts["remotes"], facts["vfs"], facts["mounts"]) == (["loc", "mem"], [str(behind)], [])
