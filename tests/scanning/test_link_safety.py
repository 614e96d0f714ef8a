"""Nothing but our own links is touched, and nothing is removed in doubt."""

from __future__ import annotations

import datetime as dt
import os
import shutil
from pathlib import Path

import pytest

from mediasync.core.errors import Permanent, Transient
from monitors.models import Change, Root
from scanning.models import Link

from .linking import NOW, Linking

pytestmark = pytest.mark.django_db


def built(tmp_path: Path, *paths: str, **options: object) -> Linking:
    linking = Linking(tmp_path, **options)
    linking.write(*paths)
    linking.look(change=False)
    linking.link()
    return linking


def test_it_removes_a_link_and_the_empty_folders_it_made(tmp_path: Path) -> None:
    linking = built(tmp_path, "Show/S1/E1.mkv", "Show/S1/E1.srt", "Film/Film.mkv")
    linking.remove("Show/S1/E1.mkv")
    linking.remove("Show/S1/E1.srt")
    linking.look()
    assert linking.link()["removed"] == 2
    assert linking.tree().keys() == {"Film/", "Film/Film.mkv"}
    assert not Change.objects.exclude(state=Change.State.LINKED).exists()


def test_it_takes_companions_away_with_their_film(tmp_path: Path) -> None:
    linking = built(tmp_path, "Film/Film.mkv", "Film/Film.nfo", "Film/Subs/2.srt")
    linking.remove("Film/Film.mkv")
    linking.look()
    linking.link()
    assert linking.tree() == {}


@pytest.mark.parametrize("guard", [Root.Guard.SUSPECT, Root.Guard.DOWN])
def test_it_removes_nothing_while_the_guard_is_not_ok(tmp_path: Path, guard: str) -> None:
    linking = built(tmp_path, "a/x.mkv", "b/y.mkv")
    before = linking.tree()
    linking.remove("a/x.mkv")
    linking.write("b/z.mkv")
    linking.look()
    Root.objects.update(guard=guard, guard_code="guard_held")
    linking.link()
    linking.link(full=True)
    assert linking.tree().items() > before.items()
    assert "b/z.mkv" in linking.files()
    assert set(Change.objects.values_list("kind", "state")) == {("removed", "new"), ("added", "linked")}
    Root.objects.update(guard=Root.Guard.OK)
    linking.link()
    assert linking.files() == {"b/y.mkv", "b/z.mkv"}


def test_it_looks_at_the_root_before_it_removes(tmp_path: Path) -> None:
    linking = built(tmp_path, "a/x.mkv")
    shutil.rmtree(linking.source)  # the mount went away after the crawl
    linking.source.mkdir()
    Root.objects.update(files=1)
    linking.look()
    linking.link()
    assert linking.files() == {"a/x.mkv"}
    assert linking.events[0] == ("link_removals_wait", {"reason": "guard_empty"})


def test_it_never_touches_what_a_person_put_in_the_place_of_a_link(tmp_path: Path) -> None:
    linking = built(tmp_path, "a/x.mkv", "a/y.mkv")
    (linking.target / "a/x.mkv").unlink()
    (linking.target / "a/x.mkv").write_text("mine")
    (linking.target / "a/own.txt").write_text("mine too")
    linking.link(full=True)
    assert Link.objects.get(name="x.mkv").state == Link.State.CONFLICT
    for path in ("a/x.mkv", "a/y.mkv"):
        linking.remove(path)
    linking.look()
    linking.link()
    assert linking.tree() == {"a/": "", "a/x.mkv": "mine", "a/own.txt": "mine too"}


@pytest.mark.parametrize("collision", ["keep", "replace_ours", "number", "error"])
def test_it_meets_a_foreign_file_as_the_rule_says(tmp_path: Path, collision: str) -> None:
    linking = Linking(tmp_path, collision=collision)
    linking.write("a/x.mkv", "a/y.mkv")
    linking.look(change=False)
    (linking.target / "a").mkdir(parents=True)
    (linking.target / "a/x.mkv").write_text("foreign")
    if collision == "error":
        with pytest.raises(Permanent) as caught:
            linking.link()
        assert caught.value.code == "link_collision"
    else:
        linking.link()
    source = str(linking.source)
    expected = {"a/": "", "a/x.mkv": "foreign", "a/y.mkv": f"{source}/a/y.mkv"}
    if collision == "number":
        expected["a/x (2).mkv"] = f"{source}/a/x.mkv"
    assert linking.tree() == expected
    if collision == "number":
        assert linking.link(full=True) == {"right": 2}
        linking.remove("a/x.mkv")
        linking.look()
        linking.link()
        assert linking.files() == {"a/x.mkv", "a/y.mkv"}


def test_it_replaces_its_own_old_links_unless_told_to_keep_them(tmp_path: Path) -> None:
    linking = built(tmp_path, "a/x.mkv", mode="strm", collision="keep")
    before = linking.tree()
    linking.rule.strm_body = "new {path}"
    linking.rule.save()
    assert linking.link(full=True) == {"kept": 1}
    assert linking.tree() == before
    linking.rule.collision = "replace_ours"
    linking.rule.save()
    assert linking.link(full=True) == {"replaced": 1}


def test_it_adopts_a_right_link_that_it_does_not_know(tmp_path: Path) -> None:
    linking = built(tmp_path, "a/x.mkv", "a/s.srt", companions="copy")
    Link.objects.all().delete()
    assert linking.link(full=True) == {"right": 2}
    assert Link.objects.filter(state="ok").count() == 2


def test_it_never_follows_a_link_in_the_target(tmp_path: Path) -> None:
    linking = Linking(tmp_path)
    linking.write("Show/S1/E1.mkv")
    linking.look(change=False)
    linking.target.mkdir()
    (linking.target / "Show").symlink_to(linking.source / "Show")
    linking.link()
    assert os.listdir(linking.source / "Show/S1") == ["E1.mkv"]
    assert not (linking.source / "Show/S1/E1.mkv").is_symlink()
    assert Link.objects.get().state == Link.State.CONFLICT


def test_it_moves_removed_links_to_the_trash_and_empties_it_later(tmp_path: Path) -> None:
    linking = built(tmp_path, "a/x.mkv", "a/y.mkv", trash_days=3)
    (linking.target / "a/keep.txt").write_text("mine")
    linking.remove("a/x.mkv")
    linking.look()
    linking.link()
    trash = linking.target / ".mediasync-trash"
    assert (trash / "2026-03-01/a/x.mkv").is_symlink()
    assert Link.objects.get(name="x.mkv").state == Link.State.TRASHED
    linking.link(now=NOW + dt.timedelta(days=3))
    assert trash.exists()
    linking.link(now=NOW + dt.timedelta(days=4))
    assert not trash.exists()
    assert linking.files() == {"a/y.mkv", "a/keep.txt"}
    assert Link.objects.get(name="x.mkv").state == Link.State.REMOVED


def test_it_does_not_build_in_the_mount_point_of_a_disk_that_went_away(tmp_path: Path) -> None:
    linking = built(tmp_path, "a/x.mkv")
    shutil.rmtree(linking.target)
    linking.write("a/y.mkv")
    linking.look()
    with pytest.raises(Transient, match="gone"):
        linking.link()
    linking.target.mkdir()
    with pytest.raises(Transient, match="empty"):
        linking.link()
    assert Change.objects.get().state == Change.State.NEW
    linking.rule.built_at = None  # a person asks for everything
    linking.rule.save()
    linking.link()
    assert linking.files() == {"a/x.mkv", "a/y.mkv"}


def test_it_removes_what_the_rule_does_not_want_any_more(tmp_path: Path) -> None:
    linking = built(tmp_path, "a/x.mkv", "a/x.flac", kinds=["video", "audio"])
    linking.rule.kinds = ["video"]
    linking.rule.save()
    assert linking.link(full=True, keep=True)["held"] == 1
    assert linking.link(full=True)["removed"] == 1
    assert linking.files() == {"a/x.mkv"}


def test_it_makes_a_disabled_rules_links_follow_no_more(tmp_path: Path) -> None:
    linking = built(tmp_path, "a/x.mkv")
    linking.rule.enabled = False
    linking.rule.save()
    linking.remove("a/x.mkv")
    linking.look()
    linking.link()
    assert linking.files() == {"a/x.mkv"}
