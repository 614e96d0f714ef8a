from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from mediasync.servers.listeners.ears import EARS, Heard

BESIDE = Path(__file__).resolve().parents[4] / "shared" / "fixtures"
PLEX = EARS["plex"]


def entry(**values: Any) -> str:
    known = {"identifier": "com.plexapp.plugins.library", "itemID": 7, "state": 5, "type": 4, **values}
    return json.dumps({"NotificationContainer": {"type": "timeline", "TimelineEntry": [known]}})


def test_it_understands_recorded_messages() -> None:
    file = Path(os.environ.get("MEDIASYNC_FIXTURES", BESIDE)) / "plex/websocket"
    if not file.is_dir():
        pytest.skip("no recordings here: set MEDIASYNC_FIXTURES to their folder")
    recorded = json.loads((file / "recorded_2017_plexkodiconnect_timeline_state5.json").read_text())
    assert [PLEX.hear(json.dumps(each)) for each in recorded] == [[Heard("33247")]] * 3
    activities = json.loads((file / "plextraktsync_activity_refresh_sequence.json").read_text())
    assert [PLEX.hear(json.dumps({"NotificationContainer": each})) for each in activities] == [[]] * 5


def test_it_takes_ids_as_numbers_and_as_text() -> None:
    assert PLEX.hear(entry(itemID=7)) == PLEX.hear(entry(itemID="7")) == [Heard("7")]


@pytest.mark.parametrize("said", [{"state": 0}, {"state": 5, "metadataState": "created"}])
def test_it_knows_what_is_said_to_be_new(said: dict[str, Any]) -> None:
    assert [heard.made for heard in PLEX.hear(entry(**said))] == [True]


def test_it_waits_for_what_is_still_worked_on() -> None:
    assert [PLEX.hear(entry(state=state))[0].ready for state in (0, 1, 2, 3, 4, 5)] == [False] * 5 + [True]


@pytest.mark.parametrize(
    "said", [{"state": 9}, {"type": -1}, {"identifier": "tv.plex.providers.epg.cloud:1"}, {"itemID": None}]
)
def test_it_passes_over_removals_and_television(said: dict[str, Any]) -> None:
    assert PLEX.hear(entry(**said)) == []


@pytest.mark.parametrize("kind", ["emby", "jellyfin"])
def test_it_hears_what_was_added_to_a_library(kind: str) -> None:
    said = {"MessageType": "LibraryChanged", "Data": {"ItemsAdded": ["a1", "b2"], "ItemsUpdated": ["c3"]}}
    assert EARS[kind].hear(json.dumps(said)) == [Heard("a1", made=True), Heard("b2", made=True)]
    assert EARS[kind].hear(json.dumps({"MessageType": "ForceKeepAlive", "Data": 60})) == []


@pytest.mark.parametrize("kind", EARS)
@pytest.mark.parametrize(
    "text",
    [
        *("", "no json", "[]", "7", "null", '"x"', "{}", "[" * 100_000),
        '{"NotificationContainer": 3}',
        '{"NotificationContainer": {"type": "timeline", "TimelineEntry": 3}}',
        '{"NotificationContainer": {"type": "timeline", "TimelineEntry": [3, {"state": "x"}]}}',
        '{"MessageType": "LibraryChanged"}',
        '{"MessageType": "LibraryChanged", "Data": {"ItemsAdded": 5}}',
        '{"MessageType": "LibraryChanged", "Data": {"ItemsAdded": [null, {}, [], true]}}',
    ],
)
def test_it_makes_nothing_of_rubbish(kind: str, text: str) -> None:
    assert EARS[kind].hear(text) == []
