"""An apply, a way back and a purge that are killed with SIGKILL at any of their steps end as if they never were."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from .world import Tree, ask, lost, tree_of

SCRIPT = str(Path(__file__).with_name("killed_run.py"))
REPOSITORY = Path(__file__).resolve().parents[3]
PLAN = """
import os, sys
from pathlib import Path
import django
django.setup()
from cleanup import services
from cleanup.models import PlexFolder
from mediasync.jobs.drain import drain
from tests.cleanup.plexfolder import sample
from tests.cleanup.applying.world import POLICY
top = Path(sys.argv[1])
made = sample.make(top)
(top / "media" / "film.mkv").write_text("a film")
folder = PlexFolder.objects.create(
    name="killed", path=str(made.folder), policy=POLICY, quarantine_path=sys.argv[2] if len(sys.argv) > 2 else "")
started = services.plan(folder, ["all"])
drain(started.job.pk)
started.run.refresh_from_db()
services.accept(started.run, files_typed=started.run.facts["sums"]["files"], actor="test")
"""
APPLY = [
    *[("manifest", n) for n in (1, 2, 3)],
    *[("rename", n) for n in (1, 17, 38)],
    *[("commit", n) for n in (1,)],
    *[("stored", n) for n in (1, 2, 3, 4)],
    *[("references", n) for n in (1, 2, 3)],
    *[("rmdir", n) for n in (1, 9)],
    *[("makedirs", n) for n in (1, 5)],
    *[("settled", n) for n in (1, 2)],
]
RESTORE = [("rename", 1), ("rename", 20), ("commit", 1), ("stored", 1), ("stored", 2), ("makedirs", 7), ("settled", 1)]

pytestmark = pytest.mark.slow


class Killed:
    """A data folder, our database, and a plan that was accepted; ``again`` begins anew from there."""

    def __init__(self, top: Path, quarantine: str = "") -> None:
        self.top, self.data, self.plex = top, top / "data", top / "plex"
        self.quarantine = quarantine
        self.data.mkdir()
        self.environment = os.environ | {
            "DJANGO_SETTINGS_MODULE": "mediasync.settings",
            "MEDIASYNC_DATA": str(self.data),
            "MEDIASYNC_ENV_FILE": str(self.data / "none.env"),
            "PYTHONPATH": str(REPOSITORY),
        }
        self._run("manage.py", "migrate", "-v0", "--skip-checks")
        self._run("-c", PLAN, str(top), *([quarantine] if quarantine else []))
        self.before, self.values_before = self.tree(), self.values()
        shutil.copytree(self.data, top / "spare")

    def _run(self, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        done = subprocess.run(
            [sys.executable, *arguments], cwd=REPOSITORY, env=self.environment, capture_output=True, timeout=120
        )
        assert done.returncode in (0, -signal.SIGKILL), done.stderr.decode()[-3000:]
        return done

    def work(self, what: str, point: str = "never", count: int = 0) -> dict[str, Any] | None:
        """Return what a job said, None if it was killed."""
        done = self._run(SCRIPT, str(self.top), what, point, str(count))
        if done.returncode:
            assert not lost(self.plex, self.plex / DATABASE), "what is referenced was gone when it died"
            return None
        found: dict[str, Any] = json.loads(done.stdout)
        assert found["job"] == "completed", found
        return found

    def tree(self) -> Tree:
        return {name: facts for name, facts in tree_of(self.plex).items() if not name.endswith("manifest.jsonl")}

    def values(self) -> list[Any]:
        return ask(self.plex / DATABASE, "SELECT id, user_thumb_url, user_art_url, user_music_url FROM metadata_items")[
            1
        ]


DATABASE = "Plug-in Support/Databases/com.plexapp.plugins.library.db"


def through(killed: Killed, what: str, points: list[tuple[str, int]], *, needed: int) -> dict[str, Any]:
    """Do a job while it is killed at each of these points in turn; return what it said at last."""
    deaths = 0
    answer = None
    for point, count in points:
        answer = killed.work(what, point, count)
        deaths += answer is None
        if answer is not None:
            break
    assert deaths >= needed, f"only {deaths} deaths"
    while answer is None:
        answer = killed.work(what)
    return answer


def test_it_ends_as_if_it_had_never_been_killed(tmp_path: Path) -> None:
    killed = Killed(tmp_path)
    peaceful = killed.work("apply")
    assert peaceful is not None
    applied, values = killed.tree(), killed.values()
    assert killed.work("restore") and killed.tree() == killed.before and killed.values() == killed.values_before
    for point in APPLY:
        shutil.rmtree(killed.data)
        shutil.copytree(tmp_path / "spare", killed.data)
        answer = through(killed, "apply", [point], needed=1)
        assert answer["outcomes"] == peaceful["outcomes"], point
        assert killed.tree() == applied and killed.values() == values, point
        assert not lost(killed.plex, killed.plex / DATABASE), point
        back = RESTORE[APPLY.index(point) % len(RESTORE)]
        through(killed, "restore", [back], needed=1)
        assert killed.tree() == killed.before and killed.values() == killed.values_before, (point, back)


def test_it_ends_right_after_many_deaths_in_a_row(tmp_path: Path) -> None:
    killed = Killed(tmp_path)
    through(
        killed, "apply", [("commit", 1), ("manifest", 2), ("rename", 30), ("references", 4), ("rmdir", 2)], needed=4
    )
    applied = killed.tree()
    assert not lost(killed.plex, killed.plex / DATABASE)
    through(killed, "purge", [("unlink", 9), ("rmdir", 3)], needed=2)
    left = {name: facts for name, facts in applied.items() if not name.startswith("mediasync-quarantine")}
    assert killed.tree() == left
    assert not lost(killed.plex, killed.plex / DATABASE)


def test_it_ends_right_with_a_quarantine_on_another_file_system(tmp_path: Path) -> None:
    other = Path("/dev/shm")
    if not other.is_dir() or other.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is no second file system")
    quarantine = other / f"mediasync-killed-{os.getpid()}"
    try:
        killed = Killed(tmp_path, str(quarantine))
        through(killed, "apply", [("copied", 3), ("unlink", 9), ("stored", 3), ("rmdir", 1)], needed=3)
        assert not lost(killed.plex, killed.plex / DATABASE)
        through(killed, "restore", [("copied", 2), ("unlink", 3)], needed=2)
        assert killed.tree() == killed.before and killed.values() == killed.values_before
    finally:
        shutil.rmtree(quarantine, ignore_errors=True)


def test_what_a_block_that_always_dies_had_moved_is_known_at_the_end(tmp_path: Path) -> None:
    killed = Killed(tmp_path)
    for _death in range(8):
        done = killed._run(SCRIPT, str(tmp_path), "apply", "rename", "7")
        if not done.returncode:
            break
    found = json.loads(done.stdout)
    assert found["job"] == "completed_with_errors" and found["run"] == "applied"
    away = {path for path, _item, _column, outcome in found["outcomes"] if outcome == "quarantined"}
    gone = {name for name in killed.before if name not in killed.tree()} - {"", "Plug-in Support"}
    assert {path for path in away if path.startswith(("Metadata", "Media")) and not path.endswith(".bundle")} <= gone
    assert not lost(killed.plex, killed.plex / DATABASE)
    killed.work("restore")
    assert killed.tree() == killed.before and killed.values() == killed.values_before
