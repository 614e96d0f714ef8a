"""The whole way, and each place where it may end."""

from __future__ import annotations

import errno
import json
import os
from typing import Any

import pytest

from mediasync.explain import explain
from mediasync.servers.models import Library, LibraryPath, Server
from monitors.filesystems import Place
from monitors.models import Directory, File, Hint, Root
from scanning.models import Link, LinkFolder, LinkRule, PathMapping
from tests.ui.rows import everything

from .scene import FILM, NOW, Scene, codes, todo

pytestmark = pytest.mark.django_db


def test_it_tells_the_whole_way_of_a_path_that_arrived(scene: Scene) -> None:
    change = scene.change()
    scene.request("verified", change_id=change.pk, sent_at=NOW, verified_at=NOW, answer_status=200)
    found = scene.explain()
    stages = list(dict.fromkeys(step.stage for step in [*found.steps, *found.servers[0].part.steps]))
    wanted = ["arrived", "root", "disk", "filter", "snapshot", "change"]
    assert stages == [*wanted, "server", "rule", "library", "unit", "request", "verified"]
    assert todo(found) == ["todo_nothing_proved"]
    assert found.servers[0].asks == "/data/Films/Heat (1995)"
    times = {step.stage: step.at for step in [*found.steps, *found.servers[0].part.steps]}
    assert all(times[stage] for stage in ("root", "disk", "snapshot", "change", "request", "verified"))


def test_it_changes_nothing(scene: Scene) -> None:
    scene.change(state="held", told_at=None)
    before = everything()
    scene.explain()
    scene.explain(FILM, "sonarr")
    assert everything() == before


def test_it_can_be_written_as_json(scene: Scene) -> None:
    scene.change()
    scene.request("waiting", due_at=NOW)
    text = json.dumps(scene.explain().as_json())
    assert json.loads(text)["servers"][0]["server"] == "plex"


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"enabled": False}, "todo_root_off"),
        ({"guard": "down", "guard_code": "guard_missing"}, "todo_guard_down"),
        ({"kinds": ["audio"]}, "todo_filter"),
        ({"exclude": ["Heat*"]}, "todo_filter"),
        ({"include": ["*.mp4"]}, "todo_filter"),
        ({"baseline_at": None}, "todo_first_crawl"),
    ],
)
def test_it_says_what_is_wrong_with_the_root(scene: Scene, values: dict[str, object], code: str) -> None:
    Root.objects.update(**values)
    assert todo(scene.explain())[0] == code


@pytest.mark.parametrize(
    ("state", "code"),
    [("seen", "todo_second_look"), ("held", "todo_held"), ("new", "todo_job"), ("linked", "todo_job")],
)
def test_it_says_what_a_change_waits_for(scene: Scene, state: str, code: str) -> None:
    scene.change("removed", state=state, told_at=None, reason="guard_held" if state == "held" else "")
    assert todo(scene.explain())[0] == code


@pytest.mark.parametrize(
    ("state", "values", "code"),
    [
        ("waiting", {}, "todo_waiting"),
        ("sending", {}, "todo_sending"),
        ("sent", {"sent_at": NOW}, "todo_sent"),
        ("sent", {"sent_at": NOW, "verify_at": NOW, "checks": 1}, "todo_proving"),
        ("not_found", {"sent_at": NOW, "reason": "unmatched", "checks": 5}, "todo_not_found"),
        ("failed", {"answer": "It said no.", "answer_status": 400}, "todo_failed"),
        ("gone", {"update": "Deleted"}, "todo_nothing_proved"),
    ],
)
def test_it_says_what_came_of_the_request(scene: Scene, state: str, values: dict[str, object], code: str) -> None:
    scene.change()
    scene.request(state, **values)
    assert todo(scene.explain()) == [code]


def test_it_says_that_a_server_was_never_asked(scene: Scene) -> None:
    found = scene.explain()
    assert todo(found) == ["todo_never_told"]
    assert "explain_no_change" in codes(found, "change")


def test_it_says_that_nobody_saw_it_yet(scene: Scene) -> None:
    File.objects.all().delete()
    assert todo(scene.explain()) == ["todo_crawl"]


def test_it_says_that_it_vanished_since(scene: Scene) -> None:
    scene.file.unlink()
    assert todo(scene.explain())[0] == "todo_vanished"


def test_it_finds_what_is_spelt_almost_so(scene: Scene) -> None:
    found = scene.explain(str(scene.file).replace("Heat (1995)", "heat (1995)"))
    assert todo(found)[:2] == ["todo_near", "todo_nowhere"]
    assert found.todo[0].instead == (str(scene.file), "")


def test_it_says_that_a_folder_could_not_be_listed(scene: Scene) -> None:
    Directory.objects.filter(path="Films/Heat (1995)").update(error="Input/output error")
    assert "todo_listing_error" in todo(scene.explain())


def test_a_server_that_is_away_is_the_reason(scene: Scene) -> None:
    scene.change()
    scene.request("waiting")
    Server.objects.update(paused=True, paused_reason="access_denied")
    assert todo(scene.explain()) == ["todo_server_paused"]


def test_it_suggests_the_rule_that_is_missing(scene: Scene) -> None:
    PathMapping.objects.all().delete()
    found = scene.explain()
    assert todo(found) == ["todo_suggested"]
    assert f"{scene.top} → /data" in found.todo[0].said.text


def test_it_says_that_no_library_has_it(scene: Scene) -> None:
    LibraryPath.objects.update(path="/elsewhere/Shows")
    assert todo(scene.explain()) == ["todo_wrong_rule"]
    PathMapping.objects.all().delete()
    assert todo(scene.explain()) == ["todo_no_library"]
    assert "no_library" in codes(scene.explain(), "library")


def test_it_says_that_no_rule_fits(scene: Scene) -> None:
    PathMapping.objects.all().delete()
    Library.objects.all().delete()
    Server.objects.update(unmatched="error")
    assert todo(scene.explain()) == ["todo_no_rule"]


def test_it_says_that_there_is_no_server(scene: Scene) -> None:
    Server.objects.all().delete()
    assert todo(scene.explain()) == ["todo_no_server"]


def test_one_server_does_not_speak_for_another(scene: Scene) -> None:
    scene.server("jellyfin", "/data/Films")
    scene.change()
    scene.request("verified", verified_at=NOW)
    found = scene.explain()
    assert {server.name: server.state for server in found.servers} == {"jellyfin": "", "plex": "verified"}
    assert todo(found) == ["todo_never_told"]


def test_a_request_from_before_the_change_does_not_count(scene: Scene) -> None:
    scene.request("verified", verified_at=NOW, last_at=NOW - NOW.resolution * 10**9)
    scene.change()
    assert todo(scene.explain()) == ["todo_never_told"]


def test_a_folder_shows_what_happened_below(scene: Scene) -> None:
    scene.change()
    scene.request("sent", sent_at=NOW)
    found = scene.explain(str(scene.file.parent))
    assert "explain_change" in codes(found, "change")
    assert todo(found) == ["todo_sent"]


def test_a_removed_folder_counts_for_what_it_held(scene: Scene) -> None:
    scene.file.unlink()
    File.objects.all().delete()
    scene.change("removed", "Films/Heat (1995)", is_dir=True, state="held", told_at=None)
    assert todo(scene.explain())[0] == "todo_held"


def test_it_explains_a_link_by_what_it_stands_for(scene: Scene) -> None:
    rule = LinkRule.objects.create(root=scene.root, target=str(scene.top.parent / "links"))
    found = scene.explain()
    assert "explain_link_missing" in codes(found, "link")
    assert "todo_link" in todo(found)
    folder = LinkFolder.objects.create(rule=rule, path="Films/Heat (1995)")
    Link.objects.create(folder=folder, name="Heat.strm", source="Heat.mkv", how="strm", changed_at=NOW)
    found = scene.explain(f"{rule.target}/Films/Heat (1995)/Heat.strm")
    assert found.local == str(scene.file)
    assert codes(found, "link") == ["explain_is_link", "explain_link"]
    assert todo(found) == ["todo_never_told"]


@pytest.mark.parametrize(
    ("values", "code"),
    [({"kinds": ["audio"], "companions": "leave"}, "explain_not_linked"), ({"minimum_size": 99}, "explain_too_small")],
)
def test_it_says_why_there_is_no_link(scene: Scene, values: dict[str, object], code: str) -> None:
    LinkRule.objects.create(root=scene.root, target=str(scene.top.parent / "links"), **values)
    assert codes(scene.explain(), "link") == [code]


def test_it_shows_hints_with_their_payload(scene: Scene) -> None:
    Hint.objects.create(source="sonarr", reference="payload 7", root=scene.root, path="Films/Heat (1995)")
    found = scene.explain()
    assert codes(found, "hint") == ["explain_hint", "explain_payload"]
    assert [step.row for step in found.steps if step.said.code == "explain_payload"] == [("monitors.Payload", 7)]
    assert "todo_hint" in todo(found)


def test_it_asks_no_more_for_many_rows(scene: Scene, django_assert_max_num_queries: Any) -> None:
    for number in range(200):
        scene.change("added", f"Films/Heat (1995)/{number}.mkv")
        scene.request("sent", path=f"/data/Films/Heat (1995)/{number}.mkv", local_path="")
    with django_assert_max_num_queries(60):
        assert len(scene.explain(str(scene.file.parent)).steps) < 40


def test_it_says_that_it_may_not_look(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.stat

    def refuse(path: Any, *args: Any, **options: Any) -> Any:
        if path == os.fsencode(scene.file):
            raise PermissionError(errno.EACCES, "Permission denied")
        return real(path, *args, **options)

    monkeypatch.setattr("os.stat", refuse)
    found = scene.explain()
    assert "explain_unreadable" in codes(found, "disk")
    assert "todo_unreadable" in todo(found)


def test_it_says_that_a_link_leads_nowhere(scene: Scene) -> None:
    scene.file.unlink()
    scene.file.symlink_to("nowhere")
    assert "explain_dangling" in codes(scene.explain(), "disk")


def test_a_mount_that_does_not_answer_is_left_alone(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("monitors.glance.place_of", lambda path: Place(b"/", "fuse.rclone"))
    monkeypatch.setattr("monitors.glance.Glance._ask", lambda *_args: None)
    found = scene.explain()
    assert codes(found, "disk") == ["explain_hangs"]
    assert todo(found) == ["todo_hangs"]
    assert found.servers[0].asks == "/data/Films/Heat (1995)"


def test_a_mount_that_went_away_since_the_last_crawl_is_the_reason(scene: Scene) -> None:
    Root.objects.update(device="fuse.rclone@9!")
    scene.file.unlink()
    found = scene.explain()
    assert codes(found, "disk") == ["explain_not_there", "guard_mount_gone"]
    assert todo(found) == ["todo_guard_down"]


def test_a_root_that_is_elsewhere_is_told_from_its_listing(scene: Scene) -> None:
    Root.objects.update(mounted=False)
    scene.file.unlink()
    found = scene.explain()
    assert "explain_not_mounted" in codes(found, "disk")
    assert todo(found) == ["todo_never_told"]


def test_a_root_that_is_down_is_not_looked_at(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    Root.objects.update(guard="down", guard_code="guard_hangs", guard_params={"seconds": 20})
    monkeypatch.setattr("os.stat", lambda *_a, **_k: pytest.fail("it would hang"))
    found = explain(str(scene.file))
    assert "explain_not_looked" in codes(found, "disk")
    assert todo(found)[0] == "todo_guard_down"
