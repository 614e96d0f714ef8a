"""Why removals are held: said with figures while they are known, and never as an unfilled sentence."""

from __future__ import annotations

import pytest

from monitors import guards
from monitors.models import Change, Root
from monitors.reasons import WITHOUT_FIGURES, why

pytestmark = pytest.mark.django_db
CODES = ["guard_few_entries", "guard_mount_below_gone", "guard_cloud_no_mount", "guard_distrusted"]


def held(code: str, **root: object) -> Change:
    made = Root.objects.create(name="tv", path="/tv", **root)
    return Change.objects.create(root=made, kind="removed", state="held", path="a", reason=code)


def test_it_has_the_figures_while_the_guard_says_the_same() -> None:
    facts = {"removed": 1200, "limit": 1000}
    change = held("guard_removed_count", guard_code="guard_removed_count", guard_params=facts)
    assert "1200 files are missing; more than 1000" in why(change)


@pytest.mark.parametrize("code", sorted({*guards.ABOUT_REMOVALS, *CODES}))
@pytest.mark.parametrize("now", ["", "guard_missing"])
def test_it_has_a_sentence_when_the_guard_moved_on(code: str, now: str) -> None:
    text = why(held(code, guard_code=now))
    assert text and "%(" not in text and "guard_" not in text and "{" not in text


@pytest.mark.parametrize("code", sorted(WITHOUT_FIGURES))
def test_facts_of_another_time_do_not_spoil_it(code: str) -> None:
    assert "%(" not in why(held(code, guard_code=code, guard_params={"other": 1}))


def test_what_is_not_held_has_no_reason() -> None:
    assert why(held("")) == ""
