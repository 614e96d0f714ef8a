"""The pages of a job and the page that starts one."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from django.contrib.auth.models import User
from django.test import Client

from mediasync.core.errors import UsageError
from mediasync.jobs import registry
from mediasync.jobs.models import Command, Event, Group, Item, Job, Stage


class One(registry.Stage):
    name = "one"
    label = "Look through the folders"


def check_scope(scope: object) -> dict[str, str]:
    if scope != {"root": 1} and scope != {}:
        raise UsageError("There is no such root.")
    return dict(scope)


DEMO = registry.JobKind(
    "demo",
    "Demo",
    (One(),),
    check_scope=check_scope,
    title=lambda scope: ("demo_title", {"name": "Films\n"}),
    texts={"demo_title": "Crawl of %(name)s", "refused_here": "Permission denied: %(path)s"},
)


@pytest.fixture(autouse=True)
def demo(db: None) -> Iterator[None]:
    with registry.registered(DEMO):
        yield


@pytest.fixture
def boss() -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("boss"))
    return client


def make_job(groups: int = 2, items: int = 3, **fields: object) -> tuple[Job, Stage]:
    job = Job.objects.create(kind="demo", title_code="demo_title", title_params={"name": "Films\n"}, **fields)
    stage = Stage.objects.create(job=job, seq=1, name="one", total=groups * items, planned=True)
    for number in range(groups):
        group = Group.objects.create(stage=stage, key=f"g{number:03}", total=items)
        Item.objects.bulk_create(Item(stage=stage, group=group, key=f"g{number:03}/i{n:04}") for n in range(items))
    return job, stage


def page(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return answer.content.decode()


def test_it_begins_the_title_with_the_state(boss: Client) -> None:
    job, _stage = make_job(state="paused")
    assert f"<title>❚❚ #{job.pk} Crawl of Films\\x0a | mediasync</title>" in page(
        boss, f"/admin/jobs/job/{job.pk}/change/"
    )


def test_it_opens_groups_by_link(boss: Client) -> None:
    job, stage = make_job()
    closed = page(boss, f"/admin/jobs/job/{job.pk}/change/")
    assert "g000/i0000" not in closed
    first, second = stage.groups.order_by("key")
    assert f"?open={first.pk}#g{first.pk}" in closed
    opened = page(boss, f"/admin/jobs/job/{job.pk}/change/?open={first.pk}")
    assert "g000/i0000" in opened and "g001/i0000" not in opened
    assert f"?open={first.pk},{second.pk}#g{second.pk}" in opened


def test_it_opens_the_only_group_by_itself(boss: Client) -> None:
    job, _stage = make_job(groups=1)
    assert "g000/i0002" in page(boss, f"/admin/jobs/job/{job.pk}/change/")


def test_it_pages_through_all_items_by_key(boss: Client) -> None:
    job, stage = make_job(groups=1, items=250)
    seen, address = [], f"/admin/jobs/job/{job.pk}/items/?group={stage.groups.get().pk}"
    for _page in range(3):
        html = page(boss, address)
        seen += re.findall(r"g000/i\d{4}", html)
        if more := re.search(r'href="([^"]*after=[^"]*)">More', html):
            address = more.group(1).replace("&amp;", "&")
    assert seen == sorted(set(seen)) and len(seen) == 250


def test_it_pages_through_items_of_one_state(boss: Client) -> None:
    job, stage = make_job(groups=2, items=120)
    Item.objects.filter(key__contains="/i00").update(
        state="failed", error_code="refused_here", error_params={"path": "/x"}
    )
    html = page(boss, f"/admin/jobs/job/{job.pk}/change/?state=failed")
    assert html.count("Permission denied: /x") == 100
    more = re.search(r'href="([^"]*after=[^"]*)">More', html)
    assert more
    rest = page(boss, more.group(1).replace("&amp;", "&"))
    assert rest.count("Permission denied: /x") == 100
    group = stage.groups.order_by("key")[0]
    assert (
        page(boss, f"/admin/jobs/job/{job.pk}/items/?group={group.pk}&state=failed").count("Permission denied") == 100
    )


def test_it_pages_through_groups(boss: Client) -> None:
    job, _stage = make_job(groups=130, items=1)
    html = page(boss, f"/admin/jobs/job/{job.pk}/change/")
    more = re.search(r'href="([^"]*after=[^"]*)">More groups', html)
    assert more
    rest = page(boss, more.group(1).replace("&amp;", "&"))
    assert "g129" in rest and "g099" not in rest


def test_it_shows_items_without_a_group_beside_the_groups(boss: Client) -> None:
    job, stage = make_job(groups=1, items=2)
    Item.objects.bulk_create(Item(stage=stage, key=f"loose {n:03}") for n in range(150))
    Stage.objects.update(total=152)
    html = page(boss, f"/admin/jobs/job/{job.pk}/change/")
    assert "loose 099" in html and "loose 100" not in html and "g000" in html
    more = re.search(r'href="([^"]*after=[^"]*)">More<', html)
    assert more
    rest = page(boss, more.group(1).replace("&amp;", "&"))
    assert "loose 149" in rest and "loose 099" not in rest and "g000/" not in rest


def test_it_offers_retry_only_where_it_is_possible(boss: Client) -> None:
    job, stage = make_job(groups=1, items=2, state="completed_with_errors")
    failed, fine = stage.items.order_by("key")
    Item.objects.filter(pk=failed.pk).update(state="failed")
    Item.objects.filter(pk=fine.pk).update(state="succeeded")
    html = page(boss, f"/admin/jobs/job/{job.pk}/change/")
    assert f"/items/{failed.pk}/retry/" in html and html.count('name="force"') == 1
    boss.post(f"/admin/jobs/job/{job.pk}/items/{failed.pk}/retry/")
    assert Command.objects.get().verb == "retry_item"
    Job.objects.update(state="running")
    assert "/retry/" not in page(boss, f"/admin/jobs/job/{job.pk}/change/")


def test_it_filters_events_by_level_and_shows_the_newest_first(boss: Client) -> None:
    job, _stage = make_job()
    Event.objects.create(job=job, code="job_running")
    Event.objects.create(job=job, code="refused_here", params={"path": "/mnt/\U0010dcff"}, level=40)
    html = page(boss, f"/admin/jobs/job/{job.pk}/change/")
    assert html.index("Permission denied: /mnt/\\xff") < html.index("> Started")
    assert "Started" not in page(boss, f"/admin/jobs/job/{job.pk}/change/?level=30")


def test_it_sets_the_priority_by_a_form_of_its_own(boss: Client) -> None:
    job, _stage = make_job()
    boss.post(f"/admin/jobs/job/{job.pk}/priority/", {"priority": "70"})
    assert Command.objects.get().args == {"priority": 70}
    boss.post(f"/admin/jobs/job/{job.pk}/priority/", {"priority": "much"})
    assert Command.objects.count() == 1


@pytest.mark.parametrize("query", ["?open=x,9,,-1", "?state=nonsense", "?level=x&before=y", "?open=" + "9" * 40])
def test_it_survives_nonsense_in_the_address(boss: Client, query: str) -> None:
    job, _stage = make_job()
    page(boss, f"/admin/jobs/job/{job.pk}/change/{query}")


def test_it_answers_404_for_items_of_another_job(boss: Client) -> None:
    job, _stage = make_job()
    _other, stage = make_job()
    group = stage.groups.all()[0]
    for query in (f"?group={group.pk}", f"?stage={stage.pk}", "", f"?stage={stage.pk}&state=failed&after=x"):
        assert boss.get(f"/admin/jobs/job/{job.pk}/items/{query}").status_code == 404, query
    assert boss.post(f"/admin/jobs/job/{job.pk}/items/{stage.items.all()[0].pk}/retry/").status_code == 404


def test_it_refuses_a_post_to_the_page_itself(boss: Client) -> None:
    job, _stage = make_job()
    assert boss.post(f"/admin/jobs/job/{job.pk}/change/").status_code == 405


def test_it_starts_a_job_and_says_when_one_waits_already(boss: Client) -> None:
    assert "Scope (JSON)" in page(boss, "/admin/jobs/job/start/?kind=demo")
    first = boss.post("/admin/jobs/job/start/demo/", {"scope": '{"root": 1}'}, follow=True)
    job = Job.objects.get()
    assert (job.scope, job.actor, job.trigger) == ({"root": 1}, "boss", "manual")
    assert first.redirect_chain[-1][0] == f"/admin/jobs/job/{job.pk}/change/"
    second = boss.post("/admin/jobs/job/start/demo/", {"scope": '{"root": 1}'}, follow=True)
    assert "waiting already" in second.content.decode()
    assert Job.objects.count() == 1


@pytest.mark.parametrize(
    ("scope", "words"),
    [('{"root": 2}', "There is no such root."), ("[1]", "must be a JSON object"), ("{", "Enter a valid JSON")],
)
def test_it_says_what_is_wrong_with_a_scope(boss: Client, scope: str, words: str) -> None:
    answer = boss.post("/admin/jobs/job/start/demo/", {"scope": scope})
    assert words in answer.content.decode()
    assert not Job.objects.exists()


def test_it_finds_jobs_by_number_title_and_path(boss: Client) -> None:
    found = Job.objects.create(
        kind="demo", title_code="demo_title", title_params={"name": "영화"}, scope={"path": "/a/b"}
    )
    Job.objects.create(kind="demo", title_code="demo_title", title_params={"name": "x"})
    for term in (f"%23{found.pk}", "영화", "/a/b"):
        rows = boss.get(f"/admin/jobs/job/?q={term}").context["cl"].result_list
        assert [row.pk for row in rows] == [found.pk], term


@pytest.mark.parametrize(("tab", "number"), [("running", 1), ("waiting", 1), ("attention", 2), ("done", 2)])
def test_it_sorts_jobs_into_tabs(boss: Client, tab: str, number: int) -> None:
    for state in ("running", "queued", "interrupted", "failed", "completed"):
        Job.objects.create(kind="demo", state=state)
    assert boss.get(f"/admin/jobs/job/?show={tab}").context["cl"].result_count == number


def test_it_offers_no_way_to_add_or_delete_a_job(boss: Client) -> None:
    job, _stage = make_job()
    assert boss.get("/admin/jobs/job/add/").status_code == 403
    assert boss.post(f"/admin/jobs/job/{job.pk}/delete/", {"post": "yes"}).status_code == 403
    assert "delete_selected" not in page(boss, "/admin/jobs/job/")
