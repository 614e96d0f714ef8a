"""Real jobs and a server over real HTTP: what each stage does is seen in the explanation."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from mediasync.explain import explain
from mediasync.jobs.models import Job
from monitors.hooks.services import add_hook
from monitors.models import Change, Root
from scanning.models import LinkRule, PathMapping, ScanRequest
from tests.fakes.plex import FakePlex
from tests.fakes.server import Library
from tests.scanning.test_sync import connect, put, sync

from .scene import Scene, codes, todo

pytestmark = pytest.mark.django_db


def test_it_follows_a_file_from_its_arrival_to_its_removal(tmp_path: Path) -> None:
    film = tmp_path / "tv/New/1.mkv"
    put(tmp_path / "tv/Old/1.mkv")
    root = Root.objects.create(name="tv", path=str(tmp_path / "tv"), every=0, reconcile_every=0)
    with FakePlex([Library("TV", "show", ["/data/tv"])]) as plex:
        connect(plex)
        assert todo(explain(str(film)))[0] == "todo_first_crawl"
        sync(root)
        assert todo(explain(str(tmp_path / "tv/Old/1.mkv"))) == ["todo_suggested"]
        PathMapping.objects.create(space="server", pattern=str(tmp_path / "tv"), replacement="/data/tv")
        assert todo(explain(str(tmp_path / "tv/Old/1.mkv"))) == ["todo_never_told"]
        put(film)
        assert todo(explain(str(film))) == ["todo_crawl"]
        sync(root)
        found = explain(str(film))
        assert todo(found) == ["todo_sent"]
        assert found.servers[0].asks == plex.requests[-1].value("path") == "/data/tv/New"
        film.unlink()
        assert todo(explain(str(film)))[0] == "todo_vanished"
        Root.objects.update(two_looks="at_once")
        sync(root)
        found = explain(str(film))
        assert codes(found, "change").count("explain_change") == 2
        assert todo(found) == ["todo_sent"]
    assert Change.objects.filter(state="told").count() == 2


def test_it_follows_a_link(tmp_path: Path) -> None:
    put(tmp_path / "tv/Old/1.mkv")
    root = Root.objects.create(name="tv", path=str(tmp_path / "tv"), every=0, reconcile_every=0)
    LinkRule.objects.create(root=root, target=str(tmp_path / "links"))
    with FakePlex([Library("TV", "show", [str(tmp_path / "links")])]) as plex:
        connect(plex)
        sync(root)
        put(tmp_path / "tv/New/1.mkv")
        sync(root)
    found = explain(str(tmp_path / "links/New/1.mkv"))
    assert found.local == str(tmp_path / "tv/New/1.mkv")
    assert codes(found, "link") == ["explain_is_link", "explain_link"]
    assert found.servers[0].asks == str(tmp_path / "links/New")
    assert todo(found) == ["todo_sent"]
    assert not Job.objects.filter(state="failed").exists()


def test_nothing_that_anybody_types_breaks_it(scene: Scene) -> None:
    add_hook("plain", "generic")
    add_hook("strict", "sonarr", unmatched="error")
    make = PathMapping.objects.create
    make(space="source", source="odd", pattern="(/a)+(x|y)?", replacement="$2/$1", regex=True)
    make(space="server", pattern="/z(.*)", replacement="$1", regex=True, order=1)
    scene.server("jellyfin", "D:\\x", "smb://x", "\\\\host\\share")
    scene.change("moved", "Films/Heat (1995)", old_path="a", is_dir=True)
    pieces = ["/", "//", "..", ".", "\\", "C:", "\0", "\udc80", "\U0010dcff", "%", "_", "a", "z", "BDMV", "Films"]
    pieces += ["Heat.mkv", ".hidden", "x" * 300, "\n", "$1", "${name}", "[", "{a", "/data", "/z", str(scene.top)]
    chosen = random.Random(7)
    for _ in range(100):
        path = "".join(chosen.choices(pieces, k=chosen.randint(0, 7)))
        path = f"{scene.top}/{path}" if chosen.random() < 0.6 else path
        found = explain(path, chosen.choice(["", "plain", "strict", "odd", "nobody"]))
        assert todo(found) and found.as_json(), path
    assert not ScanRequest.objects.exists()
