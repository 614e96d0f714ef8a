"""A film is missing: for each way in which that can be, the first sentence is the one that helps."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest

from mediasync.jobs.models import EngineState, Job, JobLane
from mediasync.servers.models import Library, LibraryPath, Server
from monitors.models import Directory, File, Hint, Root
from scanning.models import Link, LinkFolder, LinkRule, PathMapping

from .scene import NOW, Scene, codes, todo

pytestmark = pytest.mark.django_db
Break = Callable[[Scene], Any]


def told(state: str, **values: Any) -> Break:
    """Let the film have been added, and a request stand so."""

    def done(scene: Scene) -> None:
        scene.change()
        scene.request(state, **values)

    return done


def both(*steps: Break) -> Break:
    return lambda scene: [step(scene) for step in steps]


def root(**values: Any) -> Break:
    return lambda scene: Root.objects.update(**values)


def server(**values: Any) -> Break:
    return lambda scene: Server.objects.update(**values)


def library(**values: Any) -> Break:
    return lambda scene: Library.objects.update(**values)


def changed(state: str, **values: Any) -> Break:
    return lambda scene: scene.change(state=state, told_at=None, **values)


def job(state: str, lane: str, **values: Any) -> Break:
    def done(scene: Scene) -> None:
        made = Job.objects.create(kind="sync", state=state, **values)
        key = {"root": scene.root.pk, "server": scene.plex.pk}[lane]
        JobLane.objects.create(job=made, key=f"{lane}:{key}")

    return done


def renamed(name: str) -> Break:
    """Let the film have another name, on the disk and in the snapshot."""

    def done(scene: Scene) -> None:
        scene.file = scene.file.rename(scene.file.with_name(name))
        File.objects.update(name=name)

    return done


def gone(scene: Scene) -> None:
    scene.file.unlink()


def unseen(scene: Scene) -> None:
    File.objects.all().delete()


def hinted(scene: Scene) -> None:
    Hint.objects.create(source="radarr", root=scene.root, path="Films/Heat (1995)", name="Heat.mkv")


def no_rules(scene: Scene) -> None:
    PathMapping.objects.all().delete()


def libraries(path: str) -> Break:
    return lambda scene: LibraryPath.objects.update(path=path)


def removed(state: str, **values: Any) -> Break:
    """Let the film have been removed, and the request for that stand so."""

    def done(scene: Scene) -> None:
        gone(scene)
        unseen(scene)
        scene.change("removed")
        scene.request(state, update="Deleted", **values)

    return done


def linked(state: str) -> Break:
    def done(scene: Scene) -> None:
        rule = LinkRule.objects.create(root=scene.root, target=str(scene.top.parent / "links"))
        folder = LinkFolder.objects.create(rule=rule, path="Films/Heat (1995)")
        Link.objects.create(folder=folder, name="Heat.mkv", source="Heat.mkv", how="symlink", state=state)

    return done


def nobody(scene: Scene) -> None:
    EngineState.objects.update(last_tick=NOW - dt.timedelta(days=1))


WAYS: dict[str, tuple[Break, str]] = {
    # Nobody looks there
    "the root is off": (root(enabled=False), "todo_root_off"),
    "the root is down": (root(guard="down", guard_code="guard_missing"), "todo_guard_down"),
    "the mount went away a minute ago": (both(root(device="fuse@9!"), gone), "todo_guard_down"),
    "the root is down and the server too": (both(root(guard="down"), server(paused=True)), "todo_guard_down"),
    "the first crawl never ended": (root(baseline_at=None), "todo_first_crawl"),
    "no crawl saw it": (unseen, "todo_crawl"),
    "its folder cannot be listed": (
        both(unseen, lambda scene: Directory.objects.update(error="Input/output error")),
        "todo_listing_error",
    ),
    "a hint waits": (both(unseen, hinted), "todo_hint"),
    "a hint waits for what is known": (both(told("not_found", reason="not_taken"), hinted), "todo_not_found"),
    "something newer is on its way": (both(told("verified"), hinted), "todo_hint"),
    "it is nowhere": (both(unseen, gone), "todo_nowhere"),
    "it is nowhere in a root that lies elsewhere": (both(unseen, root(mounted=False)), "todo_nowhere"),
    "it vanished": (gone, "todo_vanished"),
    # It does not count
    "hidden": (renamed(".Heat.mkv"), "todo_filter"),
    "a kind that the root leaves out": (root(kinds=["audio"]), "todo_filter"),
    "a pattern that the root leaves out": (root(exclude=["*.mkv"]), "todo_filter"),
    "not finished yet": (renamed("Heat.mkv.part"), "todo_junk"),
    # It was seen
    "a second look is due": (changed("seen", kind="removed"), "todo_second_look"),
    "a removal is held": (changed("held", kind="removed", reason="guard_held"), "todo_held"),
    "removals are held, and it is missing": (both(gone, root(guard="suspect")), "todo_guard_suspect"),
    "other removals are held": (
        both(told("waiting"), root(guard="suspect", guard_code="guard_held", guard_params={"held": 2})),
        "todo_waiting",
    ),
    "its job waits": (changed("new"), "todo_job"),
    "its job was paused": (both(changed("new"), job("paused", "root")), "todo_job_paused"),
    "its job failed": (both(changed("linked"), job("failed", "root", reason_code="root_gone")), "todo_job_failed"),
    "nobody is at work": (both(changed("new"), nobody), "todo_no_worker"),
    "all jobs are paused": (
        both(changed("new"), lambda scene: EngineState.objects.update(paused_all=True)),
        "todo_all_paused",
    ),
    "its link is missing": (
        lambda scene: LinkRule.objects.create(root=scene.root, target=str(scene.top.parent / "links")),
        "todo_link",
    ),
    "something stands where its link should": (linked("conflict"), "todo_link_conflict"),
    "its link lies in the trash": (linked("trashed"), "todo_link"),
    # It has no way to the server
    "no server": (lambda scene: Server.objects.all().delete(), "todo_no_server"),
    "all servers are off": (server(enabled=False), "todo_no_server"),
    "no rule leads there": (no_rules, "todo_suggested"),
    "no rule fits": (both(no_rules, libraries("/else/Shows"), server(unmatched="error")), "todo_no_rule"),
    "a rule leads nowhere": (libraries("/else/Shows"), "todo_wrong_rule"),
    "no library has it": (both(no_rules, libraries("/else/Shows")), "todo_no_library"),
    "its library is off here": (library(enabled=False), "todo_library_off"),
    "libraries were never read": (server(libraries_at=None), "todo_load_libraries"),
    "it had no library then": (told("no_library"), "todo_homeless"),
    # The server was not asked, or not yet
    "it was there before us": (lambda scene: None, "todo_never_told"),
    "the server is paused": (both(told("waiting"), server(paused=True)), "todo_server_paused"),
    "the server is away": (
        both(told("waiting"), server(cooldown_until=dt.datetime(2999, 1, 1, tzinfo=dt.UTC))),
        "todo_server_unreachable",
    ),
    "the request waits": (told("waiting"), "todo_waiting"),
    "the request waits for a paused job": (both(told("waiting"), job("paused", "server")), "todo_job_paused"),
    "the request waits for nobody": (both(told("waiting"), nobody), "todo_no_worker"),
    "it is being asked": (told("sending"), "todo_sending"),
    "the request was dropped by hand": (told("dropped", answer="dropped_by_hand"), "todo_dropped"),
    "the server refused": (told("failed", answer="It said no."), "todo_failed"),
    # The server was asked
    "nobody asked after it": (told("sent"), "todo_sent"),
    "it cannot be told": (told("sent", checks=6, reason="cannot_tell"), "todo_sent"),
    "it is asked after": (told("sent", checks=1, verify_at=NOW, reason="still_scanning"), "todo_proving"),
    "its agent took nothing": (told("not_found", checks=6, reason="not_taken"), "todo_not_found"),
    "it was removed and is still shown": (removed("not_found", reason="still_there", checks=6), "todo_still_there"),
    "an ending that the server never takes": (both(renamed("Heat.swf")), "todo_refused"),
    "every server knows it": (told("verified", verified_at=NOW), "todo_nothing_proved"),
    "it is gone and every server knows": (removed("gone", verified_at=NOW), "todo_nothing_proved"),
    "it vanished before it was told": (removed("dropped", answer="vanished"), "todo_nothing"),
}


@pytest.mark.parametrize("way", WAYS)
def test_the_first_sentence_is_what_to_do(scene: Scene, way: str) -> None:
    happens, code = WAYS[way]
    happens(scene)
    found = scene.explain()
    said = todo(found)
    assert said[0] == code, said
    assert "%(" not in found.todo[0].said.text and "{" not in found.todo[0].said.text


REASONS = (
    "still_scanning",
    "ignored_name",
    "extension",
    "permission",
    "mapping",
    "not_taken",
    "cannot_tell",
    "not_sent",
)


@pytest.mark.parametrize("reason", REASONS)
def test_it_says_why_a_server_does_not_know_it(scene: Scene, reason: str) -> None:
    scene.change()
    scene.request("not_found", reason=reason, checks=6)
    text = scene.explain().todo[0].said.text
    assert "plex scanned and does not show it: " in text
    assert f": {reason}" not in text and "–" not in text


def test_what_jellyfin_ignores_is_said_ahead(scene: Scene) -> None:
    scene.plex.delete()
    scene.server("jellyfin", "/data/Films")
    scene.file = scene.file.rename(scene.file.with_name("Heat.sample.mkv"))
    File.objects.update(name="Heat.sample.mkv")
    scene.change(path="Films/Heat (1995)/Heat.sample.mkv")
    found = scene.explain()
    assert todo(found)[0] == "todo_refused"
    assert "leaves out files and folders with such a name" in found.todo[0].said.text


def test_subtitles_are_no_films_that_a_server_refuses(scene: Scene) -> None:
    scene.file = scene.file.rename(scene.file.with_name("Heat.srt"))
    File.objects.update(name="Heat.srt")
    assert todo(scene.explain()) == ["todo_never_told"]


def test_a_row_that_another_stands_for_is_no_reason(scene: Scene) -> None:
    scene.change()
    scene.request("verified", verified_at=NOW)
    scene.request("dropped", answer="joined")
    assert todo(scene.explain()) == ["todo_nothing_proved"]


def test_a_server_that_is_off_does_not_hide_the_others(scene: Scene) -> None:
    scene.server("emby", "/data/Films", enabled=False)
    told("verified", verified_at=NOW)(scene)
    found = scene.explain()
    assert todo(found) == ["todo_nothing_proved"]
    assert "explain_server_off" in codes(found, "server")


def test_a_file_that_no_server_lists_is_proved_by_its_folder(scene: Scene) -> None:
    scene.change(path="Films/Heat (1995)/Heat.xyz")
    scene.request("verified", path="/data/Films/Heat (1995)/Heat.xyz", is_dir=False, verified_at=NOW)
    found = scene.explain(f"{scene.file.parent}/Heat.xyz")
    assert codes(found, "verified") == ["explain_verified_above"]
