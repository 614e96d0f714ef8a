from __future__ import annotations

from typing import Any

import pytest

from catalog.models import Source
from catalog.scopes import check_scope
from mediasync.core.errors import UsageError

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "scope",
    [
        {"playlists": [10**30]},
        {"playlists": "99999999999999999999,1"},
        {"playlists": 5},
        {"playlists": [1.7]},
        {"playlists": [True]},
        {"playlists": [None]},
        {"songs": {"a": 1}},
        {"sources": 5},
        {"sources": {"netease": 1}},
        {"sources": [None]},
        {"sources": ["a\0b", "\ud800"]},
        {"pools": ["toplist", "x"]},
        {"limit": float("inf")},
        {"limit": float("nan")},
        {"limit": True},
        {"limit": 1.9},
        {"limit": [1]},
        {"workers": -1},
        {"root": 10**30},
        {"root": "²"},
        {"backend": {"a": 1}},
        {1: 2, "x": 3},
        [1],
        "sources",
        None,
    ],
)
def test_it_refuses_rubbish(scope: Any) -> None:
    Source.objects.create(name="netease", plugin="netease", enabled=True)
    with pytest.raises(UsageError):
        check_scope(scope)


@pytest.mark.parametrize("said", [False, None, "", "false", "0", "no", "off"])
def test_it_takes_what_means_no_for_no(said: Any) -> None:
    assert check_scope({"wanted": said, "limit": "", "playlists": ""}) == {}
    assert check_scope({"wanted": True, "verify": "1"}) == {"wanted": True, "verify": True}
