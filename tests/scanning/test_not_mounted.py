"""Roots of which nothing lies on this machine: the snapshot answers instead of the disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from mediasync.core.errors import UsageError
from monitors.models import Change, Directory, File, Root
from scanning import facts, link_services
from scanning.models import LinkRule, ScanRequest
from scanning.sight import Sight, Unclear

pytestmark = pytest.mark.django_db


@pytest.fixture
def root() -> Root:
    root = Root.objects.create(name="TV", path="/cloud/TV", mounted=False, lister="clouddrive")
    top = Directory.objects.create(root=root, path="")
    show = Directory.objects.create(root=root, path="Show", parent_id=top.pk)
    File.objects.bulk_create([File(directory_id=show.pk, name="a.mkv", size=1, mtime_ns=1)])
    return root


def test_what_is_known_is_there(root: Root) -> None:
    for path, there in (("", True), ("/Show", True), ("/Show/a.mkv", True), ("/Show/b.mkv", False), ("/Gone", False)):
        assert facts.exists(f"/cloud/TV{path}") is there
    assert not facts.exists("/cloud/TVX/Show")


def test_a_person_may_name_a_path_in_it(root: Root) -> None:
    (folder,), (file,), (gone,) = facts.of_paths(["/cloud/TV/Show", "/cloud/TV/Show/a.mkv", "/cloud/TV/Gone/x.mkv"])
    assert (folder.update, folder.is_dir) == (ScanRequest.Update.MODIFIED, True)
    assert (file.update, file.is_dir) == (ScanRequest.Update.MODIFIED, False)
    assert gone.update == ScanRequest.Update.DELETED


def test_a_server_is_told_by_the_snapshot_and_the_guard_of_before(root: Root) -> None:
    def never(_root: Root) -> None:
        raise AssertionError("that would cost a request")

    sight = Sight(check=never)  # type: ignore[arg-type]
    assert sight.is_folder("/cloud/TV/Show")
    assert not sight.is_folder("/cloud/TV/Gone")
    assert not sight.is_folder("/cloud/TV/Show/a.mkv")
    Root.objects.update(guard=Root.Guard.DOWN, guard_code="guard_account")
    with pytest.raises(Unclear, match="guard_account"):
        Sight(check=never).is_folder("/cloud/TV/Show")  # type: ignore[arg-type]
    Root.objects.update(guard=Root.Guard.SUSPECT, guard_code="guard_held")
    with pytest.raises(Unclear, match="guard_held"):
        Sight(check=never).is_folder("/cloud/TV/Gone")  # type: ignore[arg-type]


def test_only_strm_files_are_made_of_it(root: Root, tmp_path: Path) -> None:
    target = str(tmp_path / "links")
    for mode in (LinkRule.Mode.ABSOLUTE, LinkRule.Mode.RELATIVE):
        with pytest.raises(UsageError, match=r"Make \.strm files"):
            link_services.save_rule(root, target, mode=mode, companions="leave")
    with pytest.raises(UsageError, match="Leave them out"):
        link_services.save_rule(root, target, mode="strm")
    rule, _ = link_services.save_rule(root, target, mode="strm", companions="leave")
    assert rule.pk
    assert not Change.objects.exists()
