"""Addresses of servers."""

from __future__ import annotations

import pytest

from mediasync.core.addresses import check_base_url, is_loopback
from mediasync.core.errors import UsageError


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (" http://plex:32400/ ", "http://plex:32400"),
        ("https://media.example/emby/", "https://media.example/emby"),
        ("http://[::1]:8096", "http://[::1]:8096"),
    ],
)
def test_it_tidies_an_address(given: str, kept: str) -> None:
    assert check_base_url(given) == kept


@pytest.mark.parametrize(
    "given",
    [
        "",
        "plex:32400",
        "ftp://plex",
        "http://",
        "http://user:secret@plex",
        "http://plex/?token=1",
        "http://plex/#x",
        "http://plex:port",
        "http://a b/",
        "http://[::1",
    ],
)
def test_it_refuses_what_is_none(given: str) -> None:
    with pytest.raises(UsageError):
        check_base_url(given)


@pytest.mark.parametrize(
    ("url", "loopback"),
    [("http://127.0.0.2:1", True), ("http://localhost", True), ("http://[::1]", True), ("http://192.0.2.1", False)],
)
def test_it_knows_this_machine(url: str, loopback: bool) -> None:
    assert is_loopback(url) is loopback
