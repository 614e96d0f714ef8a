"""Whether a root that is read through CloudDrive2 is to be believed, and where one may be."""

from __future__ import annotations

import pytest

from mediasync.core.errors import UsageError
from monitors import guards, placing, services
from monitors.accounts import limits
from monitors.models import Account, Root
from tests.fakes.clouddrive import FakeCloudDrive

from .clouds import Far, make_account


def test_a_root_is_ok_by_its_listing(cloud: FakeCloudDrive, far: Far) -> None:
    assert guards.check(far.root).ok
    assert cloud.calls == [("GetSubFiles", "/115/TV"), ("GetMountPoints", "")]


def test_a_root_without_its_folder_or_anchor_is_down(cloud: FakeCloudDrive, far: Far) -> None:
    far.root.anchor = "A/Season 1/A1.mkv"
    far.root.kinds = ["subtitle"]  # the guard sees all, whatever counts
    assert guards.check(far.root).ok
    cloud.remove("/115/TV/A/Season 1/A1.mkv")
    assert guards.check(far.root).code == "guard_anchor"
    far.root.anchor = "gone/x"
    assert guards.check(far.root).code == "guard_anchor"
    cloud.remove("/115/TV")
    assert guards.check(far.root).code == "guard_missing"


def test_an_empty_root_is_not_believed(cloud: FakeCloudDrive, far: Far) -> None:
    far.crawl()
    for show in "AB":
        cloud.remove(f"/115/TV/{show}")
    far.root.refresh_from_db()
    assert guards.check(far.root).code == "guard_empty"


def test_a_root_is_down_when_its_account_does_not_answer_or_was_refused(cloud: FakeCloudDrive, far: Far) -> None:
    cloud.rules.tokens.clear()
    verdict = guards.check(far.root)
    assert (verdict.state, verdict.code) == (Root.Guard.DOWN, "guard_account")
    assert guards.check(far.root).code == "guard_account"  # paused: nobody asks
    cloud.stop()
    limits.again(Account.objects.get())
    for _ in range(limits.OPENS_AT + 1):
        far.root = Root.objects.select_related("account").get()
        assert guards.check(far.root).down


def test_a_mount_that_is_gone_takes_its_roots_down(cloud: FakeCloudDrive, far: Far) -> None:
    cloud.mount("/other", "/aliyun", mounted=False)
    assert guards.check(far.root).ok
    cloud.mount("/mnt/cd2", "/115", mounted=False, reason="fuse")
    verdict = guards.check(far.root)
    assert (verdict.code, verdict.params) == ("guard_cloud_unmounted", {"mount": "/mnt/cd2", "reason": "fuse"})
    cloud.mount("/mnt/second", "/", mounted=True)
    assert guards.check(far.root).ok  # one of two is there, and nobody knows which one servers look at
    cloud.mount("/cloud", "/115", mounted=False)
    assert guards.check(far.root).down  # by its path here it is this one
    cloud.rules.may_see_mounts = False
    assert guards.check(far.root).ok


def test_a_mount_that_was_removed_makes_its_roots_suspect(cloud: FakeCloudDrive, far: Far) -> None:
    assert services.check_guard(far.root).ok
    cloud.mount("/other", "/aliyun")
    assert services.check_guard(far.root).ok  # something else may show it: no mount ever did
    cloud.mount("/cloud", "/115")
    assert services.check_guard(far.root).ok
    cloud.mounts.pop()
    root = Root.objects.select_related("account").get()
    verdict = services.check_guard(root)
    assert (verdict.state, verdict.code) == (Root.Guard.SUSPECT, "guard_cloud_no_mount")
    assert verdict.params == {"mount": "/cloud"}
    cloud.rules.may_see_mounts = False
    assert services.check_guard(root).ok
    cloud.rules.may_see_mounts = True
    cloud.mount("/new", "/")
    assert services.check_guard(root).ok
    cloud.mounts.pop()
    assert services.check_guard(root).params == {"mount": "/new"}
    assert services.accept_place(root).ok
    assert services.check_guard(Root.objects.select_related("account").get()).ok


def test_a_place_is_refused_with_a_sentence(cloud: FakeCloudDrive, far: Far) -> None:
    root = far.root
    root.remote_path = "//115/TV/"
    placing.check_source(root)
    assert root.remote_path == "/115/TV"
    for remote, says in (("115/TV", "no path in CloudDrive2"), ("/115/None", "There is no folder"), ("", "Say where")):
        root.remote_path = remote
        with pytest.raises(UsageError, match=says):
            placing.check_source(root)
    root.account = None
    with pytest.raises(UsageError, match="needs an account"):
        placing.check_source(root)
    with pytest.raises(UsageError, match="needs a lister"):
        placing.check_source(Root(path="/x", mounted=False))
    placing.check_source(Root(path="/x"))


def test_a_place_of_an_account_that_refuses_says_so(cloud: FakeCloudDrive, transactional_db: None) -> None:
    root = Root(lister="clouddrive", account=make_account(cloud, secrets={"token": "bad"}), remote_path="/115")
    with pytest.raises(UsageError, match="refused the token"):
        placing.check_source(root)


def test_a_path_without_a_mount_need_not_be_there(transactional_db: None) -> None:
    assert placing.check_path("/cloud//TV/", mounted=False) == "/cloud/TV"
    with pytest.raises(UsageError):
        placing.check_path("/cloud/TV")
