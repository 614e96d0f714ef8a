"""What messages say."""

from __future__ import annotations

from typing import Any

import pytest

from mediasync.notify.digest import BODY, SUBJECT, compose
from mediasync.notify.events import EVENTS
from mediasync.notify.models import Notice

JOB = {"job": 7, "title_code": "crawl", "title_params": {"name": "TV"}, "failed": 2, "total": 9, "code": "job_failed"}


def told(*notices: tuple[str, dict[str, Any]]) -> tuple[str, str, str]:
    return compose([Notice(event=event, params=params) for event, params in notices])


def episode(number: int, **more: Any) -> tuple[str, dict[str, Any]]:
    params = {"show": "Severance", "season": 1, "episode": number, "title": f"Part {number}", "server": "Plex"}
    return "new_media", params | more


def test_it_says_twelve_new_episodes_once() -> None:
    subject, body, tone = told(*(episode(number) for number in reversed(range(1, 13))))
    assert subject == "12 new episodes of Severance"
    assert body.splitlines()[1] == "  S01E01 Part 1 (Plex)", "in their order"
    assert (len(body.splitlines()), tone) == (13, "info")


def test_it_names_one_episode_in_the_subject() -> None:
    assert told(episode(3))[0] == "New episode of Severance: S01E03 Part 3 (Plex)"


def test_it_names_a_title_once_however_many_servers_have_it() -> None:
    film = {"title": "Heat (1995)"}
    notices = [("new_media", film | {"server": name}) for name in ("Plex", "Emby", "Plex")]
    assert told(*notices)[0] == "New: Heat (1995) (Emby, Plex)"


def test_it_joins_shows_and_films() -> None:
    subject, body, _tone = told(episode(1), episode(2), ("new_media", {"title": "Heat"}))
    assert subject == "2 new episodes of Severance, and 1 more"
    assert body.endswith("New: Heat")
    more = [("new_media", {"title": title}) for title in ("Heat", "Alien", "Ronin")]
    assert told(episode(1), episode(2), *more)[0] == "2 new episodes of Severance, and 3 more"


@pytest.mark.parametrize("number", [None, "2", -1, True, 1e9, {"x": 1}])
def test_it_bears_numbers_that_are_none(number: Any) -> None:
    assert "Severance" in told(episode(1, season=number, episode=number), episode(2))[0]


def test_it_counts_what_says_the_same() -> None:
    assert told(("job_errors", JOB), ("job_errors", JOB))[0].endswith("(×2)")
    subject, body, tone = told(("job_failed", JOB), ("job_failed", JOB | {"job": 8}))
    assert (subject, tone) == ("2 jobs failed", "failure")
    assert "Job #8 failed" in body


def test_it_says_that_it_is_well_again() -> None:
    subject, _body, tone = told(("server_offline", {"name": "Plex", "error": "x", "over": True}))
    assert (subject, tone) == ("Plex answers again", "success")


def test_the_worst_gives_the_tone() -> None:
    assert told(episode(1), ("guard", {"name": "TV", "code": "guard_missing"}), ("job_failed", JOB))[2] == "failure"


@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize("params", [{}, {"over": True}, {"title": "%s %(x)s", "name": "\0\ud800"}, {"facts": [1]}])
def test_it_has_a_sentence_for_every_event_whatever_is_missing(event: str, params: dict[str, Any]) -> None:
    subject, body, _tone = told((event, params))
    assert body and len(subject) <= SUBJECT


def test_it_stays_short() -> None:
    subject, body, _tone = told(*(("new_media", {"title": f"{number} " + "x" * 300}) for number in range(2000)))
    assert subject == "2000 new titles"
    assert len(body) <= BODY
    assert len(told(("new_media", {"title": "x" * 5000}))[0]) <= SUBJECT


def test_it_says_how_many_are_left_out() -> None:
    assert told(*(("new_media", {"title": str(n)}) for n in range(50)))[1].endswith("… and 10 more")
