"""Bulk writes: the same on SQLite and PostgreSQL (whichever the tests run on)."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from django.db import connection, transaction

from monitors import snapshot
from monitors.bulk import store
from monitors.models import Change, Directory, File, Root

pytestmark = pytest.mark.django_db

NAMES = ["plain", "tab\tnew\nline\rback\\slash\\N", "'\"%s%%", "\U0010dcff", "流浪地球", "é" * 120, " ", "\x01\x7f"]
NOW = dt.datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=dt.UTC)


@pytest.fixture
def root(tmp_path: Path) -> Root:
    return Root.objects.create(name="films", path=str(tmp_path))


def test_ids_are_given_once(root: Root) -> None:
    bulk = store()
    with transaction.atomic():
        first, second = bulk.reserve(10), bulk.reserve(5)
    assert second == first + 10
    made = Directory.objects.create(root=root, path="by hand")
    assert made.pk >= second + 5
    assert bulk.reserve(1) > made.pk


@pytest.mark.parametrize("count", [1, 99, 100, 101, 250])
def test_any_number_of_rows_goes_in(root: Root, count: int) -> None:
    bulk = store()
    with transaction.atomic():
        first = bulk.reserve(count)
        bulk.insert_directories(
            [(first + n, root.pk, first or None, f"d{n}", 2**62, -(2**63), 7, n % 2 == 0, "") for n in range(count)]
        )
        flat = [value for n in range(count) for value in (first, f"f{n}", 2**63 - 1, -n, None if n % 2 else -(2**62))]
        bulk.insert_files(flat)
        bulk.insert_changes(
            [
                (root.pk, None, "added", "new", False, f"d/f{n}", "", 2**40, 1, "", NOW + dt.timedelta(seconds=n))
                for n in range(count)
            ]
        )
    assert Directory.objects.filter(dirty=True).count() == (count + 1) // 2
    row = Directory.objects.get(pk=first)
    assert (row.mtime_ns, row.signature, row.listed_at, row.dirty) == (2**62, -(2**63), 7, True)
    assert File.objects.filter(directory_id=first).count() == count
    assert snapshot.files([first])[first]["f0"] == (2**63 - 1, 0, -(2**62))
    assert Change.objects.get(path="d/f0").seen_at == NOW
    assert (Change.objects.count(), Change.objects.filter(told_at=None, settled_at=None).count()) == (count, count)


def test_any_name_goes_in_and_can_be_updated(root: Root) -> None:
    bulk = store()
    with transaction.atomic():
        first = bulk.reserve(len(NAMES))
        bulk.insert_directories([(first + n, root.pk, None, name, 1, 2, 3, True, "") for n, name in enumerate(NAMES)])
        bulk.insert_files([value for name in NAMES for value in (first, name, 1, 2, 3)])
        bulk.insert_changes([(root.pk, 9, "added", "new", False, name, name, 1, 1, "", NOW) for name in NAMES])
    with transaction.atomic():
        bulk.update_files([(first, name, 4, 5, None) for name in NAMES])
        bulk.update_directories([(first + n, 4, 5, 6, False, "io_error") for n in range(len(NAMES))])
        bulk.update_files([])
        bulk.update_directories([])
    assert snapshot.files([first])[first] == dict.fromkeys(NAMES, (4, 5, None))
    found = Directory.objects.order_by("pk").values_list("path", "mtime_ns", "signature", "listed_at", "dirty", "error")
    assert list(found) == [(name, 4, 5, 6, False, "io_error") for name in NAMES]
    assert set(Change.objects.values_list("path", "old_path")) == {(name, name) for name in NAMES}


def test_reading_in_chunks_meets_every_folder_once(root: Root, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot, "CHUNK", 7)
    paths = ["", *(f"{n}" for n in range(9)), *(f"{n}/{m}" for n in range(9) for m in "aB_é流 -"), "1 /x", "1/a/deep"]
    rows = [Directory(root=root, path=path) for path in paths]
    Directory.objects.bulk_create(rows)
    met = [known[1].decode() for chunk, _ in snapshot.known(root.pk) for known in chunk]
    assert sorted(met) == sorted(paths)
    _, after = next(iter(snapshot.known(root.pk)))
    rest = [known[1].decode() for chunk, _ in snapshot.known(root.pk, after) for known in chunk]
    assert rest == met[7:]


def test_everything_below_is_met_once(root: Root) -> None:
    top = Directory.objects.create(root=root, path="")
    middle = Directory.objects.create(root=root, path="a", parent_id=top.pk)
    Directory.objects.create(root=root, path="b", parent_id=top.pk)
    Directory.objects.create(root=root, path="a/c", parent_id=middle.pk)
    found = [known[1] for chunk in snapshot.below([top.pk, middle.pk]) for known in chunk]
    assert sorted(found) == [b"", b"a", b"a/c", b"b"]
    assert list(snapshot.below([])) == []


def test_files_are_kept_in_the_tree_of_their_key(root: Root) -> None:
    with connection.cursor() as cursor:
        columns = {column.name for column in connection.introspection.get_table_description(cursor, "monitors_file")}
        keys = connection.introspection.get_primary_key_columns(cursor, "monitors_file")
    assert columns == {field.column for field in File._meta.concrete_fields}
    assert keys == ["directory_id", "name"]
    if connection.vendor == "sqlite":
        (sql,) = snapshot.rows("SELECT sql FROM sqlite_master WHERE name = 'monitors_file'")
        assert sql[0].endswith("WITHOUT ROWID")
