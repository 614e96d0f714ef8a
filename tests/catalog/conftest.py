from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from catalog.asking import hitches, refusals
from tests.catalog.replay import Replay


@pytest.fixture(autouse=True)
def hosts_have_forgotten_us() -> Iterator[None]:
    """What hosts asked of one test does not hold for the next: clocks and the numbers of jobs begin anew."""
    refusals.forget()
    hitches.forget()
    yield
    shutil.rmtree(Path(settings.DATA_DIR) / "pace", ignore_errors=True)


@pytest.fixture
def replay() -> Iterator[Replay]:
    with Replay() as server:
        yield server
