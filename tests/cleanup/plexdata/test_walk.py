"""The walk sees all of a bundle, nothing outside of it, and says what it did not look at."""

from __future__ import annotations

import os
import shutil
import socket
from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cleanup.apply_trees import mark_of
from cleanup.plexdata import layout, places, walk
from cleanup.plexdata.entries import Entry, of_stat, same
from cleanup.plexdata.safe import Root
from mediasync.core import paths
from tests.cleanup.plexfolder import sample as samples
from tests.cleanup.plexfolder.builder import PlexBuilder


@pytest.fixture
def sample(tmp_path: Path) -> samples.Sample:
    return samples.make(tmp_path)


NAMES = st.binary(min_size=1, max_size=60).filter(lambda name: name not in (b".", b"..") and not {0, 47} & {*name})


def everything(root: Path) -> tuple[list[walk.Bundle], dict[str, str]]:
    data, found, foreign = places.resolve(paths.to_text(os.fsencode(root))), [], {}
    for part, folders in ((layout.METADATA, walk.type_folders(data)), (layout.MEDIA, [""])):
        for folder in folders:
            for prefix in walk.prefixes(data, part, folder, foreign.__setitem__):
                found += walk.bundles(data, part, folder, prefix, foreign.__setitem__)
    return found, foreign


def test_it_names_the_bundles_before_it_looks_into_them(sample: samples.Sample) -> None:
    data = places.resolve(str(sample.folder))
    number = 0
    for part, folder in ((layout.METADATA, "Movies"), (layout.METADATA, "TV Shows"), (layout.MEDIA, "")):
        for prefix in walk.prefixes(data, part, folder):
            there = walk.hashes(data, part, folder, prefix)
            assert {bundle.hash for bundle in walk.bundles(data, part, folder, prefix)} <= set(there)
            number += len(there)
    assert number > 5
    assert walk.hashes(data, layout.METADATA, "Photos", "0") == []
    linked = layout.place_of(f"{sample.paths['linked prefix']}/{'a' * 39}.bundle")
    assert linked and walk.hashes(data, linked.part, linked.folder, linked.bundle[0]) == []


def test_it_sees_all_that_lies_in_bundles_and_nothing_else(sample: samples.Sample) -> None:
    found, foreign = everything(sample.folder)
    seen = {entry.path for bundle in found for entry in bundle.entries}
    expected = set()
    for folder, folders, names in os.walk(sample.folder):
        for name in [*folders, *names]:
            path = os.path.relpath(os.path.join(folder, name), sample.folder)
            place = layout.place_of(path)
            if place and place.rel:
                expected.add(path)
    assert seen == expected
    assert all(bundle.complete for bundle in found)
    for name in ("foreign file", "foreign in prefix"):
        assert foreign[sample.paths[name]] == "name"
    assert foreign["Metadata/Movies/zz"] == foreign["Metadata/Movies/..."] == "name"
    assert foreign[sample.paths["linked bundle"]] == foreign[sample.paths["linked prefix"]] == "link"
    assert any(path.endswith(f"{'A' * 39}.bundle") for path in foreign)
    assert not any("Home Videos" in path or "precious" in path for path in seen)


def test_each_entry_is_what_lstat_says(sample: samples.Sample) -> None:
    found, _ = everything(sample.folder)
    entries = [entry for bundle in found for entry in bundle.entries]
    for entry in entries:
        path = sample.folder / entry.path
        target = os.readlink(path) if path.is_symlink() else ""
        assert entry == of_stat(entry.path, os.lstat(path), target)
        assert isinstance(entry, Entry)
    assert {entry.kind for entry in entries} == {"file", "link", "folder"}
    hard = [entry for entry in entries if entry.path == sample.legacy["hard"].link]
    assert hard[0].nlink == 2


def test_folders_come_before_what_is_in_them(sample: samples.Sample) -> None:
    for bundle in everything(sample.folder)[0]:
        seen = {bundle.path}
        for entry in bundle.entries:
            assert entry.path.rpartition("/")[0] in seen
            seen.add(entry.path)


def test_it_tells_pipes_and_sockets(sample: samples.Sample) -> None:
    film = sample.items["film"].bundle
    os.mkfifo(sample.folder / film / "pipe")
    here = os.getcwd()
    os.chdir(sample.folder / film)
    try:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind("socket")
    finally:
        os.chdir(here)
    found, foreign = everything(sample.folder)
    assert foreign[f"{film}/pipe"] == foreign[f"{film}/socket"] == "kind"
    kinds = {entry.path: entry.kind for bundle in found for entry in bundle.entries}
    assert kinds[f"{film}/pipe"] == kinds[f"{film}/socket"] == "other"


def test_what_is_too_deep_is_not_taken_for_empty(sample: samples.Sample) -> None:
    film = sample.items["film"]
    (sample.folder / film.bundle / "/".join(["d"] * 45)).mkdir(parents=True)
    found, foreign = everything(sample.folder)
    assert "deep" in foreign.values()
    assert [bundle.hash for bundle in found if not bundle.complete] == [film.hash]


def test_what_cannot_be_read_is_not_taken_for_empty(sample: samples.Sample, monkeypatch: pytest.MonkeyPatch) -> None:
    film = sample.items["film"]
    bundle = os.stat(sample.folder / film.bundle).st_ino
    real = os.open

    def refusing(path: str | bytes, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        """Refuse as the kernel would, also to root."""
        if os.fsdecode(path) == "Contents" and dir_fd is not None and os.stat(dir_fd).st_ino == bundle:
            raise PermissionError(13, "Permission denied")
        return real(path, flags, mode, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", refusing)
    found, foreign = everything(sample.folder)
    assert foreign[f"{film.bundle}/Contents"] == "unreadable"
    assert [bundle.hash for bundle in found if not bundle.complete] == [film.hash]


def test_names_that_are_no_text_come_back_as_they_were(sample: samples.Sample) -> None:
    film = sample.items["film"]
    strange = os.fsencode(sample.folder / film.bundle) + b"/Contents/\xff\n\xf4"
    with open(strange, "w") as file:
        file.write("x")
    [bundle] = [each for each in everything(sample.folder)[0] if each.hash == film.hash]
    named = [entry.path for entry in bundle.entries if entry.path.endswith("\U0010dcf4")]
    assert [os.fsencode(sample.folder) + b"/" + paths.to_bytes(path) for path in named] == [strange]


@pytest.mark.parametrize(
    ("part", "folder", "prefix"),
    [
        ("Metadata", "Movies", ".."),
        ("Metadata", "Movies", "zz"),
        ("Metadata", "Movies", "a\n"),
        ("Metadata", "Movies", ""),
        ("Metadata", "..", "a"),
        ("Metadata", "", "a"),
        ("Media/localhost", "Movies", "a"),
        ("Cache", "Movies", "a"),
    ],
)
def test_it_walks_no_other_folder(part: str, folder: str, prefix: str, sample: samples.Sample) -> None:
    data = places.resolve(str(sample.folder))
    with pytest.raises(ValueError, match="not a prefix folder"):
        list(walk.bundles(data, part, folder, prefix))


def test_a_folder_that_was_swapped_for_a_link_is_not_entered(sample: samples.Sample) -> None:
    data = places.resolve(str(sample.folder))
    prefix = sample.items["film"].hash[0]
    shutil.rmtree(sample.folder / "Metadata/Movies" / prefix)
    (sample.folder / "Metadata/Movies" / prefix).symlink_to(sample.outside)
    foreign: dict[str, str] = {}
    assert list(walk.bundles(data, layout.METADATA, "Movies", prefix, foreign.__setitem__)) == []
    assert foreign == {f"Metadata/Movies/{prefix}": "link"}


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(names=st.lists(NAMES))
def test_any_name_where_bundles_lie_is_foreign_or_a_bundle(names: list[bytes], tmp_path: Path) -> None:
    root = tmp_path / "any"
    shutil.rmtree(root, ignore_errors=True)
    prefix = root / "Metadata/Movies/a"
    prefix.mkdir(parents=True)
    for name in names:
        os.makedirs(os.fsencode(prefix) + b"/" + name, exist_ok=True)
    data = places.Data(paths.to_text(os.fsencode(root)), "", "")
    foreign: dict[str, str] = {}
    found = list(walk.bundles(data, layout.METADATA, "Movies", "a", foreign.__setitem__))
    assert len(found) + len(foreign) == len(set(names))
    assert all(layout.place_of(bundle.path) for bundle in found)


def test_the_same_thing_is_told_from_a_changed_one(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1")
    one = of_stat("a", os.lstat(tmp_path / "a"))
    os.link(tmp_path / "a", tmp_path / "b")
    assert same(one, of_stat("b", os.lstat(tmp_path / "b")))
    os.utime(tmp_path / "a", ns=(0, 0))
    assert not same(one, of_stat("a", os.lstat(tmp_path / "a")))


def test_files_that_surely_stay_are_counted_and_nothing_else_is_passed_over(tmp_path: Path) -> None:
    digest = "a" + "1" * 39
    contents = tmp_path / layout.bundle_path(layout.MEDIA, "", digest) / "Contents"
    for name in ("Thumbnails/thumb1.jpg", "Chapters/chapter1.jpg", "Chapters/chapter2.jpg", "Chapters/deep/one.jpg"):
        (contents / name).parent.mkdir(parents=True, exist_ok=True)
        (contents / name).write_bytes(bytes(9000))
    (contents / "Chapters/link").symlink_to("../Thumbnails/thumb1.jpg")
    (contents / "Thumbnails/Chapters").mkdir()
    (contents / "Thumbnails/Chapters/chapter1.jpg").touch()
    data = places.Data(str(tmp_path), "", "")
    (whole,) = walk.bundles(data, layout.MEDIA, "", "a")
    (brief,) = walk.bundles(data, layout.MEDIA, "", "a", known=digest.__eq__)
    (unknown,) = walk.bundles(data, layout.MEDIA, "", "a", known=lambda _: False)
    left_out = {entry.path.removeprefix(f"{whole.path}/") for entry in {*whole.entries} - {*brief.entries}}
    assert left_out == {"Contents/Chapters/chapter1.jpg", "Contents/Chapters/chapter2.jpg"}
    assert brief.spared == {"Contents/Chapters": 2}
    assert brief.spared_blocks == sum(each.blocks for each in {*whole.entries} - {*brief.entries})
    assert unknown == whole and not whole.spared
    digest = digest.replace("1", "2")
    film = tmp_path / layout.bundle_path(layout.METADATA, "Movies", digest) / "Contents/Chapters"
    film.mkdir(parents=True)
    (film / "chapter1.jpg").touch()
    (bundle,) = walk.bundles(data, layout.METADATA, "Movies", "a", known=lambda _: True)
    assert any(entry.path.endswith("chapter1.jpg") for entry in bundle.entries)


def _note(to: list[tuple[str, str]], path: str, why: str) -> None:
    to.append((path, why))


def test_a_bundle_with_a_mount_in_it_is_not_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``mount --bind`` of a folder of the same disk: no device number tells it, and a bundle put away would take it."""
    plex = PlexBuilder(tmp_path / "Plex \\ Media Server")
    film = plex.item(1, "Film")
    plex.file(f"{film.bundle}/Contents/_combined/posters/x")
    data = places.resolve(str(plex.finish()))
    table = plex.path.parent / "mountinfo"
    place = f"{data.root}/{film.bundle}/Contents/_combined"
    monkeypatch.setattr(walk.mounts_below, "__defaults__", (table,))
    for mounted, whole in ((place, False), (data.root, True), (f"{data.root}/Metadata", True), (f"{place}x", False)):
        escaped = mounted.replace("\\", "\\134").replace(" ", "\\040")
        table.write_text(f"22 1 0:21 / {escaped} rw shared:1 - ext4 /dev/sda rw\n")
        foreign: list[tuple[str, str]] = []
        note = partial(_note, foreign)
        [bundle] = walk.bundles(data, layout.METADATA, "Movies", film.hash[0], note)
        assert bundle.complete is whole and (foreign == []) is whole
        with Root(data.root) as root:
            assert bool(mark_of(root, film.bundle)) is whole
    table.unlink()
    assert walk.mounts_below(data.root) == []
