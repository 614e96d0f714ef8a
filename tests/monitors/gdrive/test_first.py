"""The first reading of the tree, lost tokens, cuts, and what else can go wrong with the feed of changes."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Callable
from pathlib import Path

import pytest
from django.db import OperationalError

from mediasync.core.errors import AccessDenied, Permanent, Transient, UsageError
from monitors.feeds.drive import page
from monitors.feeds.drive.tree import Tree
from monitors.feeds.drive_changes import DriveChanges, wanted
from monitors.models import Account, DriveItem, Root
from tests.fakes.gdrive import FakeDrive, problem
from tests.fakes.gdrive_tree import FakeTree
from tests.fakes.server import Request, Response, as_json

from .conftest import Bench, refusal

MakeRoot = Callable[..., Root]


@pytest.fixture
def bench(fake: FakeDrive, account: Account, make_root: MakeRoot) -> Bench:
    tv = fake.tree.folder("TV")
    fake.tree.add("e0.mkv", tv)
    return Bench(DriveChanges(account, [make_root("TV")]))


def add(fake: FakeDrive, name: str) -> None:
    fake.tree.add(name, next(ident for ident, item in fake.tree.items.items() if item["name"] == "TV"))


def test_it_takes_the_token_before_it_reads_the_tree(bench: Bench, fake: FakeDrive) -> None:
    bench.turn()
    paths = [request.path.rpartition("/")[2] for request in fake.requests]
    assert paths == ["token", "root", "startPageToken", "files", "changes"]
    assert bench.hints() == set() and bench.gaps() == list(bench.feed.root_ids)
    assert bench.row.state == "fine" and bench.row.facts == {"items": 2}
    assert bench.row.cursor == {"token": "2", "drive": "", "top": fake.tree.top}
    assert bench.rests[-1] == ("", 60.0)


def test_it_goes_on_where_it_was_after_a_restart(bench: Bench, fake: FakeDrive) -> None:
    bench.turn()
    bench.gaps()
    add(fake, "e1.mkv")
    bench.sit()
    bench.turn()
    assert bench.hints() == {": e1.mkv"} and bench.gaps() == []


def test_it_goes_on_reading_the_tree_where_it_was_cut_off(bench: Bench, fake: FakeDrive) -> None:
    fake.most = 1
    for number in range(1, 4):
        add(fake, f"e{number}.mkv")
    real = Tree.put
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Tree, "put", lambda tree, items: real(tree, items) if "e1.mkv" not in str(items) else 1 / 0)
        with pytest.raises(ZeroDivisionError):
            bench.turn()
    assert DriveItem.objects.count() == 2 and not bench.gaps()
    assert bench.row.cursor["reading"] == {"page": "2", "items": 2, "code": "drive_first"}
    bench.sit()
    bench.turn()
    assert DriveItem.objects.count() == 5 and bench.gaps()
    pages = [request.value("pageToken") for request in fake.requests if request.path.endswith("/files")]
    assert pages == ["", "1", "2", "2", "3", "4"]  # only what was not stored is asked for again


def test_a_big_drive_that_is_throttled_again_and_again_is_read_to_its_end(
    bench: Bench, fake: FakeDrive, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.most = 1
    for number in range(1, 5):
        add(fake, f"e{number}.mkv")
    real, listings = fake.respond, itertools.count()

    def respond(request: Request) -> Response:
        slower = request.path.endswith("/files") and next(listings) % 2
        return problem(403, "userRateLimitExceeded", "Slower.") if slower else real(request)

    monkeypatch.setattr(fake, "respond", respond)
    for _ in range(5):
        with pytest.raises(Transient):
            bench.turn()
        assert not bench.gaps()
        bench.clock.advance(2 * 3600)
        bench.sit()
    bench.turn()
    assert DriveItem.objects.count() == 6 and bench.gaps() and bench.row.state == "fine"


def test_it_begins_anew_when_google_has_forgotten_how_far_it_had_read(bench: Bench, fake: FakeDrive) -> None:
    fake.most, real = 1, fake.respond

    def respond(request: Request) -> Response:
        return problem(400, "invalid", "Invalid Value") if request.value("pageToken") == "1" else real(request)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fake, "respond", respond)
        with pytest.raises(Permanent):
            bench.turn()
    bench.row.refresh_from_db()
    assert bench.row.cursor is None  # and the watcher starts it anew after a pause
    bench.sit()
    bench.turn()
    assert DriveItem.objects.count() == 2 and bench.gaps()


def test_it_stores_page_and_token_together(bench: Bench, fake: FakeDrive) -> None:
    bench.turn()
    before = bench.row.cursor
    add(fake, "e1.mkv")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Tree, "put", lambda tree, items: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            bench.turn()
    bench.row.refresh_from_db()
    assert bench.row.cursor == before and bench.hints() == set()
    bench.sit()
    bench.turn()
    assert bench.hints() == {": e1.mkv"} and bench.row.cursor != before


def test_it_waits_for_a_locked_database(bench: Bench, fake: FakeDrive, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.turn()
    add(fake, "e1.mkv")
    real, tries = Tree.put, list[int]()

    def locked(tree: Tree, items: dict[str, page.Item]) -> None:
        tries.append(1)
        if len(tries) < 3:
            raise OperationalError("database is locked")
        real(tree, items)

    monkeypatch.setattr(Tree, "put", locked)
    monkeypatch.setattr("monitors.feeds.desk.connection.close", lambda: None)
    monkeypatch.setattr("monitors.feeds.desk.RETRY_SECONDS", 0)
    bench.turn()
    assert len(tries) == 3 and bench.hints() == {": e1.mkv"}


@pytest.mark.parametrize("status", [400, 404, 410])
def test_it_reads_the_tree_again_when_its_token_is_no_good_any_more(bench: Bench, fake: FakeDrive, status: int) -> None:
    bench.turn()
    bench.gaps()
    add(fake, "e1.mkv")
    fake.instead("changes", problem(status, "notFound", "No such token."))
    bench.turn()
    assert bench.gaps() and bench.hints() == set()
    assert DriveItem.objects.filter(name="e1.mkv").exists()
    add(fake, "e2.mkv")
    bench.turn()
    assert bench.hints() == {": e2.mkv"} and bench.gaps() == []


def test_it_does_not_read_the_tree_again_and_again(bench: Bench, fake: FakeDrive) -> None:
    fake.oldest = 10**6  # every token is refused
    with pytest.raises(Permanent):
        bench.turn()
    assert len(fake.asked("/files")) == 2  # "root", and the listing


def test_it_begins_anew_on_another_drive(bench: Bench, fake: FakeDrive, account: Account) -> None:
    bench.turn()
    bench.gaps()
    old, fake.tree = fake.tree, FakeTree("0AFilms", "0AFilms")
    account.options = {**account.options, "drive": "0AFilms"}
    account.save()
    bench.feed = DriveChanges(account, Root.objects.all())
    bench.sit()
    tv = fake.tree.folder("TV")
    bench.turn()
    assert bench.gaps() and set(DriveItem.objects.values_list("ident", "drive")) == {(tv, "0AFilms")}
    fake.tree.add("e1.mkv", tv)
    bench.turn()
    assert bench.hints() == {": e1.mkv"}
    [request] = fake.asked("changes")[-1:]
    assert request.value("driveId") == "0AFilms" and request.value("supportsAllDrives") == "true"
    assert old.drive == ""


def test_it_begins_at_a_root_folder(bench: Bench, fake: FakeDrive, account: Account) -> None:
    tv = next(ident for ident, item in fake.tree.items.items() if item["name"] == "TV")
    account.options = {**account.options, "folder": tv}
    account.save()
    Root.objects.update(remote_path="/")
    bench.feed = DriveChanges(account, Root.objects.all())
    bench.sit()
    bench.turn()
    fake.tree.add("e1.mkv", tv)
    fake.tree.add("other.mkv")
    bench.turn()
    assert bench.hints() == {": e1.mkv"}


@pytest.mark.parametrize("body", [b"<html>login</html>", b"[]", b"{}", b'{"changes": [{}, {"fileId": 7}]}', b"\xff"])
def test_it_survives_rubbish(bench: Bench, fake: FakeDrive, body: bytes) -> None:
    bench.turn()
    cursor = bench.row.cursor
    fake.instead("changes", Response(200, body))
    with pytest.raises(Transient):
        bench.turn()
    bench.row.refresh_from_db()
    assert bench.row.cursor == cursor


def test_it_survives_odd_changes(bench: Bench, fake: FakeDrive) -> None:
    bench.turn()
    odd = [
        {"fileId": "x" * 500, "removed": True},
        {"fileId": "1a", "file": {"id": "1a", "name": "\ud800bad\u0000.mkv", "parents": [fake.tree.top]}},
        {"fileId": "1b", "file": {"id": "1b", "name": "", "parents": [fake.tree.top]}},
        {"fileId": "1c", "file": {"id": "1c", "name": "deep", "parents": ["y" * 500]}},
        {"changeType": "drive", "removed": False},
        {"fileId": "1d", "removed": True},
    ]
    fake.instead("changes", as_json({"changes": odd, "newStartPageToken": "2"}))
    bench.turn()
    assert DriveItem.objects.get(ident="1a").name == "?bad␀.mkv"


def test_it_rests_until_the_quota_is_back_and_says_so(bench: Bench, fake: FakeDrive, fixtures: Path) -> None:
    bench.turn()
    add(fake, "e1.mkv")
    fake.instead("changes", refusal(fixtures, "403_dailyLimitExceeded"))
    bench.turn()
    assert bench.row.state == "resting" and bench.row.code == "quota_spent"
    asked = len(fake.requests)
    for _ in range(3):
        bench.turn()
    assert len(fake.requests) == asked and bench.row.code == "quota_spent"  # nothing is asked meanwhile
    bench.clock.advance(24 * 3600)
    bench.turn()
    assert bench.row.state == "fine" and bench.hints() == {": e1.mkv"} and bench.gaps()


def test_it_tells_a_throttled_account_from_a_spent_one(bench: Bench, fake: FakeDrive, fixtures: Path) -> None:
    bench.turn()
    fake.instead("changes", refusal(fixtures, "403_userRateLimitExceeded"))
    with pytest.raises(Transient) as caught:
        bench.turn()
    assert caught.value.code == "throttled"
    account = Account.objects.get()
    assert account.cooldown_until is not None
    assert account.cooldown_until - bench.clock.now() < dt.timedelta(minutes=5)


def test_it_waits_for_a_person_when_it_is_refused(bench: Bench, fake: FakeDrive) -> None:
    bench.turn()
    fake.expire()
    fake.refresh_token = "another"
    with pytest.raises(AccessDenied):
        bench.turn()
    bench.turn()
    assert bench.row.state == "resting" and bench.row.code == "account_paused"


def test_it_goes_on_with_a_new_access_token(bench: Bench, fake: FakeDrive) -> None:
    bench.turn()
    add(fake, "e1.mkv")
    fake.expire()
    bench.turn()
    assert bench.hints() == {": e1.mkv"}


def test_it_says_that_the_server_is_away(bench: Bench, fake: FakeDrive, account: Account) -> None:
    account.options = {**account.options, "endpoint": "http://127.0.0.1:9"}
    account.save()
    bench.feed.account = account  # type: ignore[attr-defined]
    with pytest.raises(Transient) as caught:
        bench.turn()
    assert caught.value.code == "drive_unreachable"


def test_it_reads_the_tree_anew_when_too_much_appears(
    bench: Bench, fake: FakeDrive, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.turn()
    bench.gaps()
    monkeypatch.setattr(page, "MOST_LISTINGS", 2)
    monkeypatch.setattr(page, "AT_ONCE", 1)
    folder = ""
    for number in range(4):
        folder = fake.tree.folder(f"f{number}", folder)
    bench.turn()
    assert bench.gaps() and DriveItem.objects.filter(name="f3").exists()


def test_it_wants_one_feed_an_account(account: Account, make_root: MakeRoot, db: None) -> None:
    other = Account.objects.create(name="Other", kind="gdrive")
    roots = [make_root("a"), make_root("b", feed="auto"), make_root("c", account=other)]
    roots += [make_root("d", feed="polling"), make_root("e", feed="drive_activity"), make_root("f", account=None)]
    found = {feed.key: feed.root_ids for feed in wanted(roots)}
    assert found == {f"account {account.pk}": (roots[0].pk, roots[1].pk), f"account {other.pk}": (roots[2].pk,)}


def test_it_says_what_is_missing(bench: Bench, account: Account) -> None:
    account.options = {}
    account.save()
    bench.feed.account = account  # type: ignore[attr-defined]
    with pytest.raises(UsageError):
        bench.turn()
