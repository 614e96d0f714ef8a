"""What is logged while a job is worked on stays with it; and there is a file a day."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from mediasync.core.logfile import DailyFile
from mediasync.jobs import registry, rings, services
from mediasync.jobs.drain import drain
from mediasync.jobs.models import JobLog
from mediasync.jobs.registry import Done, JobKind, NewItem, Planned, Stage

logger = logging.getLogger("a.feature")


class Chatty(Stage):
    """Logs two lines an item."""

    name = "chatty"

    def plan(self, job: Any, cursor: Any) -> Iterator[Planned]:
        yield Planned([NewItem(f"item {n}") for n in range(150)])

    def run(self, item: Any, ctx: Any) -> Done:
        logger.warning("one of %s", item.key)
        logger.warning("two of %s\0<b>", item.key)
        return Done()


@pytest.fixture
def ring() -> Iterator[None]:
    handler = rings.Ring()
    logging.getLogger().addHandler(handler)
    yield
    logging.getLogger().removeHandler(handler)


@pytest.mark.django_db
def test_it_keeps_the_newest_lines_of_a_job_for_its_page(client: Client, ring: None) -> None:
    with registry.registered(JobKind("chatty", "Chatty", (Chatty(),))):
        job = drain(services.submit("chatty", {}).job.pk, threads=False)
        lines = JobLog.objects.get(job=job).text.splitlines()
        assert len(lines) == rings.LINES
        assert lines[-1].endswith("two of item 149\ufffd<b>")
        logger.warning("about nothing")
        assert "about nothing" not in JobLog.objects.get(job=job).text
        client.force_login(User.objects.create_superuser("boss"))
        page = client.get(f"/admin/jobs/job/{job.pk}/change/").content.decode()
    assert "one of item 149" in page
    assert "&lt;b&gt;" in page
    assert not rings.kept


def record(text: str, at: float) -> logging.LogRecord:
    found = logging.LogRecord("x", logging.INFO, "", 0, text, None, None)
    found.created = at
    return found


def test_it_writes_a_file_a_day_and_keeps_the_newest(tmp_path: Path) -> None:
    handler = DailyFile(str(tmp_path / "logs"), keep=3)
    for day in range(6):
        handler.emit(record(f"day {day} \udcff", day * 86400.0))
        handler.emit(record("again", day * 86400.0))
    names = sorted(path.name for path in (tmp_path / "logs").iterdir())
    assert names == [f"mediasync-1970-01-0{n}.log" for n in (4, 5, 6)]
    assert (tmp_path / "logs" / names[-1]).read_text() == "day 5 \\udcff\nagain\n"


def test_a_folder_that_cannot_be_written_costs_only_the_lines(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    DailyFile(str(tmp_path / "file" / "logs")).emit(record("x", 0.0))
