"""A full disk puts the job to rest, and it goes on when there is room."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command

from mediasync.jobs import services
from mediasync.jobs.choices import Source
from mediasync.jobs.drain import drain
from mediasync.jobs.models import Job
from scanning.models import Link

from .linking import Linking


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A file system with room for twenty names."""
    disk = tmp_path / "small"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m,nr_inodes=20", "none", str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("only root may mount")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.django_db
def test_it_rests_on_a_full_disk_and_goes_on(tmp_path: Path, small: Path) -> None:
    linking = Linking(tmp_path, target=str(small))
    linking.write(*(f"{n}/x.mkv" for n in range(10)))
    linking.look(change=False)
    for n in range(4):
        (small / f"ballast{n}").touch()
    out = StringIO()
    with pytest.raises(SystemExit) as end:
        call_command("link", linking.root.name, stdout=out, stderr=StringIO())
    assert end.value.code == 6
    assert f"No space left on {small}" in out.getvalue()
    job = Job.objects.get()
    assert (job.state, job.reason_code) == ("paused", "link_target_full")
    subprocess.run(["mount", "-o", "remount,nr_inodes=100", str(small)], check=True)
    services.resume(job, actor="me", source=Source.CLI)
    assert drain(job.pk).state == "completed"
    assert Link.objects.filter(state="ok").count() == 10
    assert sum(path.is_symlink() for path in small.rglob("*")) == 10
