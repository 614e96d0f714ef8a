"""Bodies as each version of Sonarr and its kin writes them (facts: WebhookBase.cs, autopulse's tests)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.monitors.hooking import read, said

WHO = {"instanceName": "Arr", "applicationUrl": "http://arr:1"}
SERIES = {"id": 7, "title": "Show", "titleSlug": "show", "path": "/tv/Show (2020)", "tvdbId": 1, "type": "standard"}
S1 = "/tv/Show (2020)/Season 01"
EPISODE = {"id": 3, "episodeNumber": 1, "seasonNumber": 1, "title": "Pilot"}
QUALITY = {"quality": "WEBDL-1080p", "qualityVersion": 1, "size": 5, "sceneName": "Show.S01E01"}
MOVIE = {"id": 9, "title": "Film", "year": 2021, "folderPath": "/films/Film (2021)", "tmdbId": 1}
FILM = "/films/Film (2021)"
ARTIST = {"id": 2, "name": "Band", "path": "/music/Band", "mbId": "x"}
AUTHOR = {"id": 4, "name": "Ann", "path": "/books/Ann", "goodreadsId": "1"}
BAND, ANN = "/music/Band", "/books/Ann"


def episode(name: str, **more: Any) -> dict[str, Any]:
    return {"id": 5, "relativePath": f"Season 01/{name}", **QUALITY, **more}


def film(name: str, **more: Any) -> dict[str, Any]:
    return {"id": 6, "relativePath": name, **QUALITY, **more}


ARRS: dict[str, tuple[str, dict[str, Any], list[str]]] = {
    "sonarr 2 download": (
        "sonarr",
        {
            "eventType": "Download",
            "series": {"id": 7, "title": "Show", "path": "/tv/Show (2020)", "tvdbId": 1},
            "episodes": [EPISODE],
            "episodeFile": episode("a.mkv", path="/downloads/tv/x/a.mkv"),
            "isUpgrade": False,
        },
        [f"+{S1}/a.mkv"],
    ),
    "sonarr 2 rename": ("sonarr", {"eventType": "Rename", "series": SERIES}, ["+/tv/Show (2020)"]),
    "sonarr 3 upgrade": (
        "sonarr",
        {
            "eventType": "Download",
            "series": SERIES,
            "episodeFile": episode("b.mkv", path="/downloads/b.mkv"),
            "isUpgrade": True,
            "deletedFiles": [episode("a.mkv", path=f"{S1}/a.mkv")],
        },
        [f"+{S1}/b.mkv", f"-{S1}/a.mkv"],
    ),
    "sonarr 4 upgrade in place, old file in the recycle bin": (
        "sonarr",
        {
            "eventType": "Download",
            "series": SERIES,
            "episodeFile": episode("a.mkv", path=f"{S1}/a.mkv", sourcePath="/downloads/x/a.mkv"),
            "isUpgrade": True,
            "deletedFiles": [episode("a.mkv", path=f"{S1}/a.mkv", recycleBinPath="/bin/a.mkv")],
        },
        [f"+{S1}/a.mkv", f"-{S1}/a.mkv"],
    ),
    "sonarr 4 import complete": (
        "sonarr",
        {
            "eventType": "Download",
            "series": SERIES,
            "episodes": [EPISODE],
            "episodeFiles": [episode("a.mkv", sourcePath="/d/1"), episode("b.mkv", sourcePath="/d/2")],
            "release": {"releaseTitle": "x"},
            "sourcePath": "/downloads/pack",
            "destinationPath": S1,
            "fileCount": 2,
        },
        [f"+{S1}/a.mkv", f"+{S1}/b.mkv"],
    ),
    "sonarr 4 import complete without a list": (
        "sonarr",
        {
            "eventType": "Download",
            "series": SERIES,
            "episodeFiles": [],
            "sourcePath": "/downloads/pack",
            "destinationPath": S1,
            "fileCount": 2,
        },
        [f"+{S1}"],
    ),
    "sonarr with nulls in place of what it has not": (
        "sonarr",
        {
            "eventType": "Download",
            "series": SERIES,
            "episodeFile": episode("a.mkv", path=None),
            "episodeFiles": None,
            "deletedFiles": None,
            "isUpgrade": None,
        },
        [f"+{S1}/a.mkv"],
    ),
    "sonarr rename": (
        "sonarr",
        {
            "eventType": "Rename",
            "series": SERIES,
            "renamedEpisodeFiles": [
                episode(
                    "New.mkv",
                    path=f"{S1}/New.mkv",
                    previousRelativePath="Season 1/old.mkv",
                    previousPath="/tv/Show (2020)/Season 1/old.mkv",
                )
            ],
        },
        ["-/tv/Show (2020)/Season 1/old.mkv", f"+{S1}/New.mkv"],
    ),
    "sonarr rename with an empty list": (
        "sonarr",
        {"eventType": "Rename", "series": SERIES, "renamedEpisodeFiles": []},
        ["+/tv/Show (2020)"],
    ),
    "sonarr file deleted": (
        "sonarr",
        {
            "eventType": "EpisodeFileDelete",
            "series": SERIES,
            "episodes": [EPISODE],
            "episodeFile": episode("a.mkv", path=f"{S1}/a.mkv"),
            "deleteReason": "noLinkedEpisodes",
        },
        [f"-{S1}/a.mkv"],
    ),
    "sonarr series deleted": (
        "sonarr",
        {"eventType": "SeriesDelete", "series": SERIES, "deletedFiles": True},
        ["-/tv/Show (2020)"],
    ),
    "sonarr series deleted, before it said of files": (
        "sonarr",
        {"eventType": "SeriesDelete", "series": SERIES},
        ["-/tv/Show (2020)"],
    ),
    "sonarr series deleted, files kept": (
        "sonarr",
        {"eventType": "SeriesDelete", "series": SERIES, "deletedFiles": False},
        [],
    ),
    "radarr 0.2 download": (
        "radarr",
        {
            "eventType": "Download",
            "movie": {"id": 9, "title": "Film", "filePath": f"{FILM}/Film.mkv", "releaseDate": "2021-01-01"},
            "movieFile": film("Film.mkv", path="/downloads/Film.mkv"),
        },
        [f"+{FILM}/Film.mkv"],
    ),
    "radarr 3 download": (
        "radarr",
        {
            "eventType": "Download",
            "movie": MOVIE,
            "remoteMovie": {"title": "Film", "year": 2021},
            "movieFile": film("Film.mkv", path="/downloads/Film.mkv"),
            "isUpgrade": False,
        },
        [f"+{FILM}/Film.mkv"],
    ),
    "radarr 5 upgrade": (
        "radarr",
        {
            "eventType": "Download",
            "movie": MOVIE | {"filePath": f"{FILM}/Film 4K.mkv", "tags": ["uhd"]},
            "movieFile": film("Film 4K.mkv", path=f"{FILM}/Film 4K.mkv", sourcePath="/d/x.mkv"),
            "isUpgrade": True,
            "deletedFiles": [film("Film.mkv", path=f"{FILM}/Film.mkv", recycleBinPath="/bin/Film.mkv")],
        },
        [f"+{FILM}/Film 4K.mkv", f"-{FILM}/Film.mkv"],
    ),
    "radarr rename": (
        "radarr",
        {
            "eventType": "Rename",
            "movie": MOVIE,
            "renamedMovieFiles": [
                film("Film.mkv", previousRelativePath="film.mkv", previousPath="/films/Film/film.mkv")
            ],
        },
        ["-/films/Film/film.mkv", f"+{FILM}/Film.mkv"],
    ),
    "radarr 3 rename": ("radarr", {"eventType": "Rename", "movie": MOVIE}, [f"+{FILM}"]),
    "radarr file deleted": (
        "radarr",
        {"eventType": "MovieFileDelete", "movie": MOVIE, "movieFile": film("Film.mkv"), "deleteReason": "manual"},
        [f"-{FILM}/Film.mkv"],
    ),
    "radarr movie deleted": (
        "radarr",
        {"eventType": "MovieDelete", "movie": MOVIE, "deletedFiles": True, "movieFolderSize": 5},
        [f"-{FILM}"],
    ),
    "radarr movie deleted, files kept": (
        "radarr",
        {"eventType": "MovieDelete", "movie": MOVIE, "deletedFiles": False, "movieFolderSize": 0},
        [],
    ),
    "lidarr import": (
        "lidarr",
        {
            "eventType": "Download",
            "artist": ARTIST,
            "album": {"id": 1, "title": "LP"},
            "tracks": [{"id": 1, "title": "One", "trackNumber": "1"}],
            "trackFiles": [{"id": 1, "path": f"{BAND}/LP/1.flac", **QUALITY}],
            "isUpgrade": True,
            "deletedFiles": [{"id": 2, "path": f"{BAND}/LP/1.mp3", **QUALITY}],
        },
        [f"+{BAND}/LP/1.flac", f"-{BAND}/LP/1.mp3"],
    ),
    "lidarr import, nothing named": ("lidarr", {"eventType": "Download", "artist": ARTIST}, [f"+{BAND}"]),
    "lidarr rename": (
        "lidarr",
        {
            "eventType": "Rename",
            "artist": ARTIST,
            "renamedTrackFiles": [{"path": f"{BAND}/LP/01.flac", "previousPath": f"{BAND}/LP/1.flac", **QUALITY}],
        },
        [f"-{BAND}/LP/1.flac", f"+{BAND}/LP/01.flac"],
    ),
    "lidarr 1 rename": ("lidarr", {"eventType": "Rename", "artist": ARTIST}, [f"+{BAND}"]),
    "lidarr retag": (
        "lidarr",
        {"eventType": "Retag", "artist": ARTIST, "trackFile": {"path": f"{BAND}/LP/1.flac", **QUALITY}},
        [f"+{BAND}/LP/1.flac"],
    ),
    "lidarr album deleted": (
        "lidarr",
        {"eventType": "AlbumDelete", "artist": ARTIST, "album": {"id": 1, "title": "LP"}, "deletedFiles": True},
        [f"+{BAND}"],
    ),
    "lidarr artist deleted": (
        "lidarr",
        {"eventType": "ArtistDelete", "artist": ARTIST, "deletedFiles": True},
        [f"-{BAND}"],
    ),
    "lidarr artist deleted, files kept": (
        "lidarr",
        {"eventType": "ArtistDelete", "artist": ARTIST, "deletedFiles": False},
        [],
    ),
    "readarr import": (
        "readarr",
        {
            "eventType": "Download",
            "author": AUTHOR,
            "book": {"id": 1, "title": "Tale"},
            "bookFiles": [{"id": 1, "path": f"{ANN}/Tale/Tale.epub", **QUALITY}],
            "isUpgrade": False,
        },
        [f"+{ANN}/Tale/Tale.epub"],
    ),
    "readarr rename": (
        "readarr",
        {
            "eventType": "Rename",
            "author": AUTHOR,
            "renamedBookFiles": [{"path": f"{ANN}/Tale/Tale.epub", "previousPath": f"{ANN}/tale.epub"}],
        },
        [f"-{ANN}/tale.epub", f"+{ANN}/Tale/Tale.epub"],
    ),
    "readarr retag": (
        "readarr",
        {"eventType": "Retag", "author": AUTHOR, "bookFile": {"path": f"{ANN}/Tale/Tale.epub"}},
        [f"+{ANN}/Tale/Tale.epub"],
    ),
    "readarr file deleted": (
        "readarr",
        {
            "eventType": "BookFileDelete",
            "author": AUTHOR,
            "book": {"id": 1, "title": "Tale"},
            "bookFile": {"path": f"{ANN}/Tale/Tale.epub"},
        },
        [f"-{ANN}/Tale/Tale.epub"],
    ),
    "readarr book deleted": (
        "readarr",
        {"eventType": "BookDelete", "author": AUTHOR, "book": {"id": 1, "title": "Tale"}, "deletedFiles": True},
        [f"+{ANN}"],
    ),
    "readarr book deleted, files kept": (
        "readarr",
        {"eventType": "BookDelete", "author": AUTHOR, "book": {"id": 1}, "deletedFiles": False},
        [],
    ),
    "readarr author deleted": (
        "readarr",
        {"eventType": "AuthorDelete", "author": AUTHOR, "deletedFiles": True},
        [f"-{ANN}"],
    ),
    "sportarr rename": (
        "sonarr",
        {
            "eventType": "Rename",
            "title": "Renamed 1 file(s)",
            "series": {"id": 2, "title": "Match", "path": "/sports/NFL", "league": "NFL"},
            "renamedCount": 1,
        },
        ["+/sports/NFL"],
    ),
    "sportarr files deleted": (
        "sonarr",
        {
            "eventType": "EpisodeFileDelete",
            "message": "File: 1.mkv",
            "series": {"id": 1, "title": "Match", "path": "/sports/NFL"},
            "deletedFiles": [
                {"relativePath": "1.mkv", "path": "/sports/NFL/1.mkv"},
                {"relativePath": "2.mkv", "path": "/sports/NFL/2.mkv"},
            ],
        },
        ["-/sports/NFL/1.mkv", "-/sports/NFL/2.mkv"],
    ),
    "whisparr 2 import": (
        "sonarr",
        {
            "eventType": "Download",
            "series": {"id": 1, "title": "Site", "path": "/x/Site", "type": "standard"},
            "episodeFile": {"relativePath": "2024/Scene.mp4", "path": "/downloads/Scene.mp4"},
        },
        ["+/x/Site/2024/Scene.mp4"],
    ),
    "sonarr on windows": (
        "sonarr",
        {
            "eventType": "Rename",
            "series": {"path": "D:\\TV\\Show"},
            "renamedEpisodeFiles": [
                {"relativePath": "Season 1\\b.mkv", "previousPath": "D:\\TV\\Show\\Season 1\\a.mkv"}
            ],
        },
        ["-D:\\TV\\Show\\Season 1\\a.mkv", "+D:\\TV\\Show\\Season 1\\b.mkv"],
    ),
}


@pytest.mark.parametrize("kind", ["own", "generic", "radarr", "lidarr"])
@pytest.mark.parametrize("name", ARRS)
def test_it_reads_every_version_at_any_hook(name: str, kind: str) -> None:
    own, body, wanted = ARRS[name]
    assert said(read(own if kind == "own" else kind, WHO | body)) == wanted


@pytest.mark.parametrize(
    ("kind", "event", "body"),
    [
        ("sonarr", "Test", {"series": {"id": 1, "title": "Test Title", "path": "C:\\testpath"}, "episodes": [EPISODE]}),
        ("radarr", "Test", {"movie": {"id": 1, "folderPath": "C:\\testpath"}, "release": {"indexer": "Test"}}),
        ("lidarr", "Test", {"artist": {"id": 1, "path": "C:\\testpath"}, "albums": [{"id": 123}]}),
        ("readarr", "Test", {"author": {"id": 1, "path": "C:\\testpath"}, "books": [{"id": 123}]}),
        ("sonarr", "Grab", {"series": SERIES, "release": {"releaseTitle": "x"}, "downloadClient": "qbit"}),
        ("sonarr", "SeriesAdd", {"series": SERIES}),
        ("radarr", "MovieAdded", {"movie": MOVIE, "addMethod": "manual"}),
        ("lidarr", "ArtistAdd", {"artist": ARTIST}),
        ("readarr", "AuthorAdded", {"author": AUTHOR}),
        ("sonarr", "Health", {"level": "warning", "message": "x", "type": "Check", "wikiUrl": "http://w"}),
        ("radarr", "HealthRestored", {"level": "error", "message": "x", "type": "Check"}),
        ("lidarr", "ApplicationUpdate", {"message": "x", "previousVersion": "1", "newVersion": "2"}),
        ("sonarr", "ManualInteractionRequired", {"series": SERIES, "downloadStatus": "Warning"}),
        ("lidarr", "DownloadFailure", {"releaseTitle": "x", "quality": "FLAC"}),
        ("lidarr", "ImportFailure", {"artist": ARTIST, "trackFiles": [{"path": f"{BAND}/LP/1.flac"}]}),
    ],
)
def test_it_queues_nothing_for_what_changes_no_file(kind: str, event: str, body: dict[str, Any]) -> None:
    parsed = read(kind, {"eventType": event, **WHO, **body})
    assert (parsed.notices, parsed.code, parsed.event) == ((), "call_event_without_change", event)
    assert read("generic", {"eventType": event, **WHO, **body}).notices == ()
