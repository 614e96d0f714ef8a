from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from mediasync.core.errors import Permanent, Snooze
from monitors.listers import lister_of
from monitors.listers.rclone import MOVED, Rclone, _mtime
from monitors.models import Account, Root
from monitors.walk import Folder
from tests.fakes.rclone import CUT, FakeRclone

from .daemon import Daemon, make_account

pytestmark = pytest.mark.django_db
OLD = 1_600_000_000 * 10**9 + 123_456_789


def root_of(account: Account, remote: str = "loc:", **fields: Any) -> Root:
    fields = {"name": "cloud", "path": "/cloud", "lister": "rclone", "mounted": False, **fields}
    return Root.objects.create(account=account, remote_path=remote, **fields)


def lister(account: Account, remote: str = "loc:", **fields: Any) -> Rclone:
    made = lister_of(root_of(account, remote, **fields))
    assert isinstance(made, Rclone)
    return made


def age(top: Path) -> None:
    for folder, _, names in os.walk(top, topdown=False):
        for name in names:
            os.utime(os.path.join(folder, name), ns=(OLD, OLD))
        os.utime(folder, ns=(OLD, OLD))


def test_it_lists_what_a_mount_shows(mounted: Daemon, behind: Path, point: Path) -> None:
    names = ["b.mkv", "ü\n.mkv", "片.mkv", "x" * 251 + ".mkv", '"quoted\\.mkv', ".hidden.mkv", "note.part"]
    for name in names:
        (behind / "TV/Show" / name).write_bytes(b"12345")
    (behind / "TV/Show/Season 1").mkdir()
    age(behind)
    made = lister(mounted.account(), "loc:TV")
    made.listing(b"")
    ours, shown = made.listing(b"Show"), Folder(os.fsencode(point / "TV"), made.spec, idents=False).listing(b"Show")
    assert ours == shown
    assert ours[0] == OLD
    assert len(ours[3]) == 6 and ours[2] == [b"Season 1"]
    assert made.mtime(b"Show") == OLD


def test_it_skips_names_that_rclone_cannot_say(daemon: Daemon, behind: Path) -> None:
    (Path(os.fsdecode(os.fsencode(behind) + b"/bad\xff.mkv"))).write_bytes(b"x")
    _, _, folders, files, error, skipped = lister(daemon.account()).listing(b"")
    assert (folders, files, error, skipped) == ([b"TV"], [], "", 1)


def test_it_tells_empty_from_missing_from_broken(daemon: Daemon, behind: Path) -> None:
    (behind / "Empty").mkdir()
    account = daemon.account()
    made = lister(account)
    assert made.listing(b"Empty")[2:] == ([], [], "", 0)
    for below, number in ((b"Nowhere", errno.ENOENT), (b"TV/Show/a.mkv", errno.ENOTDIR), (b"\xff", errno.EILSEQ)):
        with pytest.raises(OSError) as raised:
            made.listing(below)
        assert raised.value.errno == number
    with pytest.raises(OSError, match="find section") as raised:
        lister(account, "ghost:", name="2", path="/2").listing(b"")
    assert raised.value.errno == errno.EIO
    account.refresh_from_db()
    assert not account.paused


def test_it_asks_for_the_times_of_folders_by_the_one_above(daemon: Daemon, behind: Path) -> None:
    for n in range(20):
        (behind / f"TV/{n}").mkdir()
    made = lister(daemon.account())
    asked: list[Any] = []
    ask = made.rc.ask
    made.rc.ask = lambda command, **params: asked.append(command) or ask(command, **params)  # type: ignore[method-assign, func-returns-value]
    assert made.mtime(b"") == MOVED
    times = {made.mtime(f"TV/{n}".encode()) for n in range(20)}
    assert times == {(behind / f"TV/{n}").stat().st_mtime_ns for n in range(20)}
    assert asked == ["operations/fsinfo", "operations/list"]
    with pytest.raises(FileNotFoundError):
        made.mtime(b"TV/nobody")


def test_it_lists_every_folder_where_their_times_tell_nothing(daemon: Daemon) -> None:
    made = lister(daemon.account(), "mem:bucket")
    assert made.mtime(b"some/folder") == MOVED
    with pytest.raises(FileNotFoundError):
        made.listing(b"")


def test_it_refuses_a_wrong_password_once(daemon: Daemon) -> None:
    account = make_account(daemon.url, "wrong")
    with pytest.raises(PermissionError):
        lister(account).listing(b"")
    with pytest.raises(Snooze):
        lister(account, name="2", path="/2").listing(b"")


def test_it_needs_an_account() -> None:
    root = Root.objects.create(name="x", path="/x", lister="rclone")
    with pytest.raises(Permanent):
        lister_of(root)


def entry(name: Any = "a.mkv", **more: Any) -> dict[str, Any]:
    return {"Name": name, "Path": name, "Size": 5, "ModTime": "2026-11-20T08:37:02Z", "IsDir": False, **more}


@pytest.mark.parametrize(
    "answer",
    [
        CUT,
        b"<html>welcome",
        b"[1]",
        b"{}",
        b"",
        b'{"list": [',
        {"list": None},
        {"list": "a"},
        {"list": [1]},
        {"list": [entry(None)]},
        {"list": [entry(Size="5")]},
        {"list": [entry(Size=None)]},
        {"list": [entry(ModTime="yesterday")]},
        {"list": [entry(ModTime="2026-13-40T08:37:02Z")]},
        {"list": [entry(ModTime=7)]},
        (500, {"error": "googleapi: Error 404: File not found", "status": 500}),
        (500, b"oh"),
        (404, b"nginx"),
        (302, b""),
        (500, {"error": "couldn't list: directory not found", "status": 500}),
    ],
)
def test_rubbish_is_an_error_and_never_empty_or_missing(answer: Any) -> None:
    with FakeRclone({"operations/list": answer}) as fake, pytest.raises(OSError) as raised:
        lister(make_account(fake.url)).listing(b"")
    assert raised.value.errno in (errno.EIO, errno.ENOTCONN)


def test_nobody_there_is_an_error() -> None:
    with FakeRclone({}) as fake:
        account = make_account(fake.url)
    with pytest.raises(OSError) as raised:
        lister(account).listing(b"")
    assert raised.value.errno == errno.ENOTCONN


def test_a_throttled_cloud_stops_the_whole_crawl() -> None:
    answer = (500, {"error": "googleapi: Error 403: User Rate Limit Exceeded, userRateLimitExceeded", "status": 500})
    with FakeRclone({"operations/list": answer}) as fake:
        made = lister(make_account(fake.url))
        with pytest.raises(OSError):
            made.listing(b"a")
        with pytest.raises(Snooze):
            made.listing(b"b")
    assert len([command for command, _ in fake.asked if command == "operations/list"]) == 1


def test_it_takes_one_of_two_files_of_one_name_and_no_name_that_is_none() -> None:
    listed = [
        entry(ID="one", Size=-1),
        entry(ID="two", ModTime="2026-11-20T08:37:02.5+08:00"),
        entry(ID="three", ModTime="2026-11-20T08:37:02.000000001Z"),
        *(entry(name) for name in ("", ".", "..", "a/b.mkv", "a\0.mkv", "\ud800.mkv")),
        entry("Season 1", IsDir=True, Size=-1),
        entry("document.mkv", Size=-1),
    ]
    with FakeRclone({"operations/list": {"list": listed}}) as fake:
        made = lister(make_account(fake.url))
        _, _, folders, files, error, skipped = made.listing(b"")
    assert (folders, error, skipped) == ([b"Season 1"], "", 6)
    assert [(row[0], row[1], row[2] % 10**9) for row in files] == [(b"a.mkv", 5, 1), (b"document.mkv", 0, 0)]
    assert files[0][3] is not None and files[1][3] is None


def test_it_asks_for_hashes_only_where_they_cost_nothing() -> None:
    info = {"Features": {"SlowHash": False}, "Hashes": ["sha1", "md5"]}
    listed = {"list": [entry(Hashes={"sha1": "abc"})]}
    with FakeRclone({"operations/fsinfo": info, "operations/list": listed}) as fake:
        made = lister(make_account(fake.url))
        assert made.listing(b"")[3][0][3] is not None
    assert fake.asked[-1][1]["opt"] == {"noMimeType": True, "showHash": True, "hashTypes": ["sha1"]}


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("1970-01-01T00:00:01.5Z", 1_500_000_000),
        ("1970-01-01T08:00:00.000000001+08:00", 1),
        ("1969-12-31T23:59:59.999999999Z", -1),
        ("2026-11-20T08:37:02.200564903Z", 1795163822_200564903),
        ("0001-01-01T00:00:00Z", -(2**63) + 1),
        ("", 0),
    ],
)
def test_it_reads_times_to_the_nanosecond(text: str, nanoseconds: int) -> None:
    assert _mtime({"ModTime": text}) == nanoseconds
