"""Whatever happened, in whatever order, and wherever it was killed: the links end as a fresh build would make them."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitors.models import Change, Directory, File, Root
from scanning.models import Link, LinkFolder, LinkRule

from .linking import Linking

TOP = Path(__file__).resolve().parent.parent.parent
NAMES = st.sampled_from(["a", "b", "Subs", "BDMV", "x.mkv", "x.mp4", "x.srt", "p.jpg", "n.txt"])
PATHS = st.lists(NAMES, min_size=1, max_size=4).map("/".join)
FILES = PATHS.filter(lambda path: "." in path.rpartition("/")[2])
STEPS = st.lists(st.tuples(st.sampled_from(["write", "remove", "look", "move"]), FILES, PATHS), max_size=25)
RULES = st.fixed_dictionaries(
    {
        "mode": st.sampled_from(["absolute", "relative", "strm"]),
        "companions": st.sampled_from(["link", "copy", "leave"]),
        "discs": st.sampled_from(["skip", "unit"]),
    }
)


@pytest.mark.django_db
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS, rule=RULES)
def test_it_ends_like_a_fresh_build(steps: list[tuple[str, str, str]], rule: dict[str, str]) -> None:
    folder = Path(tempfile.mkdtemp(prefix="mediasync-links-"))
    try:
        linking = Linking(folder, **rule)
        linking.write("a/x.mkv", "keep.mkv")
        linking.look(change=False)
        linking.link()
        for verb, path, other in steps:
            _step(linking, verb, path, other)
        linking.look()
        linking.link()
        tree = linking.tree()
        assert not Change.objects.filter(root=linking.root).exclude(state=Change.State.LINKED).exists()
        shutil.rmtree(linking.target)
        LinkFolder.objects.filter(rule=linking.rule).delete()
        LinkRule.objects.filter(pk=linking.rule.pk).update(built_at=None)
        linking.link()
        assert tree == linking.tree()
    finally:
        Root.objects.all().delete()
        shutil.rmtree(folder)


def _step(linking: Linking, verb: str, path: str, other: str) -> None:
    """Do one thing to the source, as far as it can be done."""
    full = linking.source / path
    if verb == "look":
        linking.look()
        linking.link()
    elif verb == "write":
        parents = [p for p in full.parents if p.is_relative_to(linking.source)]
        if not any(p.is_file() for p in parents) and not full.is_dir():
            linking.write(path)
    elif verb == "remove" and full.is_file():
        linking.remove(path)
    elif verb == "move" and (source := full.parent) != linking.source and source.is_dir():
        _move(linking, str(source.relative_to(linking.source)), other)


def _move(linking: Linking, old: str, new: str) -> None:
    """Rename a folder and say so in one change, as a crawl does."""
    target = linking.source / new
    if target.exists() or not target.parent.is_dir() or target.is_relative_to(linking.source / old):
        return
    linking.look()
    (linking.source / old).rename(target)
    linking.look(change=False)
    Change.objects.create(root=linking.root, kind="moved", is_dir=True, path=new, old_path=old)
    linking.link()


@pytest.mark.slow
def test_it_goes_on_after_being_killed(tmp_path: Path) -> None:
    """Kill ``manage.py link`` at ten moments of a build, then let it finish."""
    env = {
        "PATH": os.environ["PATH"],
        "DJANGO_SETTINGS_MODULE": "mediasync.settings",
        "MEDIASYNC_DATA": str(tmp_path / "data"),
        "MEDIASYNC_ENV_FILE": str(tmp_path / ".env"),
        "SECRET_KEY": os.environ["SECRET_KEY"] + "-aB3" * 5,
        "LEASE_SECONDS": "2",
        "HEARTBEAT_SECONDS": "0.5",
    }
    (tmp_path / "data").mkdir()
    prepare = "import sys; from tests.scanning.test_link_history import prepare; prepare(sys.argv[1])"
    subprocess.run(
        [sys.executable, "-c", "import django; django.setup(); " + prepare, str(tmp_path)], env=env, cwd=TOP, check=True
    )
    target = tmp_path / "target"
    for number in range(4):
        child = subprocess.Popen(
            [sys.executable, "manage.py", "link", "r"], env=env, cwd=TOP, stderr=subprocess.DEVNULL
        )
        _wait_for_links(target, 1000 * (number + 1), child)
        child.send_signal(signal.SIGKILL)
        child.wait()
    subprocess.run([sys.executable, "manage.py", "link", "r"], env=env, cwd=TOP, check=True, timeout=120)
    check = subprocess.run([sys.executable, "manage.py", "link", "r", "--check"], env=env, cwd=TOP, capture_output=True)
    assert check.returncode == 0, check.stdout.decode()
    found = [os.path.join(d, n) for d, _folders, names in os.walk(target) for n in names]
    assert len(found) == 6000
    assert all(os.readlink(path) == path.replace("/target/", "/source/", 1) for path in found)


def _wait_for_links(target: Path, count: int, child: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 120
    while child.poll() is None and time.monotonic() < deadline:
        if sum(len(names) for _d, _f, names in os.walk(target)) >= count:
            return
        time.sleep(0.02)


def prepare(folder: str) -> None:
    """Write a database with a snapshot of 6,000 films in 2,000 folders (in a process of its own)."""
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    os.makedirs(f"{folder}/source")
    root = Root.objects.create(name="r", path=f"{folder}/source")
    LinkRule.objects.create(root=root, target=f"{folder}/target")
    top = Directory.objects.create(root=root, path="", signature=1)
    for number in range(2000):
        path = f"Film {number:04}"
        os.makedirs(f"{folder}/source/{path}")
        row = Directory.objects.create(root=root, path=path, parent_id=top.pk, signature=number + 2)
        File.objects.bulk_create(File(directory=row, name=f"{n}.mkv", size=0, mtime_ns=0) for n in range(3))
        for n in range(3):
            Path(f"{folder}/source/{path}/{n}.mkv").touch()
    connection.close()


@pytest.mark.django_db
def test_it_repairs_a_crash_between_the_disk_and_the_rows(tmp_path: Path) -> None:
    linking = Linking(tmp_path)
    linking.write("a/x.mkv", "a/y.mkv", "b/z.mkv")
    linking.look(change=False)
    linking.link()
    good = linking.tree()
    Link.objects.filter(name="x.mkv").delete()  # made, not recorded
    (linking.target / f"a/.mediasync-tmp-{linking.rule.pk}").symlink_to("/nowhere")
    linking.link(full=True)
    assert linking.tree() == good
    linking.remove("a/x.mkv")
    linking.remove("a/y.mkv")
    linking.look()
    for name in ("x.mkv", "y.mkv"):
        (linking.target / "a" / name).unlink()  # removed, not recorded
    linking.link()
    assert linking.tree().keys() == {"b/", "b/z.mkv"}
