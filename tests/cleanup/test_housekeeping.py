"""Plex's own jobs as jobs of ours: asked for once, awaited, and refused where they would destroy something."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from cleanup import apply_signals, housekeeping, services
from cleanup.models import PlanRow, PlexFolder, Run
from mediasync.core.clock import FakeClock
from mediasync.core.errors import UsageError
from mediasync.jobs.drain import drain
from mediasync.jobs.models import Job
from mediasync.servers import services as servers
from mediasync.servers.models import Server
from tests.cleanup import facing
from tests.cleanup.plexfolder.builder import PlexBuilder
from tests.fakes.plex_butler import FakePlexButler
from tests.fakes.server import Library

pytestmark = pytest.mark.django_db


@pytest.fixture
def plex(tmp_path: Path) -> Iterator[FakePlexButler]:
    apply_signals.forget()
    with FakePlexButler([Library(name, kind, [str(tmp_path)]) for name, kind in (("Films", "movie"),)]) as fake:
        yield fake
    apply_signals.forget()


@pytest.fixture
def folder(tmp_path: Path, plex: FakePlexButler) -> PlexFolder:
    folder = facing.known(facing.build(tmp_path))
    folder.server = servers.save(Server(name="Plex", kind="plex", url=plex.url), plex.token)
    folder.save()
    return folder


@pytest.fixture
def browser() -> Client:
    browser = Client()
    browser.force_login(User.objects.create_superuser("boss"))
    return browser


def test_it_asks_once_and_waits(folder: PlexFolder, plex: FakePlexButler, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = FakeClock()
    monkeypatch.setattr(housekeeping.KIND.stages[0], "clock", clock)
    began = clock.monotonic()
    job = housekeeping.ask(folder, "optimize", actor="boss")
    assert drain(job.pk, threads=False).state == "completed"
    assert plex.asked == ["library.optimize"] and not plex.working and clock.monotonic() > began
    drain(housekeeping.ask(folder, "CleanOldCacheFiles").pk, threads=False)
    assert plex.asked[-1] == "butler.CleanOldCacheFiles"


def test_it_empties_no_trash_while_a_library_is_away(folder: PlexFolder, plex: FakePlexButler, tmp_path: Path) -> None:
    (tmp_path / "media" / "film.mkv").unlink()  # an empty folder is what an unmounted disk leaves
    job = drain(housekeeping.ask(folder, "empty_trash").pk, threads=False)
    assert job.state == "failed" and plex.asked == []


def test_it_empties_the_trash_of_all_libraries(
    folder: PlexFolder, plex: FakePlexButler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(housekeeping.KIND.stages[0], "clock", FakeClock())
    monkeypatch.setattr(housekeeping, "_sections", lambda folder: [int(key) for key in plex.libraries])
    assert drain(housekeeping.ask(folder, "empty_trash").pk, threads=False).state == "completed"
    assert plex.asked == [f"library.trash.{key}" for key in plex.libraries]


def test_a_task_that_plex_does_not_know_fails(folder: PlexFolder, plex: FakePlexButler) -> None:
    assert drain(housekeeping.ask(folder, "EatTheLibrary").pk, threads=False).state == "failed"
    for what in ("", "../identity", "Clean Bundles", "x?y=1"):
        with pytest.raises(UsageError):
            housekeeping.ask(folder, what)


def test_it_has_one_item_refreshed_or_analyzed(
    folder: PlexFolder, plex: FakePlexButler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(housekeeping.KIND.stages[0], "clock", FakeClock())
    for how in ("refresh", "analyze"):
        job = drain(housekeeping.ask(folder, how, 7).pk, threads=False)
        assert job.state == "completed" and plex.asked[-1] == f"{how}.7"
    for what, item in (("refresh", ""), ("refresh", "7/../8"), ("refresh", "-1"), ("optimize", 7), ("analyze", "²")):
        with pytest.raises(UsageError):
            housekeeping.ask(folder, what, item)


def test_the_pages_ask_for_an_item(
    folder: PlexFolder, plex: FakePlexButler, browser: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(housekeeping.KIND.stages[0], "clock", FakeClock())
    ask = reverse("admin:cleanup_plexfolder_ask_butler", args=[folder.pk])
    page = browser.get(reverse("admin:cleanup_plexfolder_butler", args=[folder.pk])).content.decode()
    assert "Number of the item" in page
    assert "by its number" in browser.post(ask, {"what": "analyze", "item": "x"}, follow=True).content.decode()
    browser.post(ask, {"what": "analyze", "item": " 9 "})
    browser.post(ask, {"what": "optimize", "item": "9"})
    assert [job.scope.get("item") for job in Job.objects.order_by("id")] == [9, None]
    Job.objects.all().delete()

    film = PlexBuilder(tmp_path / "own")
    film.section("Films", 1, tmp_path)
    made = film.item(1, "Film")
    film.set(made, thumb=film.modern(made, "posters", "https://images.example/p.jpg")[1])
    [picture] = (film.path / made.bundle).rglob("posters/*")
    picture.write_bytes(b"None")
    folder.path = str(film.finish())
    folder.save()
    drain(services.plan(folder, ["movie:1"]).job.pk, threads=False)
    row = PlanRow.objects.get(klass="broken")
    press = reverse("admin:cleanup_planrow_refresh", args=[row.pk])
    browser.post(press)
    job = Job.objects.get(kind=housekeeping.NAME)
    assert job.scope == {"folder": folder.pk, "what": "refresh", "item": made.id}
    drain(job.pk, threads=False)
    assert plex.asked == [f"refresh.{made.id}"]
    PlanRow.objects.filter(pk=row.pk).update(bundle="0" * 40)
    assert "by its number" in browser.post(press, follow=True).content.decode()


def test_the_page_names_the_tasks_and_asks(folder: PlexFolder, plex: FakePlexButler, browser: Client) -> None:
    address = reverse("admin:cleanup_plexfolder_butler", args=[folder.pk])
    page = browser.get(address).content.decode()
    assert "Remove old cache files" in page and "Clean bundles" in page and plex.asked == []
    ask = reverse("admin:cleanup_plexfolder_ask_butler", args=[folder.pk])
    assert "asks Plex and waits" in browser.post(ask, {"what": "clean_bundles"}, follow=True).content.decode()
    job = Job.objects.get()
    assert (
        job.scope == {"folder": folder.pk, "what": "clean_bundles"} and job.lanes.get().key == f"plexfolder:{folder.pk}"
    )


def test_the_page_that_looks_says_what_plex_does(folder: PlexFolder, plex: FakePlexButler, browser: Client) -> None:
    address = reverse("admin:cleanup_plexfolder_look", args=[folder.pk])
    plex.watching = 2
    page = browser.get(address).content.decode()
    assert "it answers" in page and "somebody watches" in page
    text, code = facing.command()
    assert code == 0 and "Plex runs (it answers" in text and "somebody watches" in text
    apply_signals.forget()
    plex.crashed = True
    assert "Does not run" in browser.get(address).content.decode()
    text, code = facing.command()
    assert code == 0 and "Plex does not run." in text


def test_the_page_of_a_run_says_whether_plex_lets_it_go_on(
    folder: PlexFolder, plex: FakePlexButler, browser: Client
) -> None:
    def said(policy: dict[str, bool]) -> str:
        Run.objects.filter(pk=run.pk).update(policy=run.policy | policy)
        apply_signals.forget()
        return browser.get(reverse("admin:cleanup_run_change", args=[run.pk])).content.decode()

    drain(services.plan(folder, ["movie:1"]).job.pk, threads=False)
    run = Run.objects.get()
    allowed = {"live_deletes": True}
    assert "the policy does not allow this meanwhile" in said({})
    assert "Plex runs, and is idle." in said(allowed)
    plex.watching = 1
    assert "Somebody watches" in said(allowed) and "Plex runs, and is idle." in said(allowed | {"idle_only": False})
    plex.watching, plex.working = 0, {"library.update.section": 9}
    assert "Plex is at work" in said(allowed)
    plex.crashed = True
    assert "Plex does not run." in said({})
