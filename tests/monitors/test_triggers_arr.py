"""Sonarr and its kin: the shapes and traps that no sample shows."""

from __future__ import annotations

from typing import Any

import pytest

from monitors.triggers import Rejected
from tests.monitors.hooking import read, said

SHOW = {"path": "/tv/Show"}


def sonarr(event: str, /, **body: Any) -> list[str]:
    return said(read("sonarr", {"eventType": event, "series": SHOW, **body}))


@pytest.mark.parametrize(
    "event",
    [
        *("Test", "Grab", "Health", "HealthRestored", "HealthIssue", "ApplicationUpdate", "ManualInteractionRequired"),
        *("SeriesAdd", "MovieAdded", "ArtistAdd", "AlbumAdded", "AuthorAdded", "DownloadFailure", "ImportFailure"),
        *("test", "GRAB", "DownloadFailed"),
    ],
)
def test_it_queues_nothing_for_events_without_a_change(event: str) -> None:
    parsed = read("sonarr", {"eventType": event, "series": SHOW, "episodeFile": {"relativePath": "a.mkv"}})
    assert (parsed.notices, parsed.code) == ((), "call_event_without_change")


def test_it_records_events_that_it_does_not_know() -> None:
    parsed = read("sonarr", {"eventType": "Frobnicate", "series": SHOW})
    assert (parsed.notices, parsed.code, parsed.event) == ((), "call_event_unknown", "Frobnicate")


@pytest.mark.parametrize(
    "event", ["Download", "EpisodeDownload", "AlbumDownload", "ImportComplete", "Upgrade", "import"]
)
def test_it_follows_imports_under_every_name(event: str) -> None:
    assert sonarr(event, episodeFile={"relativePath": "S01/a.mkv"}) == ["+/tv/Show/S01/a.mkv"]


def test_it_never_follows_where_a_file_was_downloaded_to() -> None:
    file = {"path": "/downloads/x/a.mkv", "sourcePath": "/downloads/x/a.mkv"}
    assert sonarr("Download", episodeFile=file | {"relativePath": "a.mkv"}) == ["+/tv/Show/a.mkv"]
    assert sonarr("Download", episodeFile=file, sourcePath="/downloads/x") == ["+/tv/Show"]
    assert sonarr("Download", episodeFile={"path": "/tv/Show/a.mkv"}) == ["+/tv/Show/a.mkv"]
    assert sonarr("Download", sourcePath="/downloads/x", destinationPath="/tv/Show/S01") == ["+/tv/Show/S01"]


def test_it_takes_the_whole_path_when_no_folder_is_named() -> None:
    body = {"eventType": "Download", "episodeFile": {"relativePath": "a.mkv", "path": "/tv/Show/a.mkv"}}
    assert said(read("sonarr", body)) == ["+/tv/Show/a.mkv"]


def test_it_says_the_same_file_once() -> None:
    one, many = {"relativePath": "a.mkv"}, [{"relativePath": "a.mkv"}, {"relativePath": "b.mkv"}]
    assert sonarr("Download", episodeFile=one, episodeFiles=many) == ["+/tv/Show/a.mkv", "+/tv/Show/b.mkv"]


def test_it_groups_both_halves_of_a_rename() -> None:
    files = [
        {"previousPath": "/tv/Old/a.mkv", "relativePath": "b.mkv"},
        {"previousRelativePath": "c.mkv", "relativePath": "d.mkv"},
        {"previousPath": "/tv/Show/same.mkv", "relativePath": "same.mkv"},
        {"relativePath": "new.mkv"},
    ]
    parsed = read("sonarr", {"eventType": "Rename", "series": SHOW, "renamedEpisodeFiles": files})
    assert said(parsed) == [
        *("-/tv/Old/a.mkv", "+/tv/Show/b.mkv", "-/tv/Show/c.mkv", "+/tv/Show/d.mkv"),
        *("+/tv/Show/same.mkv", "+/tv/Show/new.mkv"),
    ]
    groups = [notice.group for notice in parsed.notices]
    assert len(set(groups[:5])) == 1 and groups[0] and not groups[5]
    assert sonarr("Rename") == ["+/tv/Show"]


@pytest.mark.parametrize(("kept", "said"), [(True, ["-/tv/Show"]), (None, ["-/tv/Show"]), (False, []), ("false", [])])
def test_it_believes_that_files_were_kept(kept: Any, said: list[str]) -> None:
    assert sonarr("SeriesDelete", deletedFiles=kept) == said


def test_it_ignores_a_series_that_was_only_forgotten() -> None:
    parsed = read("sonarr", {"eventType": "SeriesDelete", "series": {"title": "Show"}})
    assert (parsed.notices, parsed.code) == ((), "call_no_path")


@pytest.mark.parametrize(
    ("reason", "distrusted"), [("missingFromDisk", True), ("MissingFromDisk", True), ("upgrade", False), (None, False)]
)
def test_it_distrusts_what_the_sender_only_misses(reason: Any, distrusted: bool) -> None:
    body = {"eventType": "EpisodeFileDelete", "series": SHOW, "episodeFile": {"relativePath": "a.mkv"}}
    (notice,) = read("sonarr", body | {"deleteReason": reason}).notices
    assert (notice.change, notice.path, notice.distrusted) == ("delete", "/tv/Show/a.mkv", distrusted)


def test_it_reads_sportarr_and_whisparr() -> None:
    assert sonarr("EpisodeFileDelete", deletedFiles=[{"relativePath": "a.mkv"}]) == ["-/tv/Show/a.mkv"]
    scene = {"eventType": "Download", "movie": {"folderPath": "/x/Scene"}, "movieFile": {"relativePath": "a.mp4"}}
    assert said(read("sonarr", scene)) == ["+/x/Scene/a.mp4"]
    assert said(read("radarr", {"eventType": "MovieFileDeleted", **scene} | {"eventType": "MovieFileDeleted"})) == [
        "-/x/Scene/a.mp4"
    ]


def test_it_reads_lidarr_and_readarr() -> None:
    artist = {"artist": {"path": "/music/A"}}
    track = {"path": "/elsewhere/A/1.flac"}  # real, also where it does not lie below the artist
    assert said(read("lidarr", {"eventType": "Download", **artist, "trackFiles": [track]})) == ["+/elsewhere/A/1.flac"]
    assert said(read("lidarr", {"eventType": "TrackRetag", **artist, "trackFile": track})) == ["+/elsewhere/A/1.flac"]
    assert said(read("lidarr", {"eventType": "AlbumDelete", **artist, "deletedFiles": True})) == ["+/music/A"]
    assert said(read("lidarr", {"eventType": "AlbumDelete", **artist, "deletedFiles": False})) == []
    assert said(read("lidarr", {"eventType": "ArtistDelete", **artist})) == ["-/music/A"]
    author = {"author": {"path": "/books/B"}, "bookFile": {"path": "/books/B/b.epub"}}
    assert said(read("readarr", {"eventType": "BookFileDelete", **author})) == ["-/books/B/b.epub"]


def test_it_reads_paths_of_windows() -> None:
    body = {
        "eventType": "Download",
        "series": {"path": "D:\\TV\\Show\\"},
        "episodeFile": {"relativePath": "S 1\\a.mkv"},
    }
    assert said(read("sonarr", body)) == ["+D:\\TV\\Show\\S 1\\a.mkv"]
    share = {"eventType": "Rename", "movie": {"folderPath": "\\\\nas\\films\\M"}}
    assert said(read("radarr", share)) == ["+\\\\nas\\films\\M"]


def test_it_writes_paths_in_one_way() -> None:
    file = {"relativePath": "./S01//a.mkv"}
    assert said(read("sonarr", {"eventType": "Download", "series": {"path": "/tv//Show/"}, "episodeFile": file})) == [
        "+/tv/Show/S01/a.mkv"
    ]
    assert sonarr("Download", episodeFile={"relativePath": "../Other/a.mkv"}) == ["+/tv/Other/a.mkv"]


def test_it_leaves_out_what_is_no_path_and_says_so() -> None:
    files = [{"relativePath": "a.mkv"}, {"relativePath": "b\0.mkv"}, {"relativePath": "\ud800.mkv"}, None, 7, "x", {}]
    parsed = read("sonarr", {"eventType": "Download", "series": SHOW, "episodeFiles": files})
    assert said(parsed) == ["+/tv/Show/a.mkv"]
    assert (parsed.code, parsed.params) == ("call_some_bad_paths", {"bad": 2})


@pytest.mark.parametrize("folder", [None, 7, "", "relative/path", ["/tv"], {"a": 1}, "/" + "x" * 5000, "/a\0b"])
def test_it_rejects_what_names_no_path(folder: Any) -> None:
    with pytest.raises(Rejected, match="call_no_path"):
        read("sonarr", {"eventType": "Download", "series": {"path": folder}})


@pytest.mark.parametrize("body", [[], 7, None, {}, {"eventType": None}, {"eventType": ["Download"]}])
def test_it_rejects_what_says_no_event(body: Any) -> None:
    with pytest.raises(Rejected, match=r"call_no_event|call_not_an_object"):
        read("sonarr", body)
