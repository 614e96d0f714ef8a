"""Music that came or went is a hint like any other: its folders are crawled, its servers are told."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.utils import timezone

from catalog import signals
from mediasync.jobs.models import Job
from mediasync.servers.models import Server
from monitors.hints import services as hints
from monitors.models import Hint, Root

pytestmark = pytest.mark.django_db


def waiting() -> list[tuple[int | None, str, str]]:
    return sorted(Hint.objects.filter(state="waiting").values_list("root", "path", "source"))


def test_files_that_came_make_one_hint_a_folder(tmp_path: Path) -> None:
    root = Root.objects.create(name="music", path=str(tmp_path))
    paths = [f"{tmp_path}/home/A/1.mp3", f"{tmp_path}/home/A/2.mp3", f"{tmp_path}/home/B/1.mp3"]
    for path in paths:
        signals.stored.send(sender=None, paths=[path])
    assert waiting() == [(root.pk, "home/A", "catalog"), (root.pk, "home/B", "catalog")]
    Hint.objects.update(due_at=timezone.now())
    hints.settle()
    assert Job.objects.filter(kind="sync", scope__root=root.pk).exists()


def test_files_that_went_are_looked_for_where_they_were(tmp_path: Path) -> None:
    root = Root.objects.create(name="music", path=str(tmp_path))
    signals.removed.send(sender=None, paths=[f"{tmp_path}/home/A/1 (1).mp3"])
    assert [each[:2] for each in waiting()] == [(root.pk, "home/A")]


def test_a_folder_that_is_no_root_goes_to_the_servers_by_itself() -> None:
    Server.objects.create(name="p", kind="plex", url="http://127.0.0.1:9")
    signals.stored.send(sender=None, paths=["/music/home/A/1.mp3"])
    assert [each[:1] for each in waiting()] == [(None,)]


def test_nothing_is_noted_where_nobody_wants_to_know() -> None:
    signals.stored.send(sender=None, paths=["/music/home/A/1.mp3"])
    assert not Hint.objects.exists()
