"""Rows in the admin: their list, their pictures, and the way back for some of them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from cleanup.models import PlanRow, PlexFolder, Run
from mediasync.jobs.drain import drain
from mediasync.jobs.models import Job
from tests.cleanup import facing

pytestmark = pytest.mark.django_db
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 32


@pytest.fixture
def browser() -> Client:
    browser = Client()
    browser.force_login(User.objects.create_superuser("boss"))
    return browser


@pytest.fixture
def made(tmp_path: Path) -> facing.Sample:
    made = facing.build(tmp_path)
    facing.known(made)
    return made


def row_of(path: str, **values: Any) -> PlanRow:
    run, _ = Run.objects.get_or_create(folder=PlexFolder.objects.get(), defaults={"state": "planned"})
    return PlanRow.objects.create(run=run, phase=1, klass="unused", action="file", unit="x", path=path, **values)


def picture(browser: Client, row: PlanRow) -> Any:
    return browser.get(reverse("admin:cleanup_planrow_picture", args=[row.pk]))


def test_it_shows_a_picture_from_its_place_and_from_the_quarantine(browser: Client, made: facing.Sample) -> None:
    facing.command("--step", "movie:1")
    run = Run.objects.get()
    row = PlanRow.objects.filter(run=run, klass="unused", action="file").first()
    assert row is not None
    content = (made.folder / row.path).read_bytes()
    answer = picture(browser, row)
    assert answer.status_code == 200 and answer.content == content
    assert answer.headers["Content-Type"] == "image/jpeg" and answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    facing.command("--apply", run.pk, "--yes")
    row.refresh_from_db()
    assert row.outcome == "quarantined" and not (made.folder / row.path).exists()
    assert picture(browser, row).content == content


def test_it_shows_the_picture_behind_a_link_of_the_same_bundle(browser: Client, made: facing.Sample) -> None:
    link = made.legacy[next(name for name, each in made.legacy.items() if (made.folder / each.link).is_symlink())]
    answer = picture(browser, row_of(link.link))
    assert answer.status_code == 200 and answer.content == (made.folder / link.link).read_bytes()


def test_it_shows_nothing_but_pictures_of_the_folder(browser: Client, made: facing.Sample, tmp_path: Path) -> None:
    bundle = f"Metadata/Movies/0/{'1' * 39}.bundle"
    posters = f"{bundle}/Contents/_combined/posters"
    secret = tmp_path / "secret.png"
    secret.write_bytes(PNG)
    good = made.plex.file(f"{posters}/good", PNG)
    assert picture(browser, row_of(good)).status_code == 200
    page = made.plex.file(f"{posters}/page.png", b"<script>alert(1)</script>")
    outside = made.plex.link(f"{posters}/out", str(secret))
    climbing = made.plex.link(f"{posters}/climb", "../../../../../../../../secret.png")
    other = made.plex.link(f"{posters}/other", f"../../../../{'2' * 39}.bundle/Contents/x")
    made.plex.file(f"Metadata/Movies/0/{'2' * 39}.bundle/Contents/x", PNG)
    loop = made.plex.link(f"{posters}/loop", "loop")
    (made.folder / posters / "folder").symlink_to(tmp_path)
    os.mkfifo(made.folder / posters / "pipe")
    database = "Plug-in Support/Databases/com.plexapp.plugins.library.db"
    for path in (
        *(page, outside, climbing, other, loop, posters, database, f"{posters}/folder/secret.png", f"{posters}/pipe"),
        *("../secret.png", f"{posters}/../good", f"/{good}", str(secret), "", "nothing", f"{posters}/good/x", "a\0b"),
    ):
        if "\0" in path:
            continue
        assert picture(browser, row_of(path)).status_code == 404, path
    assert picture(browser, row_of(good, base="cache")).status_code == 404
    assert browser.get(reverse("admin:cleanup_planrow_picture", args=[999_999])).status_code == 404
    PlanRow.objects.update(action="update")
    assert all(picture(browser, row).status_code == 404 for row in PlanRow.objects.filter(path=good))


def test_a_huge_file_is_not_read(browser: Client, made: facing.Sample) -> None:
    path = made.plex.file(f"Metadata/Movies/0/{'1' * 39}.bundle/Contents/_combined/posters/huge", PNG)
    with (made.folder / path).open("r+b") as file:
        file.truncate(33 << 20)
    assert picture(browser, row_of(path)).status_code == 404


def test_it_puts_chosen_rows_back(browser: Client, made: facing.Sample) -> None:
    facing.command("--step", "cache", "--step", "movie:1", "--apply", "--yes")
    run = Run.objects.get()
    rows = list(PlanRow.objects.filter(run=run, outcome="quarantined", klass="unused")[:2])
    posted = {"action": "restore_rows", "_selected_action": [row.pk for row in rows]}
    address = reverse("admin:cleanup_planrow_changelist") + f"?run={run.pk}"
    assert "Put back 2 rows" in browser.post(address, posted).content.decode()
    assert not Job.objects.filter(kind="cleanup_restore").exists()
    browser.post(address, {**posted, "confirmed": "1"})
    job = Job.objects.get(kind="cleanup_restore")
    assert job.scope == {"run": run.pk, "rows": sorted(row.pk for row in rows)}
    drain(job.pk, threads=False)
    assert all((made.folder / row.path).exists() for row in rows)
    assert PlanRow.objects.filter(run=run, outcome="restored").count() >= 2
    left = PlanRow.objects.filter(run=run, outcome="quarantined").first()
    assert left is not None
    one = reverse("admin:cleanup_planrow_restore", args=[left.pk])
    browser.post(one, {"confirmed": "1"})
    drain(Job.objects.filter(kind="cleanup_restore").latest("pk").pk, threads=False)
    left.refresh_from_db()
    assert left.outcome == "restored"


def test_it_puts_nothing_back_that_was_not_done(browser: Client, made: facing.Sample) -> None:
    facing.command("--step", "cache")
    row = PlanRow.objects.first()
    assert row is not None
    posted = {"action": "restore_rows", "_selected_action": [row.pk], "confirmed": "1"}
    page = browser.post(reverse("admin:cleanup_planrow_changelist"), posted, follow=True).content.decode()
    assert "None of these rows" in page and not Job.objects.filter(kind="cleanup_restore").exists()


def test_its_list_is_filtered(browser: Client, made: facing.Sample) -> None:
    facing.command("--step", "all")
    run = Run.objects.get()
    address = reverse("admin:cleanup_planrow_changelist")
    for query in (
        f"?run={run.pk}",
        f"?run={run.pk}&klass=cache",
        "?run=x",
        "?klass=nothing",
        "?q=Metadata",
        "?action=tree",
    ):
        assert browser.get(address + query).status_code in (200, 302), query
    assert "Cached pictures" in browser.get(f"{address}?run={run.pk}&klass=cache").content.decode()
    for row in PlanRow.objects.filter(run=run)[:3]:
        assert browser.get(reverse("admin:cleanup_planrow_change", args=[row.pk])).status_code == 200
