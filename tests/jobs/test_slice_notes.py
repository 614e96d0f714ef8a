"""What a slice tells while it works: places, current line, cursors; and how much it claims ahead."""

from __future__ import annotations

import pytest

from mediasync.jobs.appetite import Appetite
from mediasync.jobs.models import Event, Job, SliceSlot, Worker
from mediasync.jobs.outcomes import dumps
from mediasync.jobs.registry import Context, Done, ItemInfo, Outcome

from .slicing import Scripted, counted, running


@pytest.mark.django_db
def test_it_says_what_each_place_is_busy_with() -> None:
    seen: list[tuple[str, str, float, str]] = []

    def copy(item: ItemInfo, ctx: Context) -> Outcome:
        for number in range(3):
            ctx.progress(f"copying {number} \udc80", bytes_per_second=7.5)
            bench.clock.sleep(2)
            ctx.checkpoint({"at": number})
            slot = SliceSlot.objects.get()
            job = Job.objects.get()
            seen.append((slot.item_key, slot.text, slot.bytes_per_second, job.current))
        assert bench.item(item.key).cursor == {"at": 2}
        return Done()

    with running(Scripted(["film"], copy)) as bench:
        Worker.objects.create(host="host", boot="boot", pid=1)
        assert bench.slice() == "done"
        assert seen == [("film", f"copying {n} \\udc80", 7.5, f"copying {n} \\udc80") for n in range(3)]
        assert not SliceSlot.objects.exists() and bench.job.current == ""


@pytest.mark.django_db
def test_it_gives_back_what_waits_behind_a_slow_item() -> None:
    marked: list[int] = []

    def do(item: ItemInfo, ctx: Context) -> Outcome:
        if int(item.key) >= 200:
            bench.clock.sleep(3)
            marked.append(list(bench.states().values()).count("running"))
        return Done()

    with running(Scripted([str(number) for number in range(230)], do)) as bench:
        assert bench.slice(budget=1_000) == "done"
        assert marked[-1] == 1
        counted(bench.job)


@pytest.mark.django_db
def test_facts_that_a_database_refuses_are_stored_as_text() -> None:
    def odd(item: ItemInfo, ctx: Context) -> Outcome:
        ctx.log("seen", name="a\0\udcff", share=float("nan"), raw=b"x")
        return Done({"rate": float("inf"), (1, 2): "x", "fine": 3})  # type: ignore[dict-item]

    with running(Scripted(["a"], odd)) as bench:
        assert bench.slice() == "done"
        assert bench.item("a").result == {"rate": "inf", "(1, 2)": "x", "fine": 3}
        assert bench.stage().result == {"fine": 3}
        assert Event.objects.get(code="seen").params == {"name": "a\ufffd\\udcff", "share": "nan", "raw": "b'x'"}


@pytest.mark.parametrize("value", ["😀", "\U0010dc80", {"a": [1, None, True, 1.5]}])
def test_ordinary_facts_are_stored_as_they_are(value: object) -> None:
    import json

    assert json.loads(dumps(value)) == value


def test_the_appetite_follows_the_pace() -> None:
    appetite = Appetite(4, per_unit=False)
    assert appetite.room(0) == 4
    for _ in range(50):
        appetite.learn(0.0001)
    assert [appetite.room(0) for _ in range(5)] == [32, 256, 2048, 4000, 4000]
    assert appetite.room(3999) == 1 and not appetite.hungry(3999) and appetite.hungry(2000)
    for _ in range(200):
        appetite.learn(1.0)
    assert appetite.room(0) == 4 and appetite.room(4) == 0


def test_effects_that_are_looked_after_one_by_one_are_never_claimed_ahead() -> None:
    appetite = Appetite(2, per_unit=True)
    appetite.learn(0.00001)
    assert appetite.room(0) == 2 and appetite.room(2) == 0
