"""Child processes plan what this one would: the same rows, the same facts, and none of them outlives its use."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from cleanup import crew, crew_child, plan_stages, reading
from cleanup import policy as policies
from cleanup.choices import RunState
from cleanup.models import PlanRow, PlexFolder, Run
from cleanup.planning import Found, Planner, Unit, units
from cleanup.plexdata import layout, places
from cleanup.rules.base import Draft
from cleanup.services import plan
from cleanup.steps import Work, resolve
from cleanup.store_rows import FACTS, OF_NAMES, Packed, pack
from mediasync.core.errors import Permanent, Transient
from mediasync.jobs.drain import drain
from tests.cleanup.planned import EVERYTHING, NOW_NS
from tests.cleanup.plexfolder import big, sample
from tests.cleanup.plexfolder.sample import Sample

WAIT = 60.0
Answer = tuple[Packed, Found, Counter[str]]


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Sample]:
    found = sample.make(tmp_path)
    found.plex.database.unlink()
    for row in found.plex.rows["metadata_items"]:
        row["user_fields"] = "lockedFields=99"  # the server has to say what that is
    found.plex.finish()
    yield found
    reading.close()


@pytest.fixture
def two() -> Iterator[crew.Crew]:
    made = crew.Crew(2)
    yield made
    made.close()


def planner(folder: Path, ask: Callable[[int], Iterable[str]] | None = None, **policy: object) -> Planner:
    data = places.resolve(str(folder))
    allowed = policies.of({**EVERYTHING, **policy})
    return Planner(data, allowed, NOW_NS, ask=ask, source=lambda: reading.opened(data.database))


def tasks(made: Planner) -> Iterator[tuple[Unit, Work]]:
    for work in resolve(["all"], made.policy).works:
        for unit in units(work, made.data, frozenset()):
            yield unit, work


def answer(blocks: Iterable[Packed], found: Found, kept: Counter[str]) -> Answer:
    whole = Packed([], [])
    for block in blocks:
        whole.others.extend(block.others)
        whole.of_names.extend(block.of_names)
    return whole, found, kept


def by(crew: crew.Crew, made: Planner, unit: Unit, work: Work) -> Answer:
    found, kept = Found(), Counter[str]()
    return answer(crew.blocks(made, made.data.database, unit, work, found, kept), found, kept)


def here(made: Planner, unit: Unit, work: Work) -> Answer:
    found, kept = Found(), Counter[str]()
    return answer(map(pack, made.blocks(unit, work, found, kept)), found, kept)


def pids(crew: crew.Crew) -> list[int]:
    return [seat.process.pid for seat in crew.seats if seat.process]


def gone(pid: int) -> bool:
    until = time.monotonic() + WAIT
    while time.monotonic() < until:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX":
                return True
        except (FileNotFoundError, ProcessLookupError):
            return True
        time.sleep(0.02)
    return False


@pytest.mark.parametrize("locked", [("thumb",), ()])
def test_children_find_what_this_process_finds(made: Sample, two: crew.Crew, locked: tuple[str, ...]) -> None:
    asked: list[int] = []
    work = planner(made.folder, ask=lambda item: asked.append(item) or locked)  # type: ignore[func-returns-value]
    given = list(tasks(work))
    wanted = [here(work, *each) for each in given]
    number = len(asked)
    assert [by(two, work, *each) for each in given] == wanted
    assert len(asked) == 2 * number > 0
    assert sum(packed.rows for packed, _, _ in wanted) > 20 and len(pids(two)) == 2 and not two.alone


def test_a_server_that_does_not_answer_counts_as_no_answer(made: Sample, two: crew.Crew) -> None:
    def refuses(item: int) -> Iterable[str]:
        raise Transient("no answer")

    work = planner(made.folder, ask=refuses)
    assert [by(two, work, *each) for each in tasks(work)] == [here(work, *each) for each in tasks(work)]


def test_every_fact_of_a_unit_comes_over() -> None:
    found = Found(foreign=Counter(name=2), outward=["a/b"], orphans=3, unwatched=4)
    found.weight.bundles, found.weight.upload_bytes = 5, 6
    there = Found()
    there.take(found.facts())
    assert there == found != Found()


def test_values_stand_in_the_order_of_their_columns() -> None:
    odd = {name: name for name in ("path", "bundle", "mark", "title", "column", "old", "new", "proof", "reason")}
    numbers = {name: place for place, name in enumerate(Draft._fields) if name not in odd}
    words = {"klass": "unused", "base": "data", "risk": "low"}
    for action, names in (("update", FACTS), ("file", OF_NAMES)):
        draft = Draft(**{**odd, **numbers, **words, "action": action})  # type: ignore[arg-type]
        values = dict(zip(names, pack([draft])[action == "file"], strict=True))
        assert values.pop("phase") == {"update": 0, "file": 1}[action]
        assert values == {name: value for name, value in draft._asdict().items() if name in values}
        assert all(type(value) in (str, int) for value in values.values())  # marshal takes no others


def test_errors_of_a_child_are_raised_here(made: Sample, two: crew.Crew) -> None:
    work = planner(made.folder)
    good = next(tasks(work))
    with pytest.raises(RuntimeError, match="not a prefix folder"):
        by(two, work, Unit(layout.METADATA, "Movies", ".."), good[1])
    assert by(two, work, *good) == here(work, *good)
    made.plex.database.write_bytes(b"")
    with pytest.raises(Permanent) as caught:
        list(crew.Crew(1).blocks(work, f"{work.data.database}-none", *good, Found(), Counter()))
    assert caught.value.code == "plex_database_unreadable"


def test_a_child_that_dies_is_replaced(made: Sample, two: crew.Crew) -> None:
    work = planner(made.folder)
    unit, what = next(each for each in tasks(work) if here(work, *each)[0].rows)
    wanted = by(two, work, unit, what)
    (first,) = pids(two)
    os.kill(first, signal.SIGSTOP)
    blocks = two.blocks(work, work.data.database, unit, what, Found(), Counter())
    os.kill(first, signal.SIGKILL)
    try:
        got = answer(blocks, Found(), Counter())[0]  # it was seen to be dead in time
    except Transient as error:
        assert error.code == "cleanup_child_died"
    else:
        assert got == wanted[0]
    assert by(two, work, unit, what) == wanted and first not in pids(two)


def test_what_is_left_in_the_middle_leaves_no_child(made: Sample, two: crew.Crew) -> None:
    work = planner(made.folder)
    unit, what = next(each for each in tasks(work) if here(work, *each)[0].rows)
    blocks = two.blocks(work, work.data.database, unit, what, Found(), Counter())
    next(blocks)
    (child,) = pids(two)
    blocks.close()  # type: ignore[attr-defined]
    assert gone(child) and not pids(two)


def test_where_no_child_can_be_started_this_process_plans(
    made: Sample, two: crew.Crew, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    work = planner(made.folder)
    assert [by(two, work, *each) for each in tasks(work)] == [here(work, *each) for each in tasks(work)]
    assert two.alone and not pids(two)


def test_a_child_ends_with_its_master(made: Sample) -> None:
    """Even with SIGKILL, and whatever it does just then."""
    data = places.resolve(str(made.folder))
    code = (
        "import subprocess, sys, time\n"
        f"child = subprocess.Popen([sys.executable, '-I', {crew_child.__file__!r}], stdin=-1, stdout=-1)\n"
        "sys.path.insert(0, sys.argv[2])\n"
        "from cleanup import crew_child\n"
        "crew_child.send(child.stdin, sys.argv[1])\n"
        "assert crew_child.receive(child.stdout) == 'ready'\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    setting = crew_child.setting(planner(made.folder), data.database)
    top = str(Path(crew_child.__file__).parent.parent)
    master = subprocess.Popen([sys.executable, "-c", code, setting, top], stdout=subprocess.PIPE)
    try:
        assert master.stdout
        with master.stdout:
            child = int(master.stdout.readline())
        assert Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    finally:
        master.kill()
        master.wait()
    assert gone(child)


def test_a_child_that_was_started_early_takes_its_setting_later(made: Sample, two: crew.Crew) -> None:
    two.warm()
    early = pids(two)
    work = planner(made.folder)
    assert [by(two, work, *each) for each in tasks(work)] == [here(work, *each) for each in tasks(work)]
    assert pids(two) == early and len(early) == 2
    other = planner(made.folder, columns=["thumb"])
    unit, what = next(tasks(other))
    assert by(two, other, unit, what) == here(other, unit, what)
    assert pids(two) != early  # another setting needs another child


@pytest.mark.django_db(transaction=True)
def test_a_plan_that_is_refused_leaves_no_child(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = big.build(tmp_path / "plex", files=100, bundles=20).path
    monkeypatch.setattr(crew, "LIKELY", 0)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: {0, 1})
    children: list[int] = []
    close = crew.Crew.close
    monkeypatch.setattr(crew.Crew, "close", lambda self: (children.extend(pids(self)), close(self)))  # type: ignore[func-returns-value]
    folder = PlexFolder.objects.create(
        name="x", path=str(path), last_index={"items": 10**6}, policy={"elsewhere": True}
    )
    drain(plan(folder, ["all"]).job.pk)
    assert Run.objects.get().reason == "cleanup_index_shrank"
    assert len(children) == 2 and all(map(gone, children)) and not crew._crews


def test_the_index_is_found_once_and_only_for_its_copy(made: Sample, tmp_path: Path) -> None:
    copy = tmp_path / "plan-1.db"
    copy.write_bytes(made.plex.database.read_bytes())
    built = reading.opened(str(copy))
    reading.keep(built)
    reading.close()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "build", lambda *_: pytest.fail("it was built again"))
        again = reading.opened(str(copy)).index
    names = ("counts", "anywhere", "media", "odd")
    assert [getattr(again, name) for name in names] == [getattr(built.index, name) for name in names]
    assert again.media and again.counts["items"]
    reading.close()
    copy.write_bytes(copy.read_bytes() + bytes(4096))  # another copy
    assert reading.opened(str(copy)).index is not None
    assert not reading.index_of(str(copy)).exists()


@pytest.mark.django_db(transaction=True)
def test_a_whole_plan_by_children_is_that_of_one_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = big.build(tmp_path / "plex", files=1500, bundles=150).path
    rows = []
    for bundles in (0, 1 << 40):
        monkeypatch.setattr(crew, "BIG", bundles)
        monkeypatch.setattr(crew, "LIKELY", 0)  # children are started, and sent home where they are not needed
        monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: {0, 1, 2})
        PlexFolder.objects.all().delete()
        started = plan(PlexFolder.objects.create(name="x", path=str(folder), policy={"elsewhere": True}), ["all"])
        drain(started.job.pk)
        run = Run.objects.get()
        assert run.state == RunState.PLANNED, run.facts.get("why")
        names = [each.name for each in PlanRow._meta.concrete_fields if each.name not in ("id", "run")]
        rows.append((sorted(PlanRow.objects.values_list(*names), key=repr), run.facts["parts"], run.totals))
        assert not crew._crews
    assert rows[0] == rows[1] and len(rows[0][0]) > 1000
    assert plan_stages.hands(run) == 1
