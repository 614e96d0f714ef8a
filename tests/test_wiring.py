"""What follows in one app from another."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from django.utils import timezone

from mediasync.jobs.models import Job
from mediasync.servers.clients.base import RecentItem
from mediasync.servers.listeners.arrivals import record
from mediasync.servers.models import Server
from mediasync.servers.services import answered, libraries_changed
from monitors import guards
from monitors.models import Root
from scanning.models import ScanRequest

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(("enabled", "jobs"), [(True, 1), (False, 0)])
def test_a_root_that_recovers_is_synchronised(tmp_path: Path, enabled: bool, jobs: int) -> None:
    root = Root.objects.create(name="tv", path=str(tmp_path), enabled=enabled)
    guards.recovered.send(sender=Root, root=root)
    assert Job.objects.filter(kind="sync", scope={"root": root.pk}).count() == jobs


@pytest.mark.parametrize(("attempts", "jobs"), [(1, 1), (0, 0)])
def test_requests_without_library_are_looked_at_when_libraries_were_read(attempts: int, jobs: int) -> None:
    server = Server.objects.create(name="p", kind="plex", url="http://127.0.0.1:9")
    ScanRequest.objects.create(server=server, path="/x", state="no_library", attempts=attempts)
    libraries_changed.send(sender=Server, server=server)
    assert Job.objects.filter(kind="deliver", scope={"server": server.pk}).count() == jobs


def test_what_waits_for_a_server_is_sent_as_soon_as_a_test_reaches_it() -> None:
    server = Server.objects.create(name="p", kind="plex", url="http://127.0.0.1:9")
    ScanRequest.objects.create(server=server, path="/x", state="waiting")
    answered.send(sender=Server, server=server)
    assert Job.objects.get(kind="deliver").state == "queued"


def test_what_a_server_is_to_be_asked_is_asked_as_soon_as_a_test_reaches_it() -> None:
    server = Server.objects.create(name="p", kind="plex", url="http://127.0.0.1:9")
    ScanRequest.objects.create(server=server, path="/x", state="sent", verify_at=timezone.now())
    answered.send(sender=Server, server=server)
    assert Job.objects.get(kind="verify").state == "queued"


def test_what_a_server_says_that_it_took_in_is_asked_about_at_once() -> None:
    server = Server.objects.create(name="p", kind="jellyfin", url="http://127.0.0.1:9")
    later = timezone.now() + dt.timedelta(minutes=1)
    common = {"server": server, "state": "sent", "verify_at": later}
    for path in ("/tv/A/1.mkv", "/tv/A", "/tv/A/2.mkv", "/tv/B"):
        ScanRequest.objects.create(path=path, **common)
    ScanRequest.objects.create(path="/tv/A", checks=1, **common)  # it has its own pause by now
    items = [RecentItem(str(n), "x", path, "", later) for n, path in enumerate(("/tv/A/1.mkv", "smb://x", ""))]
    record(server, items, timezone.now())
    assert list(ScanRequest.objects.filter(verify_at__lt=later).values_list("path", flat=True)) == [
        "/tv/A/1.mkv",
        "/tv/A",
    ]
    assert Job.objects.get(kind="verify").state == "queued"
