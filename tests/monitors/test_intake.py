from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator

import pytest
from django.test import override_settings

from mediasync.core.clock import FakeClock
from monitors.hints import delays, intake, translating
from monitors.hints.notices import Notice, Source
from monitors.models import Account, Hint, Root
from scanning import sources
from scanning.models import PathMapping

pytestmark = pytest.mark.django_db
SONARR = Source("sonarr", "sonarr")


@pytest.fixture
def root() -> Root:
    return Root.objects.create(name="TV", path="/mnt/tv")


@pytest.fixture(autouse=True)
def rules() -> Iterator[None]:
    translating.use(sources.SourceRules)  # as mediasync/wiring.py has it
    yield


def rule(pattern: str, replacement: str, source: str = "", **more: object) -> PathMapping:
    return PathMapping.objects.create(space="source", pattern=pattern, replacement=replacement, source=source, **more)


def taken(*notices: Notice, source: Source = SONARR) -> list[tuple[str, str]]:
    """Return (folder, name) of all that waits now."""
    intake.take_in(notices, source, reference="payload 1", clock=FakeClock())
    rows = Hint.objects.filter(state="waiting").order_by("path", "name")
    return list(rows.values_list("path", "name"))


def dropped() -> dict[str, str]:
    return dict(Hint.objects.filter(state="dropped").values_list("raw", "code"))


def test_it_waits_for_a_file_in_its_folder(root: Root) -> None:
    assert taken(Notice("/mnt/tv/Show/Season 1/e1.mkv")) == [("Show/Season 1", "e1.mkv")]
    hint = Hint.objects.get()
    assert (hint.root, hint.source, hint.reference, hint.raw) == (
        root,
        "sonarr",
        "payload 1",
        "/mnt/tv/Show/Season 1/e1.mkv",
    )
    assert not hint.deep


def test_it_looks_at_the_folder_of_what_is_gone(root: Root) -> None:
    assert taken(Notice("/mnt/tv/Show/e1.mkv", "delete"), Notice("/mnt/tv/Old", "delete", is_dir=True)) == [
        ("", ""),
        ("Show", ""),
    ]


def test_it_means_all_of_a_folder_that_is_named(root: Root) -> None:
    assert taken(Notice("/mnt/tv/Show", is_dir=True)) == [("", "Show")]
    assert Hint.objects.get().deep
    Hint.objects.all().delete()
    assert taken(Notice("/mnt/tv/Show", is_dir=True), source=Source("push", "clouddrive")) == [("", "Show")]
    assert not Hint.objects.get().deep


def test_it_lists_a_folder_and_the_one_above_without_waiting(root: Root) -> None:
    hook = Source("sonarr", "sonarr", wait_for_file=False)
    assert taken(Notice("/mnt/tv/A/Show", is_dir=True), Notice("/mnt/tv/B/x.mkv"), source=hook) == [
        ("A", ""),
        ("A/Show", ""),
        ("B", ""),
    ]


def test_it_guesses_folders_by_known_extensions_only(root: Root) -> None:
    taken(Notice("/mnt/tv/Guardians Vol. 2"), Notice("/mnt/tv/film.mkv"))
    assert dict(Hint.objects.values_list("name", "deep")) == {"Guardians Vol. 2": True, "film.mkv": False}


@pytest.mark.parametrize(
    "path", ["/mnt/tv/Film/BDMV/STREAM/0001.m2ts", "/mnt/tv/Film/BDMV", "/mnt/tv/Film/BDMV/index.bdmv"]
)
def test_it_takes_a_disc_for_one_unit(root: Root, path: str) -> None:
    assert taken(Notice(path)) == [("Film", "BDMV")]
    assert Hint.objects.get().deep


def test_it_looks_into_the_film_when_a_file_of_its_disc_is_gone(root: Root) -> None:
    assert taken(Notice("/mnt/tv/Film/VIDEO_TS/x.vob", "delete")) == [("Film", "")]
    assert Hint.objects.get().deep


def test_it_knows_the_root_itself(root: Root) -> None:
    assert taken(Notice("/mnt/tv/"), Notice("/mnt/tv", "delete")) == [("", "")]


def test_it_translates_by_the_first_rule_of_the_source(root: Root) -> None:
    first = rule("/data/tv", "/mnt/tv", order=1)
    rule("/data", "/elsewhere", order=2)
    rule("/data/tv", "/wrong", order=0, source="radarr")
    assert taken(Notice("/data/tv/Show/e.mkv"), Notice("/data/tv2/x.mkv")) == [
        ("/elsewhere/tv2", "x.mkv"),
        ("Show", "e.mkv"),
    ]
    first.refresh_from_db()
    assert first.hits == 1


def test_it_drops_windows_paths_unless_a_rule_maps_them(root: Root) -> None:
    assert taken(Notice("C:\\TV\\Show\\e.mkv")) == []
    assert dropped() == {"C:\\TV\\Show\\e.mkv": "hint_windows_path"}
    rule("c:\\tv", "/mnt/tv")
    assert taken(Notice("C:\\TV\\Show\\e.mkv")) == [("Show", "e.mkv")]


def test_it_takes_long_paths_but_no_rubbish(root: Root) -> None:
    rng = random.Random(1)
    longest = "/mnt/tv/" + "".join(chr(rng.randrange(0x4E00, 0x9000)) for _ in range(860))  # hard to compress
    taken(Notice(longest), Notice(longest + "字" * 9), Notice("/" + "x" * 10**6))
    assert Hint.objects.get(state="waiting").name == longest[8:]
    assert set(dropped().values()) == {"hint_bad_path"}


@pytest.mark.parametrize(
    "path", ["", "relative/x.mkv", "/mnt/tv/../../etc/passwd", "/mnt/tv/\0", "/mnt/tv/\udcff", 7, None]
)
def test_it_refuses_what_is_no_path(root: Root, path: str) -> None:
    assert taken(Notice(path), Notice("/mnt/tv/good.mkv")) == [("", "good.mkv")]
    assert list(dropped().values()) == ["hint_bad_path"]


@pytest.mark.parametrize(("policy", "code"), [("drop", "hint_left_out"), ("error", "hint_unmatched")])
def test_it_does_what_its_hook_says_with_unmatched_paths(root: Root, policy: str, code: str) -> None:
    rule("/data", "/mnt/tv")
    source = Source("sonarr", "sonarr", unmatched=policy)
    assert taken(Notice("/mnt/tv/x.mkv"), Notice("/data/y.mkv"), source=source) == [("", "y.mkv")]
    assert dropped() == {"/mnt/tv/x.mkv": code}


def test_it_believes_a_source_that_knows_the_local_path(root: Root) -> None:
    rule("/mnt/tv", "/elsewhere")
    assert taken(Notice("/mnt/tv/x.mkv", local=True)) == [("", "x.mkv")]


def test_it_translates_by_the_place_of_the_root_in_its_account(root: Root) -> None:
    account = Account.objects.create(name="115", kind="clouddrive")
    Root.objects.filter(pk=root.pk).update(account=account, remote_path="/115/TV")
    anime = Root.objects.create(name="Anime", path="/mnt/anime", account=account, remote_path="/115/TV/Anime/")
    push = Source("clouddrive", "clouddrive", account_id=account.pk)
    notices = [Notice("/115/TV/Show/e.mkv"), Notice("/115/TV/Anime/a.mkv"), Notice("/115/TV2/x.mkv"), Notice("/115/x")]
    assert taken(*notices, source=push) == [("", "a.mkv"), ("Show", "e.mkv")]
    assert Hint.objects.get(name="a.mkv").root == anime
    assert not dropped()  # what else an account holds is nobody's business


def test_it_knows_remotes_of_rclone(root: Root) -> None:
    account = Account.objects.create(name="rc", kind="rclone")
    Root.objects.filter(pk=root.pk).update(account=account, remote_path="gd:")
    source = Source("rc", "rclone", account_id=account.pk)
    assert taken(Notice("gd:Show/e.mkv"), Notice("gd:/x.mkv"), Notice("other:x"), source=source) == [
        ("", "x.mkv"),
        ("Show", "e.mkv"),
    ]


def test_it_lets_rules_win_over_the_account(root: Root) -> None:
    account = Account.objects.create(name="115", kind="clouddrive")
    Root.objects.filter(pk=root.pk).update(account=account, remote_path="/115/TV")
    rule("/115/TV/Show", "/mnt/tv/Other")
    source = Source("clouddrive", "clouddrive", account_id=account.pk)
    assert taken(Notice("/115/TV/Show/e.mkv"), source=source) == [("Other", "e.mkv")]


def test_it_keeps_what_lies_under_no_root_for_scanning(root: Root) -> None:
    assert taken(Notice("/media/Films/F/f.mkv"), Notice("/media/Gone", "delete")) == [
        ("/media", "Gone"),
        ("/media/Films/F", "f.mkv"),
    ]
    assert set(Hint.objects.values_list("root", flat=True)) == {None}


def test_it_says_that_a_root_is_off(root: Root) -> None:
    Root.objects.update(enabled=False)
    assert taken(Notice("/mnt/tv/x.mkv")) == []
    assert dropped() == {"/mnt/tv/x.mkv": "hint_root_off"}


def test_it_ties_the_halves_of_a_rename_together_and_no_others(root: Root) -> None:
    pair = [Notice("/mnt/tv/a.mkv", "delete", group="1"), Notice("/mnt/tv/X/b.mkv", group="1")]
    taken(*pair)
    [one] = set(Hint.objects.values_list("group", flat=True))
    intake.take_in([Notice("/mnt/tv/Y/c.mkv", group="1")], SONARR, reference="payload 2")
    assert one and Hint.objects.get(name="c.mkv").group not in ("", one)


def test_it_remembers_that_somebody_may_be_wrong(root: Root) -> None:
    taken(Notice("/mnt/tv/Show/e.mkv", "delete", distrusted=True))
    taken(Notice("/mnt/tv/Show/e2.mkv", "delete"))
    hint = Hint.objects.get()
    assert hint.distrusted and hint.hits == 2


@pytest.mark.parametrize(
    ("source", "setting", "seconds"),
    [
        (Source("my sonarr", "sonarr"), {}, (10, 120)),
        (Source("drive", "clouddrive2"), {}, (30, 120)),
        (Source("watch", "inotify"), {}, (30, 120)),
        (Source("crawl"), {}, (0, 120)),
        (Source("never heard of"), {}, (10, 120)),
        (Source("a", "sonarr"), {"sonarr": 3.0}, (3, 120)),
        (Source("a", "sonarr"), {"sonarr": 3.0, "a": 4.0}, (4, 120)),
        (Source("a", "sonarr", debounce=0.0), {"a": 4.0}, (0, 120)),
        (Source("a", "sonarr", debounce=300.0), {}, (300, 300)),
        (Source("a", "sonarr", max_wait=20.0), {}, (10, 20)),
        (Source("a", "sonarr", max_wait=2.0), {}, (10, 10)),
    ],
)
def test_it_knows_how_long_a_source_rests(source: Source, setting: dict[str, float], seconds: tuple[int, int]) -> None:
    with override_settings(HINT_DEBOUNCE=setting):
        assert delays.delays_of(source) == seconds


def test_it_is_due_after_rest_and_at_the_latest_after_the_longest_wait(root: Root) -> None:
    clock, dues = FakeClock(), []
    source = Source("a", "sonarr", debounce=10.0, max_wait=25.0)
    for _ in range(4):
        intake.take_in([Notice("/mnt/tv/x.mkv")], source, clock=clock)
        dues.append((Hint.objects.get().due_at - FakeClock().now()) / dt.timedelta(seconds=1))
        clock.advance(8)
    assert dues == [10, 18, 25, 25]
