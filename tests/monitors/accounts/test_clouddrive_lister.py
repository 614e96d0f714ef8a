"""Roots that are read through CloudDrive2."""

from __future__ import annotations

import grpc
import pytest

from mediasync.core.errors import Permanent, Snooze
from monitors.accounts import limits
from monitors.listers import lister_of
from monitors.models import Account, Change, Directory, Root
from monitors.run import Asked, Run
from tests.fakes.clouddrive import FakeCloudDrive, Node
from tests.monitors.crawling import Ctx

from .clouds import Far, make_account

SEASON = "/115/TV/A/Season 1"


def test_it_reads_a_tree_and_then_only_what_tells_of_times(far: Far) -> None:
    summary = far.crawl()
    assert (summary.files, summary.errors) == (6, 0)
    assert far.known() == {f"{show}/Season 1/{show}{n}.mkv" for show in "AB" for n in (1, 2, 3)}
    again = far.crawl()
    # Once for the guard and once fresh: the root, and each show for the times of its seasons. No season.
    assert sorted(far.cloud.calls) == sorted(
        [
            ("GetMountPoints", ""),
            ("GetSubFiles", "/115/TV"),
            ("GetSubFiles!", "/115/TV"),
            ("GetSubFiles", "/115/TV/A"),
            ("GetSubFiles", "/115/TV/B"),
        ]
    )
    assert (again.added, again.removed, again.listed) == (0, 0, 1)


def test_it_finds_additions_and_changes(far: Far) -> None:
    far.crawl()
    far.cloud.put(f"{SEASON}/A4.mkv")
    far.cloud.put("/115/TV/C – 電影/Füße.mkv")
    far.cloud.put(f"{SEASON}/A1.mkv", 7)
    far.crawl()
    assert far.changes() == [
        ("added", "A/Season 1/A4.mkv"),
        ("added", "C – 電影/Füße.mkv"),
        ("modified", "A/Season 1/A1.mkv"),
    ]
    assert ("GetSubFiles!", SEASON) in far.cloud.calls  # what moved is read past the cache


def test_it_takes_two_looks_to_remove(far: Far) -> None:
    far.crawl()
    far.cloud.remove(f"{SEASON}/A1.mkv")
    assert far.crawl().seen == 1
    assert far.changes() == []
    far.crawl()
    assert far.changes() == [("removed", "A/Season 1/A1.mkv")]


def test_it_sees_that_a_folder_was_renamed(far: Far) -> None:
    far.crawl()
    far.cloud.rename("/115/TV/A", "/115/TV/A (2020)")
    far.crawl()
    assert far.changes() == [("moved", "A → A (2020)")]
    assert far.cloud.asked().count("/115/TV/A/Season 1") == 0  # gone with its folder: not worth a request


def test_it_asks_nothing_twice_about_a_whole_tree_that_is_gone(far: Far) -> None:
    for number in range(10):
        far.cloud.put(f"/115/TV/Big/S{number}/x.mkv")
    far.crawl()
    far.cloud.remove("/115/TV/Big")
    far.crawl()
    assert not [path for path in far.cloud.asked() if path.startswith("/115/TV/Big")]


def test_it_removes_nothing_when_a_listing_is_cut(far: Far) -> None:
    far.cloud.put(f"{SEASON}/A4.mkv")
    far.crawl()
    known = far.known()
    far.cloud.remove(f"{SEASON}/A1.mkv")
    far.cloud.rules.cut = {SEASON}
    for _ in range(3):
        assert far.crawl().errors == 1
        assert far.known() == known
        assert far.changes() == []
    assert Change.objects.count() == 0
    assert Directory.objects.get(path="A/Season 1").error == "disconnected"
    far.cloud.rules.cut = set()
    far.crawl()
    far.crawl()
    assert far.changes() == [("removed", "A/Season 1/A1.mkv")]


def test_it_goes_down_and_removes_nothing_when_the_root_is_cut(far: Far) -> None:
    far.crawl()
    far.cloud.rules.cut = {"/115/TV"}
    with pytest.raises(Permanent) as caught:
        far.crawl()
    assert caught.value.code == "guard_unreadable"
    assert len(far.known()) == 6
    far.root.refresh_from_db()
    assert far.root.guard == Root.Guard.DOWN


def test_it_sleeps_when_it_is_throttled_and_goes_on_from_there(far: Far) -> None:
    far.crawl()
    far.cloud.put(f"{SEASON}/A4.mkv")
    far.cloud.rules.fail = {SEASON: (grpc.StatusCode.UNKNOWN, 'code: 770004, message: "操作频繁"')}
    ctx = Ctx(far.clock)
    with pytest.raises(Snooze) as caught:
        far.crawl(ctx=ctx)
    account = Account.objects.get()
    assert account.last_code == limits.THROTTLED
    assert caught.value.until == account.cooldown_until
    assert far.changes() == []
    with pytest.raises(Snooze):  # nobody asks until then
        far.crawl()
    assert far.cloud.calls == []
    far.cloud.rules.fail = {}
    Account.objects.update(cooldown_until=None, fails=0)
    far.crawl(cursor=ctx.saved)
    assert far.changes() == [("added", "A/Season 1/A4.mkv")]


def test_it_keeps_what_it_found_when_the_budget_ends_in_the_middle(
    cloud: FakeCloudDrive, transactional_db: None
) -> None:
    for number in range(30):
        cloud.put(f"/115/TV/Show {number:02}/S1/x.mkv")
    far = Far(cloud, make_account(cloud, per_second=10.0, per_day=20), parallel=1)
    Account.objects.update(per_second=10_000.0, next_at=None)
    rounds = 0
    ctx = Ctx(far.clock)
    while True:
        rounds += 1
        assert rounds < 20
        Account.objects.update(used=0)  # the next day
        try:
            far.crawl(cursor=ctx.saved, ctx=ctx)
            break
        except Snooze as error:
            assert error.code == "account_budget"
    assert rounds > 2
    assert len(far.known()) == 36


def test_it_lists_everything_anew_in_a_full_crawl(far: Far) -> None:
    far.crawl()
    far.crawl(full=True)
    forced = {path for method, path in far.cloud.calls if method == "GetSubFiles!"}
    assert forced == {"/115/TV", "/115/TV/A", "/115/TV/B", SEASON, "/115/TV/B/Season 1"}


def test_it_spends_one_request_on_a_folder_that_was_asked_for(far: Far) -> None:
    far.crawl()
    far.cloud.put(f"{SEASON}/A4.mkv")
    far.crawl("A/Season 1")
    asked = [call for call in far.cloud.calls if call[0] == "GetSubFiles!"]
    assert asked == [("GetSubFiles!", SEASON)]
    assert far.changes() == [("added", "A/Season 1/A4.mkv")]


def test_it_lists_all_where_folder_times_do_not_tell_but_from_the_cache(far: Far) -> None:
    Root.objects.update(directory_mtime_moves=False)
    far.crawl()
    far.crawl()
    assert sum(method == "GetSubFiles" for method, _ in far.cloud.calls) == 5 + 1
    assert not any(method == "GetSubFiles!" for method, _ in far.cloud.calls)


def test_it_lists_a_folder_without_a_time_in_each_crawl(far: Far) -> None:
    far.crawl()
    far.cloud.nodes[SEASON].mtime = 0
    far.crawl()
    far.cloud.nodes[f"{SEASON}/A1.mkv"].size = 5
    far.crawl()
    assert far.changes() == [("modified", "A/Season 1/A1.mkv")]


def test_it_copes_with_names_that_no_path_can_have(far: Far) -> None:
    for name in ("x/y.mkv", "nul\0.mkv", "..", "."):
        far.cloud._children = _with(far.cloud, name)  # type: ignore[method-assign]
        summary = far.crawl(full=True)
        assert (summary.errors, summary.files) == (0, 6)


def test_it_takes_the_newer_of_two_files_of_one_name(far: Far) -> None:
    real = far.cloud._children

    def doubled(path: str) -> object:
        found = real(path)
        if path == SEASON and found:
            found = [*found, ("A1.mkv", Node("99", False, 999, 1_800_000_000))]
        return found

    far.cloud._children = doubled  # type: ignore[assignment,method-assign]
    far.crawl()
    assert len(far.known()) == 6
    far.crawl(full=True)
    assert far.changes() == []  # and it is the same one each time


def _with(cloud: FakeCloudDrive, name: str) -> object:
    real = type(cloud)._children.__get__(cloud)

    def more(path: str) -> object:
        found = real(path)
        return [*found, (name, Node("77", False, 1, 1_700_000_000))] if path == SEASON and found else found

    return more


def test_it_takes_few_folders_in_one_go(far: Far) -> None:
    run = Run(far.root, Asked(), lister_of(far.root), Ctx(far.clock))
    assert run.step == 8


@pytest.mark.parametrize("known", [False, True])
def test_it_loses_nothing_when_a_listing_fails_and_the_guard_may_not_ask(far: Far, known: bool) -> None:
    """A folder that failed makes the crawl doubt its root, which the account does not let it ask just then."""
    if known:
        far.crawl()
    for number in range(6):
        far.cloud.put(f"/115/TV/New {number}/x.mkv")
    far.cloud.put(f"{SEASON}/A4.mkv")
    Root.objects.update(parallel=1)
    far.cloud.rules.fail = {"/115/TV/New 3": (grpc.StatusCode.INTERNAL, "some trouble")}
    far.cloud.rules.fail["/115/TV/New 1"] = (grpc.StatusCode.RESOURCE_EXHAUSTED, "enough")
    ctx = Ctx(far.clock)
    with pytest.raises(Snooze):
        far.crawl(ctx=ctx)
    assert Account.objects.get().last_code == limits.THROTTLED
    far.cloud.rules.fail = {}
    Account.objects.update(cooldown_until=None, fails=0)
    far.crawl(cursor=ctx.saved)
    assert far.known() == {path[len("/115/TV/") :] for path, node in far.cloud.nodes.items() if not node.is_dir}
