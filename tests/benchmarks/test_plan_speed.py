"""A plan of a data folder stays within its bounds on a small one; plan_cost.py measures a large one.

Processor time is compared with that of ``find -printf`` over the same folder, as the other tests here do.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cleanup.choices import RunState
from cleanup.models import PlanRow, PlexFolder
from cleanup.services import plan
from mediasync.jobs.drain import drain
from tests.cleanup.plexfolder import big

from .test_crawl_speed import find, spent

FILES = 20_000
MOST = 12  # × find, of processor time, with a row for nearly each file; the crawl's first time is 4.5 with one each


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_plan_of_everything_costs_little(tmp_path: Path, settings: Any) -> None:
    settings.DATA_DIR = tmp_path / "data"
    made = big.build(tmp_path / "plex", files=FILES, bundles=1600)
    folder = PlexFolder.objects.create(name="big", path=str(made.path), policy={"elsewhere": True})
    find(made.path)
    yardstick = min(find(made.path) for _ in range(3))
    started = plan(folder, ["all"])
    begun = spent()
    drain(started.job.pk, threads=False)
    ratio = (spent() - begun) / yardstick
    started.run.refresh_from_db()
    assert started.run.state == RunState.PLANNED, started.run.reason
    assert PlanRow.objects.filter(run=started.run).count() > FILES * 0.8
    assert ratio <= MOST
