"""Old changes."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from pytest_django import Settings

from mediasync.core.clock import FakeClock
from monitors import history
from monitors.models import Change, Root

pytestmark = pytest.mark.django_db


def test_it_forgets_what_was_told_long_ago(tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.KEEP_JOBS_DAYS = 10
    monkeypatch.setattr(history, "CHUNK", 2)
    clock = FakeClock()
    root = Root.objects.create(name="tv", path=str(tmp_path))
    long_ago, lately = (clock.now() - dt.timedelta(days=days) for days in (11, 9))

    def change(path: str, state: str, seen: dt.datetime, **more: object) -> Change:
        return Change(root=root, path=path, kind="added", state=state, seen_at=seen, **more)

    Change.objects.bulk_create(
        [
            *(change(f"told {number}", "told", long_ago, told_at=long_ago) for number in range(5)),
            change("dropped", "dropped", long_ago, settled_at=long_ago),
            change("young", "told", lately, told_at=lately),
            change("told lately", "told", long_ago, told_at=lately),
            change("dropped lately", "dropped", long_ago, settled_at=lately),
            *(change(state, state, long_ago) for state in ("seen", "held", "new", "linked")),
        ]
    )
    assert history.forget_changes(clock) == 6
    left = {"young", "told lately", "dropped lately", "seen", "held", "new", "linked"}
    assert set(Change.objects.values_list("path", flat=True)) == left
