"""Joining what is due."""

from __future__ import annotations

import pytest

from mediasync.core import foreign
from scanning.batches import directories


def location(path: str) -> str | None:
    return next((top for top in ("/tv", "D:\\Films") if foreign.is_within(path, top)), None)


def joined(*paths: str, siblings: int = 2) -> dict[str, int]:
    rows = [(number, path) for number, path in enumerate(paths)]
    return {each.path: len(each.rows) for each in directories(rows, location, siblings)}


@pytest.mark.parametrize(
    ("paths", "result"),
    [
        (("/tv/A/S1", "/tv/A/S1"), {"/tv/A/S1": 2}),
        (("/tv/A/S1", "/tv/A"), {"/tv/A": 2}),
        (("/tv/A", "/tv/AB/S1"), {"/tv/A": 1, "/tv/AB/S1": 1}),
        (("/tv/A/1", "/tv/A/2", "/tv/A/3"), {"/tv/A": 3}),
        (("/tv/A/1", "/tv/A/2"), {"/tv/A/1": 1, "/tv/A/2": 1}),
        (("/tv/A", "/tv/B", "/tv/C"), {"/tv/A": 1, "/tv/B": 1, "/tv/C": 1}),
        (("/tv/A", "/tv", "/tv/B/S1"), {"/tv": 3}),
        (("d:\\FILMS\\A\\x", "D:\\Films\\a"), {"D:\\Films\\a": 2}),
        (tuple(f"/tv/A/{one}/{two}" for one in "123" for two in "456"), {"/tv/A": 9}),
    ],
)
def test_it_joins(paths: tuple[str, ...], result: dict[str, int]) -> None:
    assert joined(*paths) == result
