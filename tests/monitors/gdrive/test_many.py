"""Many at once: statements grow with pages and levels, not with items."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from monitors.feeds.drive_changes import DriveChanges
from monitors.models import Account, DriveItem, Hint, Root
from tests.fakes.gdrive import FakeDrive

from .conftest import Bench


@pytest.mark.slow
def test_it_follows_ten_thousand_changes_in_few_statements(
    fake: FakeDrive, account: Account, make_root: Callable[..., Root]
) -> None:
    fake.tree.mirror = None
    tv = fake.tree.folder("TV")
    seasons = [fake.tree.folder("S01", fake.tree.folder(f"Show {number}", tv)) for number in range(100)]
    bench = Bench(DriveChanges(account, [make_root("TV")]))
    bench.turn()
    files = [fake.tree.add(f"e{number}.mkv", seasons[number % 100]) for number in range(10_000)]
    with CaptureQueriesContext(
        connection,
    ) as added:
        bench.turn()
    assert DriveItem.objects.count() == 10_201 and Hint.objects.count() == 10_000
    for ident in files:
        fake.tree.move(ident, tv)
    with CaptureQueriesContext(connection) as moved:
        bench.turn()
    assert DriveItem.objects.filter(parent=tv).count() == 10_100
    fake.tree.trash(tv)
    with CaptureQueriesContext(connection) as gone:
        bench.turn()
    assert not DriveItem.objects.exists()
    assert len(added) < 400 and len(moved) < 400 and len(gone) < 120
