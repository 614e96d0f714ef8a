from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from mediasync.jobs.models import Job
from monitors.models import Change, Directory, File, Hint, Root
from tests.monitors.kinds import only_crawl

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def kinds() -> Iterator[None]:
    with only_crawl():
        yield


@pytest.fixture
def root(tmp_path: Path) -> Root:
    (tmp_path / "TV").mkdir()
    return Root.objects.create(name="TV", path=str(tmp_path / "TV"), minimum_entries=0)


def hold(root: Root, path: str = "Show/x.mkv") -> Change:
    return Change.objects.create(root=root, kind="removed", state="held", path=path, reason="guard_removed_count")


def post(client: Client, model: str, view: str, /, *args: Any, **data: Any) -> str:
    answer = client.post(reverse(f"admin:monitors_{model}_{view}", args=args), data, follow=True)
    assert answer.status_code == 200
    return answer.content.decode()


def form(folder: Path, /, **more: Any) -> dict[str, Any]:
    return {
        "path": str(folder),
        "enabled": "on",
        "every": "900",
        "reconcile_every": "0",
        "minimum_entries": "1",
        "max_removed_ratio": "0.2",
        "max_removed_count": "1000",
        "parallel": "0",
        "lister": "local",
        "mounted": "on",
        "feed": "auto",
        "feed_every": "0",
        "poll_budget": "60",
        "two_looks": "auto",
        "second_look_after": "300",
        **more,
    }


def test_it_shows_all_lists_and_pages(admin_client: Client, root: Root) -> None:
    Root.objects.update(guard="down", guard_code="guard_anchor", guard_params={"anchor": "x"})
    directory = Directory.objects.create(root=root, path="Show \U0010dcff", error="permission denied")
    hint = Hint.objects.create(root=root, source="watch", path="Show")
    change = hold(root)
    for model, row in {"root": root, "directory": directory, "hint": hint, "change": change}.items():
        shown = admin_client.get(reverse(f"admin:monitors_{model}_changelist")).content.decode()
        assert row.pk and "TV" in shown
        assert admin_client.get(reverse(f"admin:monitors_{model}_change", args=[row.pk])).status_code == 200
    assert (
        "anchor “x” is not there"
        in admin_client.get(reverse("admin:monitors_root_change", args=[root.pk])).content.decode()
    )
    assert r"Show \xff" in admin_client.get(reverse("admin:monitors_directory_changelist")).content.decode()


@pytest.mark.parametrize("rows", [1, 40])
def test_its_lists_need_few_queries(
    admin_client: Client, tmp_path: Path, rows: int, django_assert_max_num_queries: Callable[..., Any]
) -> None:
    for n in range(rows):
        root = Root.objects.create(name=f"r{n}", path=f"/r{n}")
        hold(root)
        Directory.objects.create(root=root, path="x", error="y")
        Hint.objects.create(root=root, path="x", source="watch")
    for model in ("root", "change", "directory", "hint"):
        with django_assert_max_num_queries(14):
            admin_client.get(reverse(f"admin:monitors_{model}_changelist"))


def test_it_adds_a_root_through_its_service(admin_client: Client, tmp_path: Path) -> None:
    (tmp_path / "Movies").mkdir()
    data = form(tmp_path / "Movies", kinds=["video", "subtitle"], exclude="sample\n\n *.txt \n", watch="on")
    shown = post(admin_client, "root", "add", **data)
    root = Root.objects.get()
    assert (root.name, root.kinds, root.exclude, root.watch) == (
        "Movies",
        ["video", "subtitle"],
        ["sample", "*.txt"],
        True,
    )
    assert Job.objects.get().actor == "admin" and "added successfully" in shown


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"path": "/none"}, "does not exist"),
        ({"path": "/"}, "cannot be a root"),
        ({"exclude": "[a"}, "has no"),
        ({"anchor": "../x"}, "is not allowed"),
        ({"max_removed_ratio": "2"}, "less than or equal to 1"),
        ({"name": "TV"}, "already exists"),
    ],
)
def test_it_says_at_the_field_what_is_wrong(
    admin_client: Client, root: Root, tmp_path: Path, fields: dict[str, str], says: str
) -> None:
    (tmp_path / "Movies").mkdir()
    shown = post(admin_client, "root", "add", **form(tmp_path / "Movies", **fields))
    assert says in shown and Root.objects.count() == 1


def test_it_changes_a_root_through_its_service(admin_client: Client, root: Root) -> None:
    Directory.objects.create(root=root, path="", dirty=False)
    data = form(Path(root.path), name="Series", exclude="sample")
    post(admin_client, "root", "change", root.pk, **data)
    root.refresh_from_db()
    assert (root.name, root.exclude) == ("Series", ["sample"])
    assert Directory.objects.get().dirty and Job.objects.get().scope["full"]


def test_it_saves_a_root_whose_mount_is_away(admin_client: Client, root: Root) -> None:
    Root.objects.update(path="/away")
    post(admin_client, "root", "change", root.pk, **form(Path("/away"), name="TV", every="60"))
    assert Root.objects.get().every == 60


def test_it_deletes_a_root_after_saying_what_goes(admin_client: Client, root: Root) -> None:
    Root.objects.update(directories=7, files=9)
    directory = Directory.objects.create(root=root, path="")
    File.objects.create(directory=directory, name="x", size=1, mtime_ns=1)
    shown = admin_client.get(reverse("admin:monitors_root_delete", args=[root.pk])).content.decode()
    assert "Nothing on disk is touched" in shown and Root.objects.exists()
    post(admin_client, "root", "delete", root.pk, post="yes")
    assert not Root.objects.exists() and not File.objects.exists()


def test_its_buttons_ask_for_jobs(admin_client: Client, root: Root) -> None:
    assert "was queued" in post(admin_client, "root", "crawl_now", root.pk)
    assert "waits for that already" in post(admin_client, "root", "crawl_now", root.pk)
    post(admin_client, "root", "full_crawl", root.pk)
    assert [job.scope for job in Job.objects.order_by("pk")] == [
        {"root": root.pk},
        {"root": root.pk, "full": True},
    ]


def test_it_checks_a_guard_now(admin_client: Client, root: Root) -> None:
    assert "all is well" in post(admin_client, "root", "check_guard", root.pk)
    Root.objects.update(path="/none")
    assert "The folder is not there" in post(admin_client, "root", "check_guard", root.pk)
    assert Root.objects.get().guard == "down"


def test_it_accepts_another_file_system_after_a_question(admin_client: Client, root: Root) -> None:
    Root.objects.update(device="fuse.rclone@40!", guard="down", guard_code="guard_mount_gone")
    assert "on purpose?" in post(admin_client, "root", "accept_place", root.pk)
    assert Root.objects.get().guard == "down"
    post(admin_client, "root", "accept_place", root.pk, confirmed="1")
    assert Root.objects.get().guard == "ok"


def test_it_settles_all_held_removals_of_a_root(admin_client: Client, root: Root) -> None:
    changes = [hold(root, path) for path in ("a", "b")]
    assert "Believe 2 removals of TV?" in post(admin_client, "root", "release_all", root.pk)
    post(admin_client, "root", "release_all", root.pk, confirmed="1")
    assert Job.objects.get().scope == {"root": root.pk, "changes": [change.pk for change in changes]}


@pytest.mark.parametrize(("action", "scope"), [("release_selected", {}), ("drop_selected", {"drop": True})])
def test_it_settles_a_selection_in_one_job(
    admin_client: Client, root: Root, action: str, scope: dict[str, bool]
) -> None:
    changes = [hold(root, path) for path in ("a", "b")]
    other = Change.objects.create(root=root, kind="added", path="c")
    chosen = {"action": action, "_selected_action": [change.pk for change in [*changes, other]]}
    assert "2 rows." in post(admin_client, "change", "changelist", **chosen)
    assert not Job.objects.exists()
    shown = post(admin_client, "change", "changelist", **chosen, confirmed="1")
    job = Job.objects.get()
    assert job.scope == {"root": root.pk, "changes": [change.pk for change in changes], **scope}
    assert f"Job #{job.pk} does that" in shown


def test_it_settles_one_held_removal(admin_client: Client, root: Root) -> None:
    change = hold(root)
    post(admin_client, "change", "drop", change.pk)
    assert Job.objects.get().scope == {"root": root.pk, "changes": [change.pk], "drop": True}


def test_it_offers_no_decision_about_what_is_not_held(admin_client: Client, root: Root) -> None:
    change = Change.objects.create(root=root, kind="added", path="c")
    assert "not possible any more" in post(admin_client, "change", "release", change.pk)
    assert not Job.objects.exists()


def test_it_filters_folders_that_could_not_be_listed(admin_client: Client, root: Root) -> None:
    Directory.objects.create(root=root, path="fine")
    Directory.objects.create(root=root, path="locked", error="permission denied")
    shown = admin_client.get(reverse("admin:monitors_directory_changelist"), {"errors": "yes"}).content.decode()
    assert "locked" in shown and "fine" not in shown


def test_its_crawl_form_makes_a_scope(root: Root) -> None:
    from monitors.forms import CrawlForm

    made = CrawlForm({"root": root.pk, "paths": "/a/\nb\n", "full": "on"})
    assert made.is_valid() and made.cleaned_data == {"root": root.pk, "paths": ["a", "b"], "full": True}
    assert not CrawlForm({"root": root.pk, "paths": "../a"}).is_valid()


@pytest.mark.parametrize(("files", "said"), [(1, "1 file, 5"), (1234, "1,234 files, 5")])
def test_a_root_says_how_much_it_holds(admin_client: Client, root: Root, files: int, said: str) -> None:
    Root.objects.update(files=files, bytes=5, crawled_at=timezone.now())
    assert said in admin_client.get(reverse("admin:monitors_root_changelist")).content.decode()
