"""A crawl that is killed with SIGKILL anywhere, again and again, leaves the same rows as one that is left in peace."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from .crawling import OLD

MOVED = "3/7"
SCRIPT = str(Path(__file__).with_name("killed_crawl.py"))
REPOSITORY = Path(__file__).resolve().parent.parent.parent

pytestmark = pytest.mark.slow


class Peaceful:
    """A tree and a database that processes of their own work on."""

    def __init__(self, top: Path) -> None:
        self.tree, self.data = top / "tree", top / "data"
        self.data.mkdir()
        self.environment = os.environ | {
            "DJANGO_SETTINGS_MODULE": "mediasync.settings",
            "MEDIASYNC_DATA": str(self.data),
            "PYTHONPATH": str(REPOSITORY),
        }
        done = self.run("manage.py", "migrate", "-v0", "--skip-checks")
        assert done.returncode == 0, done.stderr.decode()

    def run(self, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [sys.executable, *arguments], cwd=REPOSITORY, env=self.environment, capture_output=True, timeout=60
        )

    def crawl(self, steps: int, *words: str) -> dict[str, Any] | None:
        """Return what the crawl said, None if it was killed."""
        done = self.run(SCRIPT, str(self.tree), str(steps), *words)
        if done.returncode == -signal.SIGKILL:
            return None
        assert done.returncode == 0, done.stderr.decode()
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    def rows(self) -> list[Any]:
        """Return the snapshot by path, with the counters of the root."""
        database = sqlite3.connect(self.data / "mediasync.sqlite3")
        try:
            folders = database.execute("SELECT path, parent_id IS NULL, error FROM monitors_directory ORDER BY path")
            files = database.execute(
                "SELECT d.path, f.name, f.size, f.mtime_ns, f.ident FROM monitors_file f"
                " JOIN monitors_directory d ON d.id = f.directory_id ORDER BY d.path, f.name"
            )
            lost = database.execute(
                "SELECT COUNT(*) FROM monitors_file WHERE directory_id NOT IN (SELECT id FROM monitors_directory)"
            )
            counters = database.execute("SELECT files, directories, bytes FROM monitors_root")
            return [folders.fetchall(), files.fetchall(), lost.fetchall(), counters.fetchall()]
        finally:
            database.close()


def make(tree: Path) -> None:
    for number in range(300):
        folder = tree / f"{number % 4}" / f"{number % 24}"
        folder.mkdir(parents=True, exist_ok=True)
        put(folder / f"{number}.mkv", number)
    age(tree)


def put(path: Path, size: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.truncate(size)
    os.utime(path, ns=(OLD, OLD + size))


def age(tree: Path) -> None:
    for number, (folder, _, _) in enumerate(os.walk(tree)):
        os.utime(folder, ns=(OLD, os.stat(folder).st_ino * 10**6 + number + len(os.listdir(folder)) * 10**12))


def change(tree: Path) -> None:
    """Add, change, remove and move."""
    for number in range(40):
        put(tree / "new" / f"{number % 6}" / f"{number}.mkv", 1000 + number)
    for number in range(0, 24, 3):
        put(tree / f"{number % 4}" / f"{number}" / f"{number}.mkv", 5000 + number)
    shutil.rmtree(tree / "1" / "5")
    for number in (2, 26, 50):
        os.unlink(tree / "2" / "2" / f"{number}.mkv")
    os.rename(tree / MOVED, tree / "new" / "seven")
    os.rename(tree / "0" / "0" / "24.mkv", tree / "2" / "2" / "moved.mkv")
    put(tree / "0" / "4" / "extra.mkv", 9)
    age(tree)


def killed_until_done(world: Peaceful, rng: random.Random, most: int, *words: str) -> tuple[dict[str, Any], int]:
    kills = 0
    while True:
        answer = world.crawl(rng.randrange(1, most) if kills < 9 else 0, *words)
        if answer is None:
            kills += 1
        elif answer["state"] == "completed":
            return answer, kills
        else:  # after three or five deaths in which it got nowhere; a new job, or a person, goes on
            assert answer["state"] in ("failed", "interrupted"), answer


def test_killed_anywhere_it_ends_with_the_same_rows(tmp_path: Path) -> None:
    rng = random.Random(7)
    make(tmp_path / "tree")
    world = Peaceful(tmp_path)
    answer, kills = killed_until_done(world, rng, 900)
    assert kills
    assert answer["changes"] == []
    first = world.rows()
    assert (len(first[1]), first[2], first[3]) == (300, [(0,)], [(300, 29, sum(range(300)))]), answer

    shutil.copytree(world.data, tmp_path / "spare")
    change(world.tree)
    answer, kills = killed_until_done(world, rng, 900, "full")
    assert kills
    wounded = world.rows()

    shutil.rmtree(world.data)
    shutil.copytree(tmp_path / "spare", world.data)
    peaceful = world.crawl(0, "full")
    assert peaceful is not None
    assert wounded == world.rows()
    assert plain(answer) == plain(peaceful)
    assert {row[0] for row in plain(peaceful)} == {"added", "modified", "removed", "moved"}


def plain(answer: dict[str, Any]) -> set[tuple[str, str, str]]:
    """Return (kind, old path, path); the folder that moved may be told as one, or file by file after a new job."""
    out: set[tuple[str, str, str]] = set()
    for kind, state, path, old_path, *_ in answer["changes"]:
        assert state == "new"
        folder = old_path.startswith(MOVED) and path.startswith("new/seven")
        out.add((kind, MOVED, "new/seven") if folder else (kind, old_path, path))
    return out
