"""Servers hear of links that were repaired or swept."""

from __future__ import annotations

from pathlib import Path

import pytest

from mediasync.jobs.choices import JobState
from mediasync.jobs.models import Event
from scanning import link_services, repairs
from scanning.models import LinkRule, ScanRequest

from .helpers import Clock, make_server, run
from .linking import Linking

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clients")]


@pytest.fixture
def linking(tmp_path: Path, clock: Clock) -> Linking:
    """A tree of links that was built yesterday."""
    linking = Linking(tmp_path)
    linking.write("A/a.mkv", "B/b.mkv", "C/c.mkv")
    linking.look(change=False)
    LinkRule.objects.update(built_at=None)
    make_server("plex", paths=[str(linking.target)])
    make_server("emby", paths=[str(linking.source)])
    repair(linking, clock)
    clock.advance(24 * 3600)
    return linking


def repair(linking: Linking, clock: Clock, sweep: bool = False) -> int:
    job = run(link_services.repair(linking.root, sweep=sweep).job.pk, clock)
    assert job.state == JobState.COMPLETED
    return job.pk


def requests() -> list[tuple[str, str, str]]:
    return list(ScanRequest.objects.order_by("path").values_list("server__name", "path", "update"))


def test_a_first_build_tells_nobody(linking: Linking) -> None:
    assert (linking.target / "A/a.mkv").is_symlink()
    assert requests() == []


def test_what_was_repaired_is_told_to_those_who_look_at_links(linking: Linking, clock: Clock) -> None:
    (linking.target / "A/a.mkv").unlink()
    repair(linking, clock)
    assert (linking.target / "A/a.mkv").is_symlink()
    assert requests() == [("plex", f"{linking.target}/A", "Modified")]
    clock.advance(60)
    repair(linking, clock)  # nothing is wrong any more
    assert ScanRequest.objects.count() == 1


def test_what_was_swept_is_told(linking: Linking, clock: Clock) -> None:
    linking.remove("B/b.mkv")
    linking.look(change=False)
    repair(linking, clock, sweep=True)
    assert not (linking.target / "B").exists()
    assert requests() == [("plex", f"{linking.target}/B", "Deleted")]


def test_very_many_are_left_to_a_person(linking: Linking, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repairs, "MOST", 1)
    for name in "AB":
        (linking.target / name / f"{name.lower()}.mkv").unlink()
    job = repair(linking, clock)
    assert requests() == []
    assert Event.objects.filter(job=job, code="links_many").exists()
