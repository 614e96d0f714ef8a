"""Whatever a folder holds, and whatever happens meanwhile: nothing referenced is lost, and the way back is exact.

The folders are those of the plan's property. Between the plan and its end values move to other pictures, addresses fail
and files change; in the midst of the renames somebody chooses a picture that is just being put away.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cleanup import apply_signals, services
from cleanup.apply_verify import Verify
from cleanup.asking import Answer
from cleanup.models import PlexFolder, Run
from cleanup.plexdata import layout
from cleanup.plexdata.pms import Signs
from cleanup.plexdata.safe import Root
from mediasync.jobs.drain import drain
from tests.cleanup.plexfolder.builder import PlexBuilder
from tests.cleanup.test_plan_property import COLUMNS, KINDS, build, choice, picture

from .world import POLICY, ask, tree_of, write

meanwhile = st.lists(
    st.tuples(st.sampled_from(["value", "value", "empty", "file", "hash"]), st.integers(0, 5), st.integers(0, 5)),
    max_size=3,
)


class Web:
    """Fails for one address in three, if it is told to."""

    def __init__(self, fails: bool) -> None:
        self.fails = fails

    def ask(self, url: str, **_how: Any) -> Answer:
        ok = not (self.fails and url.endswith("1.jpg"))
        return Answer(ok, "" if ok else "url_status", 206 if ok else 404, "image/jpeg", 5000)


def readable(plex: PlexBuilder) -> set[tuple[str, int, str, str]]:
    """Return (table, row, column, value) of all values whose file can be read now."""
    found = set()
    family = {
        row[0]: (row[1], row[2]) for row in ask(plex.database, "SELECT id, parent_id, hash FROM metadata_items")[1]
    }
    for column in COLUMNS:
        for item, value in ask(plex.database, f"SELECT id, user_{column}_url FROM metadata_items")[1]:
            bundles, at = [], item
            while at in family:
                at, digest = family[at]
                bundles.append(digest)
            if value and _file(plex.path, value, bundles):
                found.add(("item", item, column, value))
    every = [digest for _parent, digest in family.values()]
    for number, value in ask(plex.database, "SELECT id, user_thumb_url FROM tags")[1]:
        if value and _file(plex.path, value, every):
            found.add(("tag", number, "thumb", value))
    return found


def possible(plex: PlexBuilder, offered: list[str]) -> set[tuple[str, int, str, str]]:
    """Return, as ``readable`` does, all values that somebody could choose while the files are there."""
    rows = ask(plex.database, "SELECT id, parent_id, hash FROM metadata_items")[1]
    family = {row[0]: (row[1], row[2]) for row in rows}
    found = set()
    for item in family:
        bundles, at = [], item
        while at in family:
            at, digest = family[at]
            bundles.append(digest)
        good = {value for value in offered if _file(plex.path, value, bundles)}
        found |= {("item", item, column, value) for value in good for column in COLUMNS}
    return found


def _file(root: Path, value: str, bundles: list[str | None]) -> bool:
    scheme, _, rel = value.partition("://")
    if scheme == "media":
        return (root / layout.MEDIA / rel).is_file()
    below = {"metadata": layout.COMBINED, "upload": layout.UPLOADS}.get(scheme)
    folders = [layout.bundle_path("Metadata", folder, each) for each in bundles if each for folder in layout.TYPES]
    return below is not None and any((root / folder / below / rel).is_file() for folder in folders)


def values(plex: PlexBuilder) -> list[Any]:
    names = ", ".join(f"user_{column}_url" for column in COLUMNS)
    return ask(plex.database, f"SELECT id, {names} FROM metadata_items ORDER BY id")[1]


def disturb(plex: PlexBuilder, items: list[Any], offered: list[str], what: str, one: int, two: int) -> None:
    """Do what Plex, or a person, may do at any time."""
    item = items[one % len(items)].id
    column = f"user_{COLUMNS[two % len(COLUMNS)]}_url"
    if what == "value" and offered:
        write(plex.database, f"UPDATE metadata_items SET {column}=? WHERE id=?", offered[two % len(offered)], item)
    elif what == "empty":
        write(plex.database, f"UPDATE metadata_items SET {column}='' WHERE id=?", item)
    elif what == "hash":
        orphans = sorted((plex.path / "Metadata").glob("*/?/*.bundle"))
        if orphans:
            bundle = orphans[two % len(orphans)]
            write(plex.database, "UPDATE metadata_items SET hash=? WHERE id=?", bundle.parent.name + bundle.stem, item)
    elif what == "file":
        files = [
            path for path in sorted((plex.path / "Metadata").rglob("*")) if path.is_file() and not path.is_symlink()
        ]
        if files:
            files[two % len(files)].write_bytes(b"other content")


@pytest.fixture
def quiet(monkeypatch: pytest.MonkeyPatch, db: None) -> Iterator[pytest.MonkeyPatch]:
    monkeypatch.setattr(apply_signals, "look", lambda folder, database, now: Signs(True, ("identity",), True))
    yield monkeypatch


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
@given(
    kinds=st.lists(st.sampled_from(KINDS), min_size=1, max_size=3),
    pictures=st.lists(picture, min_size=1, max_size=6),
    choices=st.lists(choice, max_size=6),
    before=meanwhile,
    amid=st.none() | st.tuples(st.integers(1, 4), st.integers(0, 5), st.integers(0, 5)),
    fails=st.booleans(),
    end=st.sampled_from(["restore", "restore", "purge"]),
)
def test_nothing_referenced_is_lost_and_the_way_back_is_exact(
    quiet: pytest.MonkeyPatch,
    kinds: list[int],
    pictures: list[Any],
    choices: list[Any],
    before: list[tuple[str, int, int]],
    amid: tuple[int, int, int] | None,
    fails: bool,
    end: str,
) -> None:
    quiet.setattr(Verify, "asker", lambda self, scene: Web(fails))
    with tempfile.TemporaryDirectory(prefix="apply-property-") as scratch, transaction.atomic():
        plex = PlexBuilder(Path(scratch) / "plex")
        items, offered = build(plex, kinds, pictures)
        offered = [value for value in offered if value]
        for owner, column, number, where in choices:
            value = offered[number % len(offered)] if offered else "metadata://posters/none"
            if where == "tag":
                plex.row("tags", tag="x", tag_type=6, user_thumb_url=value)
            else:
                plex.set(items[owner % len(items)], **{column: value})
        plex.item(18, "What makes the database one that is believed", thumb="https://images.example/1.jpg")
        plex.section("All", 1, _mounted(Path(scratch)))
        plex.finish()
        policy = POLICY | {
            "columns": ["thumb", "music", "art"],
            "shrink": 1.0,
            "unproven": True,
            "locked": True,
            "live_writes": True,
        }
        folder = PlexFolder.objects.create(
            name=scratch, path=str(plex.path), policy=policy | {"upload_newest": 0, "upload_days": 0}
        )
        run = _planned(folder)
        if run is not None:
            for each in before:
                disturb(plex, items, offered, *each)
            _through(quiet, plex, run, (items, offered, amid), end)
        transaction.set_rollback(True)


def _mounted(scratch: Path) -> Path:
    (scratch / "media").mkdir()
    (scratch / "media" / "film.mkv").write_text("x")
    return scratch / "media"


def _planned(folder: PlexFolder) -> Run | None:
    started = services.plan(folder, ["all"])
    assert drain(started.job.pk).state == "completed"
    run = Run.objects.get(pk=started.run.pk)
    assert run.state == "planned", (run.reason, run.facts.get("why"))
    return services.accept(run, files_typed=run.facts["sums"]["files"], actor="test")


def _through(quiet: pytest.MonkeyPatch, plex: PlexBuilder, run: Run, amid: tuple[Any, Any, Any], end: str) -> None:
    items, offered, when = amid
    tree, stored, could = tree_of(plex.path), values(plex), readable(plex) | possible(plex, offered)
    original, renames = Root.rename, [0]

    def rename(self: Root, rel: str, other: Root, to: str) -> None:
        original(self, rel, other, to)
        renames[0] += 1
        if when is not None and renames[0] == when[0]:
            disturb(plex, items, offered, "value", when[1], when[2])

    with quiet.context() as patch:
        patch.setattr(Root, "rename", rename)
        job = drain(services.apply(run).job.pk)
    assert job.state in ("completed", "failed"), job.reason_code
    if job.state == "failed":
        assert job.reason_code in ("plex_index_empty", "cleanup_lost_much")
        return
    disturbed = when is not None and renames[0] >= when[0]
    _nothing_is_lost(plex, could)
    if end == "purge":
        drain(services.purge(Run.objects.get(pk=run.pk)).job.pk)
        _nothing_is_lost(plex, could)
        return
    drain(services.restore(Run.objects.get(pk=run.pk)).job.pk)
    assert tree_of(plex.path) == tree
    if not disturbed:
        assert values(plex) == stored
    _nothing_is_lost(plex, could)


def _nothing_is_lost(plex: PlexBuilder, could: set[tuple[str, int, str, str]]) -> None:
    """See that what could be read can be read, or is a web address now; as far as the value was not taken away."""
    current = {
        (kind, row[0], column, row[1])
        for kind, table, columns in (("item", "metadata_items", COLUMNS), ("tag", "tags", ("thumb",)))
        for column in columns
        for row in ask(plex.database, f"SELECT id, user_{column}_url FROM {table}")[1]
    }
    gone = (could & current) - readable(plex)
    assert not gone, "columns name files that are gone"
