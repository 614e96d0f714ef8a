"""The export hook, and the stage that follows each download."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from catalog import exporting, hooks
from catalog.export_stage import Export, check_scope
from catalog.models import FileLocation, StorageBackend
from mediasync.core.errors import Permanent, Stop, UsageError
from mediasync.jobs import registry, services
from mediasync.jobs.choices import JobState
from mediasync.jobs.drain import drain
from mediasync.jobs.models import Event, Item, Job, Stage
from mediasync.jobs.registry import Done, JobKind, NewItem, Planned
from tests.jobs.slicing import Scripted

from .rows import make_playlist, make_songs
from .stored import library, playlist_with_files, store

pytestmark = pytest.mark.django_db
PYTHON = f"'{sys.executable}'"


class Downloads(Scripted):
    """A download stage whose items are songs in the groups of playlists."""

    def __init__(self, items: Sequence[tuple[str, str]] = (), do: Any = None) -> None:
        super().__init__([], do)
        self.name = "download"
        self.items = items

    def plan(self, job: Any, cursor: Any) -> Iterator[Planned]:
        yield Planned([NewItem(key, group=group) for key, group in self.items])


@pytest.fixture(autouse=True)
def places(tmp_path: Path, settings: Any) -> None:
    settings.PLAYLISTS_DIR = tmp_path / "playlists"
    settings.CATALOG_EXPORT_COMMAND = settings.CATALOG_EXPORT_WORKDIR = ""
    settings.CATALOG_EXPORT_TIMEOUT = 60.0


@pytest.fixture
def local(tmp_path: Path) -> StorageBackend:
    return library(tmp_path / "library")


def told(job: Job) -> list[str]:
    rows = Event.objects.filter(job=job, code__startswith="catalog_export_").order_by("pk")
    return [code.removeprefix("catalog_export_") for code in rows.values_list("code", flat=True)]


def run(download: Downloads, **scope: Any) -> Job:
    with registry.registered(JobKind("downloading", "Downloading", (download, Export()))):
        return drain(services.submit("downloading", scope).job.pk, threads=False)


def command(settings: Any, code: str) -> None:
    settings.CATALOG_EXPORT_COMMAND = f'{PYTHON} -c "{code}"'


def test_it_is_skipped_where_none_is_set() -> None:
    job = run(Downloads())
    assert (job.state, told(job)) == ("completed", ["skipped"])


@pytest.mark.parametrize("items", [[], [("1", "playlist:1"), ("2", "playlist:1")]])
def test_it_is_run_once_a_download_stage_also_with_nothing_to_do(
    items: list[tuple[str, str]], tmp_path: Path, settings: Any
) -> None:
    code = "import os; open('ran', 'a').write(os.environ['MEDIASYNC_STAGE'] + os.environ.get('SECRET_KEY', '') + ' ')"
    command(settings, code)
    settings.CATALOG_EXPORT_WORKDIR = str(tmp_path)
    job = run(Downloads(items))
    assert (job.state, told(job)) == ("completed", ["started", "succeeded"])
    stage = Stage.objects.get(job=job, name="download")
    assert (tmp_path / "ran").read_text() == f"{stage.pk} "


@pytest.mark.parametrize(
    ("what", "error"),
    [
        ("import sys; print('what went wrong'); sys.exit(7)", "exit code 7"),
        ("import os; os.abort()", "ended by SIGABRT"),
    ],
)
def test_that_it_fails_is_told_and_fails_nothing(what: str, error: str, settings: Any) -> None:
    command(settings, what)
    job = run(Downloads())
    assert (job.state, told(job)) == ("completed", ["started", "failed"])
    event = Event.objects.get(job=job, code="catalog_export_failed")
    assert event.params["error"] == error
    if "print" in what:
        assert event.params["printed"] == "what went wrong"


@pytest.mark.parametrize("line", ["/nowhere/at-all", "'unclosed"])
def test_a_command_that_cannot_be_run_is_told(line: str, settings: Any) -> None:
    settings.CATALOG_EXPORT_COMMAND = line
    job = run(Downloads())
    assert job.state == "completed"
    assert told(job)[-1] == "failed"


def test_nothing_of_it_is_read_by_a_shell(tmp_path: Path, settings: Any) -> None:
    settings.CATALOG_EXPORT_WORKDIR = str(tmp_path)
    settings.CATALOG_EXPORT_COMMAND = f"{PYTHON} -c pass ; touch shell > out"
    run(Downloads())
    assert not (tmp_path / "shell").exists() and not (tmp_path / "out").exists()


def test_one_that_takes_too_long_is_ended_with_its_children(tmp_path: Path, settings: Any) -> None:
    settings.CATALOG_EXPORT_TIMEOUT = 3.0
    settings.CATALOG_EXPORT_WORKDIR = str(tmp_path)
    settings.CATALOG_EXPORT_COMMAND = "sh -c 'sleep 600 & echo $! > pid; wait'"
    job = run(Downloads())
    assert told(job) == ["started", "failed"]
    assert "not finished after 3 s" in Event.objects.get(code="catalog_export_failed").params["error"]
    child = Path("/proc", (tmp_path / "pid").read_text().strip(), "stat")
    assert not child.exists() or child.read_text().rpartition(")")[2].split()[0] == "Z"


def test_a_pause_ends_it_and_it_is_run_again(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    command(settings, "import time; time.sleep(600)")
    checkpoints = iter([None, Stop()])

    class Asked:
        job = type("Info", (), {"id": 1})
        logged: list[str] = []  # noqa: RUF012

        def checkpoint(self) -> None:
            if (found := next(checkpoints)) is not None:
                raise found

        def log(self, code: str, *_: object, **__: object) -> None:
            self.logged.append(code)

    with pytest.raises(Stop):
        hooks.run(Asked(), 1)  # type: ignore[arg-type]
    assert Asked.logged == ["catalog_export_started"]


def test_a_retried_stage_ends_again_and_is_told_again(settings: Any) -> None:
    command(settings, "pass")
    fails = iter([True, False])

    def once(item: Any, ctx: Any) -> Done:
        if next(fails):
            raise Permanent("not today")
        return Done()

    download = Downloads([("1", "playlist:1")], once)
    with registry.registered(JobKind("downloading", "Downloading", (download, Export()))):
        job = drain(services.submit("downloading", {}).job.pk, threads=False)
        assert (job.state, told(job)) == ("completed_with_errors", ["started", "succeeded"])
        services.retry_failed(job, actor="me", source="web")  # type: ignore[arg-type]
        job = drain(job.pk, threads=False)
    assert (job.state, told(job)) == ("completed", ["started", "succeeded"] * 2)


def test_folders_of_all_lists_that_hold_a_new_file_are_refreshed(local: StorageBackend) -> None:
    songs = make_songs(3)
    mine, also, untouched = (make_playlist(name, [songs[n]]) for name, n in (("Mine", 0), ("Also", 0), ("Other", 1)))
    named = make_playlist("Named", [songs[2]])

    def fetch(item: Any, ctx: Any) -> Done:
        store(songs[0], local, "home/a.mp3")
        return Done()

    job = run(Downloads([("1", f"playlist:{mine.pk}")], fetch), playlists=[mine.pk, named.pk])
    done = Item.objects.filter(stage__job=job, stage__name="export").exclude(key__startswith="hook")
    assert {key.partition("@")[0] for key in done.values_list("key", flat=True)} == {
        f"playlist:{each.pk}" for each in (mine, also, named)
    }
    top = Path(exporting.refresh(untouched).path).parent
    assert (top / exporting.folder_name(also) / "a.mp3").exists()


def test_the_folder_of_a_playlist_is_refreshed_when_the_last_of_its_songs_ends(local: StorageBackend) -> None:
    playlist = playlist_with_files(local, 2)
    seen: list[bool] = []

    def fetch(item: Any, ctx: Any) -> Done:
        seen.append(exporting.after_song(item.id) is not None)
        return Done()

    run(Downloads([("1", f"playlist:{playlist.pk}"), ("2", f"playlist:{playlist.pk}"), ("3", "")], fetch))
    assert seen == [False, True, False]


@pytest.mark.parametrize("state", [JobState.CANCELED, JobState.FAILED])
def test_a_download_that_was_cut_short_is_told_by_a_job_of_its_own(
    state: JobState, local: StorageBackend, settings: Any
) -> None:
    command(settings, "pass")
    playlist = make_playlist("Mine", make_songs(1))

    def fetch(item: Any, ctx: Any) -> Done:
        store(playlist.songs.get(), local, "home/a.mp3")
        if state == JobState.CANCELED:
            Job.objects.filter(pk=ctx.job.id).update(state="cancel_requested")
            ctx._signals.look()  # as the heartbeat does each second
            ctx.checkpoint()
        return Done()

    class Failing(Downloads):
        def plan(self, job: Any, cursor: Any) -> Iterator[Planned]:
            yield from super().plan(job, cursor)
            if state == JobState.FAILED:
                raise UsageError("no folder")

    job = run(Failing([("1", f"playlist:{playlist.pk}")], fetch))
    assert job.state == state
    chained = Job.objects.get(kind=hooks.KIND)
    assert chained.parent == job
    chained = drain(chained.pk, threads=False)
    assert (chained.state, told(chained)) == ("completed", ["started", "succeeded"])


def test_a_job_that_ended_well_needs_no_other(settings: Any) -> None:
    run(Downloads())
    assert not Job.objects.filter(kind=hooks.KIND).exists()


def test_a_job_that_was_cancelled_before_its_download_tells_nothing() -> None:
    with registry.registered(JobKind("downloading", "Downloading", (Downloads(), Export()))):
        job = services.submit("downloading", {}).job
        services.cancel(job, actor="me", source="web")  # type: ignore[arg-type]
        assert drain(job.pk, threads=False).state == "canceled"
    assert not Job.objects.filter(kind=hooks.KIND).exists()


def test_folders_are_refreshed_by_hand_without_the_hook(local: StorageBackend) -> None:
    playlist = playlist_with_files(local, 2)
    job = drain(services.submit(hooks.KIND, {"playlists": [playlist.pk]}).job.pk, threads=False)
    assert (job.state, job.done, told(job)) == ("completed", 1, [])
    assert len(list(Path(exporting.refresh(playlist).path).glob("*.mp3"))) == 2
    assert FileLocation.objects.filter(status="active").count() == 2
    with pytest.raises(UsageError):
        check_scope({})
