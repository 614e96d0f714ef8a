"""Secrets in the database."""

from __future__ import annotations

import pytest

from mediasync.core.errors import UsageError
from mediasync.core.secrets import Unreadable, seal, unseal


def test_what_is_sealed_can_be_read_again_and_not_by_looking() -> None:
    sealed = seal("tökén", ["key"])
    assert "tökén" not in sealed
    assert unseal(sealed, ["key"]) == "tökén"
    assert seal("tökén", ["key"]) != sealed


def test_nothing_stays_nothing() -> None:
    assert seal("", ["key"]) == ""
    assert unseal("", ["key"]) == ""


def test_a_new_key_in_front_keeps_the_old_secrets() -> None:
    sealed = seal("token", ["old"])
    assert unseal(sealed, ["new", "old"]) == "token"
    assert unseal(seal("token", ["new", "old"]), ["new"]) == "token"


@pytest.mark.parametrize(
    "sealed",
    ["nonsense", seal("token", ["other"]), seal("token", ["key"])[:-4] + "AAA="],
    ids=["nonsense", "another key", "cut off"],  # what is sealed differs each time, and names must not
)
def test_what_cannot_be_read_says_so(sealed: str) -> None:
    with pytest.raises(Unreadable, match="enter it again"):
        unseal(sealed, ["key"])


def test_no_key_is_an_error() -> None:
    with pytest.raises(UsageError):
        seal("token", ["", ""])
