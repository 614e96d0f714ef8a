"""The scene."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from django.utils import timezone

from mediasync.jobs.models import EngineState

from .scene import Scene


@pytest.fixture(autouse=True)
def worker(db: None) -> None:
    """Pretend that somebody is at work, however long a test takes."""
    EngineState.objects.update_or_create(pk=1, defaults={"last_tick": timezone.now() + dt.timedelta(days=1)})


@pytest.fixture
def scene(tmp_path: Path, db: None) -> Scene:
    return Scene(tmp_path)
