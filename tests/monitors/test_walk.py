"""Listing folders: alone, in child processes and in threads, always with the same outcome."""

from __future__ import annotations

import errno
import itertools
import os
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from mediasync.core.errors import Transient
from mediasync.core.paths import to_text
from monitors import listers, walk
from monitors.filters import Filter
from monitors.listers import base, far, local
from monitors.listers.far import Far
from monitors.listers.inline import Inline
from monitors.listers.local import Local
from monitors.listers.processes import Processes
from monitors.listers.threads import Threads
from monitors.models import Root
from monitors.walk import Folder, Listing

OLD = 1_600_000_000


@pytest.fixture
def top(tmp_path: Path) -> Path:
    for number in range(400):
        folder = tmp_path / f"{number % 5}" / f"{number % 40}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{number} é.mkv").write_bytes(b"x" * number)
        os.utime(folder / f"{number} é.mkv", (OLD, OLD + number))
    for folder, _, _ in os.walk(tmp_path, topdown=False):
        os.utime(folder, (OLD, OLD))
    return tmp_path


def reserve() -> base.Reserve:
    numbers = itertools.count(1, 10_000)
    return lambda count: next(numbers)


def walked(crew: Any) -> tuple[set[str], dict[str, int], bool]:
    """Return folders, files with sizes, and whether the ids fit together."""
    folders: dict[int, tuple[int | None, str]] = {}
    files: dict[str, int] = {}
    rows: list[Any] = []
    for work in crew.walk([(None, b"")]):
        if work is not None:
            block = work[1]
            folders.update({row[0]: (row[1], row[2]) for row in block[0]})
            rows += zip(*[iter(block[1])] * 5, strict=True)
    for owner, name, size, _, _ in rows:
        files[f"{folders[owner][1]}/{name}"] = size
    fit = all(parent is None or folders[parent][1] == path.rpartition("/")[0] for parent, path in folders.values())
    return {path for _, path in folders.values()}, files, fit


def expected(top: Path) -> tuple[set[str], dict[str, int], bool]:
    folders = {os.path.relpath(folder, top) for folder, _, _ in os.walk(top)}
    files = {str(path.relative_to(top)): path.stat().st_size for path in top.rglob("*.mkv")}
    return {"" if path == "." else path for path in folders}, files, True


def test_all_crews_find_the_same(top: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("monitors.listers.inline.FOLDERS", 7)
    monkeypatch.setattr("monitors.listers.processes.FOLDERS", 7)
    monkeypatch.setattr("monitors.listers.threads.FOLDERS", 7)
    lister = Local(os.fsencode(top), Filter().spec(), remote=False)
    assert walked(Inline(lister, reserve())) == expected(top)
    with Processes(lister.root, lister.spec, True, 2, reserve()) as processes:
        assert walked(processes) == expected(top)
    with Threads(lister, 4, reserve()) as threads:
        assert walked(threads) == expected(top)
    with Far(lister, 4, reserve()) as elsewhere:
        assert walked(elsewhere) == expected(top)
    with lister.crew(reserve()) as growing:
        assert walked(growing) == expected(top)


def knowns(lister: Local, top: Path) -> list[walk.Known]:
    out: list[walk.Known] = []
    for number, (folder, _, _) in enumerate(os.walk(os.fsencode(top))):
        below = os.path.relpath(folder, os.fsencode(top))
        below = b"" if below == b"." else below
        listing = lister.listing(below)
        out.append((number, below, listing[0], listing[1]))
    return out


def test_all_crews_see_the_same_change(top: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lister = Local(os.fsencode(top), None, remote=False)
    known = [*knowns(lister, top), (999, b"no/where", 1, 1)]
    monkeypatch.setattr(local, "BIG", 5)
    (top / "0" / "0" / "new.mkv").touch()
    os.utime(top / "1" / "1", (OLD, OLD + 5))
    changed = next(each[0] for each in known if each[1] == b"0/0")
    touched = next(each[0] for each in known if each[1] == b"1/1")
    for crew in (lister.crew(reserve()), Threads(lister, 4, reserve()), Far(lister, 4, reserve())):
        with crew as workers:
            assert {each[0] for part in workers.stat([known]) for each in part} == {changed, touched, 999}
            answers = list(workers.check([known]))
        assert sum(listed for listed, _ in answers) == len(known)
        found = {each[0]: each for _, part in answers for each in part}
        assert set(found) == {changed, touched, 999}
        assert "new.mkv" in [row[0] for row in found[changed][4]]
        assert found[touched][3] is None
        assert found[999][5] == "vanished"


def test_a_child_that_dies_is_a_passing_fault(top: Path) -> None:
    with Processes(os.fsencode(top), None, True, 2, reserve()) as processes:
        processes.children[0].process.kill()
        with pytest.raises(Transient) as caught:
            walked(processes)
    assert caught.value.code == "walker_died"
    assert all(child.process.returncode is not None for child in processes.children)


def test_mounts_are_listed_elsewhere(top: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even one at a time: the kernel lets no process end that waits for a mount which hangs."""
    monkeypatch.setattr(listers.filesystems, "is_remote", lambda path: True)
    lister = listers.lister_of(Root(path=str(top), parallel=1))
    crew = lister.crew(reserve())
    assert isinstance(crew, Far)
    with crew:
        assert walked(crew) == expected(top)
    assert crew.process.returncode is not None
    with pytest.raises(Transient) as caught, Far(crew.lister, 2, reserve()) as dead:
        dead.process.kill()
        walked(dead)
    assert caught.value.code == "walker_died"


def test_a_process_that_does_not_die_is_left_behind(top: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(far, "GRACE", 0)
    with Far(Local(os.fsencode(top), None, remote=True), 2, reserve()) as crew:
        monkeypatch.setattr(crew.process, "kill", lambda: None)
    assert far._left == [crew.process]
    monkeypatch.undo()
    crew.process.kill()
    crew.process.wait()
    far._reap()
    assert far._left == []


def test_tasks_fit_into_a_pipe() -> None:
    from monitors.listers.processes import BYTES, ENTRIES, _parts

    parts = list(_parts([(None, b"x" * 1000) for _ in range(1000)]))
    assert sum(map(len, parts)) == 1000
    assert all(len(part) <= ENTRIES and sum(len(each[1]) for each in part) <= BYTES for part in parts)
    assert len(next(_parts([(None, b"x" * 50_000)]))) == 1


class Slow(Local):
    """Each listing waits; counts how many do so at once. ``hangs`` never end."""

    def __init__(self, top: Path, *, seconds: float = 0.02, hangs: bytes = b"?", parallel: int = 8) -> None:
        super().__init__(os.fsencode(top), None, remote=True, parallel=parallel)
        self.seconds, self.hangs = seconds, hangs
        self.lock, self.now, self.most = threading.Lock(), 0, 0
        self.released = threading.Event()

    def listing(self, below: bytes) -> Listing:
        with self.lock:
            self.now += 1
            self.most = max(self.most, self.now)
        if below == self.hangs:
            self.released.wait(20)
        time.sleep(self.seconds)
        with self.lock:
            self.now -= 1
        return super().listing(below)


def test_slow_folders_are_listed_side_by_side(top: Path) -> None:
    lister = Slow(top)
    with lister.crew(reserve()) as crew:
        begun = time.monotonic()
        assert walked(crew) == expected(top)
        seconds = time.monotonic() - begun
    assert lister.most == 8
    assert seconds < 46 * 0.02 / 2


def test_a_folder_that_hangs_is_given_up(top: Path) -> None:
    lister = Slow(top, seconds=0.001, hangs=b"0")
    with Threads(lister, 4, reserve(), patience=1.0) as threads:
        threads.tick = 0.25
        folders: list[Any] = []
        waits = 0
        for work in threads.walk([(None, b"")]):
            waits += work is None
            folders += work[1][0] if work else []
    lister.released.set()
    assert waits >= 2
    assert [row[5] for row in folders if row[2] == "0"] == ["timeout"]
    assert len([row for row in folders if not row[5]]) == len(expected(top)[0]) - 9  # 0 and the eight below it


def test_a_lister_may_raise_anything(top: Path) -> None:
    class Odd(Local):
        def listing(self, below: bytes) -> Listing:
            if below == b"0":
                raise RuntimeError("what?")
            return super().listing(below)

    with Threads(Odd(os.fsencode(top), None, remote=True), 4, reserve()) as threads:
        folders = [row for work in threads.walk([(None, b"")]) if work for row in work[1][0]]
    assert [row[5] for row in folders if row[2] == "0"] == ["io_error"]


def test_fuse_has_no_idents(top: Path) -> None:
    rows = Local(os.fsencode(top), None, remote=True).listing(b"0/0")[3]
    assert rows
    assert {row[3] for row in rows} == {None}
    assert Local(os.fsencode(top), None, remote=True).parallel == 32
    assert Local(os.fsencode(top), None, remote=True, parallel=5).parallel == 5


def test_the_signature_tells_every_difference() -> None:
    rows: list[walk.Row] = [(b"a", 1, 2, 3), (b"b", 1, 2, None)]
    marks = {
        walk.signature([], rows),
        walk.signature([b"a"], rows),
        walk.signature([], rows[:1]),
        walk.signature([], [(b"a", 1, 2, 4), rows[1]]),
        walk.signature([], [(b"a", 1, 1 << 62, 3), rows[1]]),
        walk.signature([b"a"], rows[1:]),
    }
    assert len(marks) == 6
    assert all(-(1 << 63) <= mark < 1 << 63 for mark in marks)
    assert walk.signature([], rows) == walk.signature([], [(b"a", 1, 2, 3), (b"b", 1, 2, None)])


def test_an_incomplete_listing_says_so(top: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.scandir

    class Breaking:
        def __init__(self, path: bytes) -> None:
            self.entries = real(path)

        def __enter__(self) -> Any:
            yield next(self.entries)
            raise OSError(errno.EIO, "I/O error")

        def __exit__(self, *_: object) -> None:
            self.entries.close()

    monkeypatch.setattr(walk.os, "scandir", Breaking)
    listing = Folder(os.fsencode(top)).listing(b"0/0")
    assert (len(listing[3]), listing[4]) == (1, "io_error")


@pytest.mark.parametrize("names", [[], [b""], [b"a"], [b"a", b"\xff", "é".encode(), b"x\ny"], ["\U0010dc85".encode()]])
def test_many_names_are_turned_like_one(names: list[bytes]) -> None:
    assert walk.texts(names) == [to_text(name) for name in names]


def test_reasons_have_names() -> None:
    assert walk.reason(OSError(errno.EACCES, "")) == "permission_denied"
    assert walk.reason(OSError(errno.ENOSPC, "")) == "enospc"
    assert walk.reason(OSError("no number")) == "io_error"
