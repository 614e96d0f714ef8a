"""Paths as somebody else names them, and paths that exist nowhere."""

from __future__ import annotations

import pytest

from mediasync.explain import explain
from monitors.hooks.services import add_hook
from monitors.models import Account, Root
from scanning.models import PathMapping

from .scene import FILM, Scene, codes, todo

pytestmark = pytest.mark.django_db


def test_it_translates_what_a_source_says_rule_by_rule(scene: Scene) -> None:
    make = PathMapping.objects.create
    make(space="source", source="sonarr", pattern="/other", replacement="/x", order=1)
    make(space="source", source="sonarr", pattern="/tv", replacement=str(scene.top))
    found = scene.explain(f"/tv/{FILM}", "sonarr")
    assert found.local == str(scene.file)
    rules = [step.said.text for step in found.steps if step.stage == "rule"]
    assert "/other → /x: does not match" in rules[0]
    assert rules[1].startswith(f"/tv → {scene.top}: matches")


def test_it_uses_the_place_of_a_root_in_its_account(scene: Scene) -> None:
    account = Account.objects.create(name="cloud", kind="clouddrive")
    Root.objects.update(account=account, remote_path="/115/media")
    add_hook("cd2", "clouddrive2")
    assert scene.explain(f"/115/media/{FILM}", "cd2").local == str(scene.file)
    guessed = scene.explain(f"/115/media/{FILM}")
    assert ("todo_guess_account", (str(scene.file), "")) in [(a.said.code, a.instead) for a in guessed.todo]


def test_it_guesses_who_names_a_path_so(scene: Scene) -> None:
    PathMapping.objects.create(space="source", source="sonarr", pattern="/tv", replacement=str(scene.top))
    found = scene.explain(f"/tv/{FILM}")
    assert todo(found)[0] == "todo_guess_source"
    assert found.todo[0].instead == (f"/tv/{FILM}", "sonarr")


def test_it_recognises_a_path_as_a_server_shows_it(scene: Scene) -> None:
    PathMapping.objects.update(replacement="D:\\media")
    found = scene.explain("D:\\media\\Films\\Heat (1995)\\Heat.mkv")
    assert ("todo_guess_server", (str(scene.file), "")) in [(a.said.code, a.instead) for a in found.todo]
    assert found.local is None


def test_a_source_that_nobody_knows_is_named(scene: Scene) -> None:
    assert "explain_no_source" in codes(scene.explain(str(scene.file), "radar"), "arrived")


def test_it_says_that_no_rule_of_the_source_fits(scene: Scene) -> None:
    add_hook("strict", "generic", unmatched="error")
    found = scene.explain("/tv/x.mkv", "strict")
    assert (found.local, todo(found)[0]) == (None, "todo_source_rule")


def test_it_tells_of_a_root_that_is_off_also_from_a_source(scene: Scene) -> None:
    Root.objects.update(enabled=False)
    add_hook("radarr", "radarr")
    assert todo(scene.explain(str(scene.file), "radarr"))[0] == "todo_root_off"


def test_a_hook_that_is_off_is_the_reason(scene: Scene) -> None:
    add_hook("radarr", "radarr", enabled=False)
    assert todo(scene.explain(str(scene.file), "radarr"))[0] == "todo_hook_off"


@pytest.mark.parametrize("path", ["", "relative/x", "/a/../b", "/a\0b", "/\udcff", "/" + "a" * 5000, "smb://x/y"])
def test_rubbish_is_no_path(scene: Scene, path: str) -> None:
    found = explain(path)
    assert (found.local, todo(found)[0]) == (None, "todo_bad_path")
    found.as_json()


def test_a_path_of_windows_wants_a_source(scene: Scene) -> None:
    assert todo(explain("D:\\tv\\x.mkv")) == ["todo_windows"]


@pytest.mark.parametrize(
    "path", ["/", "/nowhere", "/nowhere/at/all.mkv", "/\U0010dcff.mkv", "/a%b_c/[x]/\\n'\"<b>.mkv"]
)
def test_a_path_in_no_root_is_told_all_the_same(scene: Scene, path: str) -> None:
    found = explain(path)
    assert "explain_no_root" in codes(found, "root")
    assert "todo_no_root" in todo(found)
    assert len(found.servers) == 1


def test_a_path_that_only_a_library_knows_can_be_asked_for(scene: Scene) -> None:
    PathMapping.objects.create(space="server", pattern="/only/there", replacement="/data/Films")
    found = explain("/only/there/Heat (1995)")
    assert todo(found) == ["todo_never_told"]
    assert found.servers[0].asks.startswith("/data/Films")
