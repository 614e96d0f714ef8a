"""What a link rule may be, and what follows when it changes; which links stand for a change."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.conf import settings
from django.core.exceptions import ValidationError

from mediasync.core.errors import UsageError
from monitors.models import Change, Root
from scanning import link_services
from scanning.links.selectors import affected
from scanning.models import Link, LinkRule

from .linking import Linking

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("target", ["/", "relative", "/a/../b", "{source}", "{source}/links", "{top}", "{data}/x"])
def test_it_refuses_a_target_that_does_harm(tmp_path: Path, target: str) -> None:
    (tmp_path / "source").mkdir()
    root = Root.objects.create(name="r", path=str(tmp_path / "source"))
    target = target.format(source=root.path, top=tmp_path, data=settings.DATA_DIR)
    with pytest.raises(UsageError):
        link_services.save_rule(root, target)
    with pytest.raises(ValidationError):
        LinkRule(root=root, target=target).full_clean()


def test_it_sees_through_links_to_the_root(tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    (tmp_path / "alias").symlink_to(tmp_path / "source")
    root = Root.objects.create(name="r", path=str(tmp_path / "source"))
    with pytest.raises(UsageError, match="outside"):
        link_services.save_rule(root, str(tmp_path / "alias/links"))


def test_it_saves_a_rule_and_warns(tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    root = Root.objects.create(name="r", path=str(tmp_path / "source"))
    rule, said = link_services.save_rule(root, f"{tmp_path}//links/", mode="strm")
    assert rule.target == f"{tmp_path}/links"
    assert "will be made" in said[0]
    with pytest.raises(UsageError, match="nope"):
        link_services.save_rule(root, rule.target, strm_body="{nope}")


def test_it_forgets_links_when_the_target_changes(tmp_path: Path) -> None:
    linking = Linking(tmp_path)
    linking.write("a.mkv")
    linking.look(change=False)
    linking.link()
    _rule, said = link_services.save_rule(linking.root, str(tmp_path / "other"))
    assert "remove them by hand" in said[-1]
    assert not Link.objects.exists()
    linking.target = tmp_path / "other"
    linking.link()
    assert linking.files() == {"a.mkv"}


def test_it_says_which_links_stand_for_a_change(tmp_path: Path) -> None:
    linking = Linking(tmp_path, discs="unit", mode="strm")
    linking.write("a/x.mkv", "a/y.mkv", "D/BDMV/STREAM/1.m2ts", "n/notes.txt")
    linking.look()
    linking.link()
    top = str(linking.target)
    created = {(path, update) for _id, path, update in affected(Change.objects.all())}
    assert created == {
        (f"{top}/a/x.strm", "Created"),
        (f"{top}/a/y.strm", "Created"),
        (f"{top}/D/D.strm", "Created"),
    }
    Change.objects.all().delete()
    linking.remove("a/x.mkv")
    linking.write("a/y.mkv", size=20)
    linking.look()
    linking.link()
    removed = {(path, update) for _id, path, update in affected(Change.objects.all())}
    assert removed == {(f"{top}/a/x.strm", "Deleted"), (f"{top}/a/y.strm", "Modified")}


def test_it_says_where_a_folder_of_links_went(tmp_path: Path) -> None:
    linking = Linking(tmp_path)
    linking.write("old/x.mkv")
    linking.look(change=False)
    linking.link()
    (linking.target / "old/server.nfo").write_text("written by a server")
    (linking.source / "old").rename(linking.source / "new")
    linking.look(change=False)
    change = Change.objects.create(root=linking.root, kind="moved", is_dir=True, path="new", old_path="old")
    assert linking.link()["moved"] == 1
    assert linking.tree() == {
        "new/": "",
        "new/x.mkv": f"{linking.source}/new/x.mkv",
        "new/server.nfo": "written by a server",
    }
    assert affected([change]) == [
        (change.pk, f"{linking.target}/old", "Deleted"),
        (change.pk, f"{linking.target}/new", "Created"),
    ]
