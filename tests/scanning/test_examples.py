"""Examples of the mapping rules: kept, judged again, shown beside the rules."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from mediasync.core.errors import Conflict, UsageError
from mediasync.servers.models import Server
from scanning import examples
from scanning.models import MappingExample, PathMapping, ScanRequest

from .helpers import make_server

pytestmark = pytest.mark.django_db
TRY = "/admin/scanning/pathmapping/try/"
RULE = {"space": "server", "order": 1, "pattern": "/mnt", "replacement": "/data", "enabled": "on"}


@pytest.fixture
def rule() -> PathMapping:
    make_server()
    PathMapping.objects.create(space="source", source="sonarr", pattern="/tv", replacement="/mnt/tv")
    return PathMapping.objects.create(space="server", pattern="/mnt", replacement="/srv")


def failing() -> list[tuple[str, str, str]]:
    return [wrong for each in examples.failing() for wrong in each.wrong]


def test_it_keeps_what_the_rules_make_of_a_path(rule: PathMapping) -> None:
    row = examples.save("/tv/A", "sonarr")
    assert (row.local, list(row.expected.values())) == ("/mnt/tv/A", ["/srv/tv/A"])
    assert failing() == []
    assert examples.save("/tv/A", "sonarr").pk == row.pk


def test_it_tells_which_rule_makes_it_wrong(rule: PathMapping) -> None:
    examples.save("/tv/A", "sonarr")
    examples.save("/mnt/other")
    hijack = PathMapping.objects.create(space="server", order=1, pattern="/mnt/tv", replacement="/x")
    assert failing() == [("plex", "/srv/tv/A", "/x/A")]
    counts = examples.by_rule(examples.judged())
    assert counts[hijack.pk] == (0, 1)
    assert counts[rule.pk] == (1, 0)


def test_it_notices_that_a_source_rule_is_gone(rule: PathMapping) -> None:
    examples.save("/tv/A", "sonarr")
    PathMapping.objects.filter(space="source").delete()
    assert ("", "/mnt/tv/A", "/tv/A") in failing()


def test_an_answer_that_is_none_can_be_expected(rule: PathMapping) -> None:
    PathMapping.objects.filter(pk=rule.pk).delete()
    rule_of_error = make_server("emby", unmatched="error")
    row = examples.save("/elsewhere")
    assert row.expected[str(rule_of_error.pk)] == "!unmatched"
    assert failing() == []


def test_a_new_server_and_one_that_is_gone_do_not_count(rule: PathMapping) -> None:
    server = make_server("emby")
    examples.save("/mnt/A")
    make_server("jellyfin", unmatched="error")
    server.delete()
    assert failing() == []


@pytest.mark.parametrize("path", ["", "/a\0b", "/" + "a" * 5000])
def test_it_refuses_what_is_no_path(rule: PathMapping, path: str) -> None:
    with pytest.raises(UsageError):
        examples.save(path)


def test_it_keeps_no_more_than_it_can_judge(rule: PathMapping, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(examples, "MOST", 1)
    examples.save("/mnt/A")
    examples.save("/mnt/A")
    with pytest.raises(Conflict):
        examples.save("/mnt/B")


def test_the_tester_saves_an_example(admin_client: Client, rule: PathMapping) -> None:
    page = admin_client.get(f"{TRY}?path=/tv/A&source=sonarr").content.decode()
    assert "Save as example" in page
    assert not MappingExample.objects.exists()
    answer = admin_client.post(f"{TRY}save/", {"path": "/tv/A", "source": "sonarr"}, follow=True)
    assert "is kept as an example" in answer.content.decode()
    assert MappingExample.objects.get().local == "/mnt/tv/A"
    answer = admin_client.post(f"{TRY}save/", {"path": "", "source": ""}, follow=True)
    assert "no path" in answer.content.decode()


def test_saving_a_rule_runs_them_again(admin_client: Client, rule: PathMapping) -> None:
    examples.save("/mnt/A")
    page = admin_client.post("/admin/scanning/pathmapping/add/", RULE, follow=True).content.decode()
    assert "The example /mnt/A does not hold any more: plex: /data/A instead of /srv/A" in page
    assert "✕" in page
    switched = PathMapping.objects.get(replacement="/data")
    page = admin_client.post(f"/admin/scanning/pathmapping/{switched.pk}/switch_off/", follow=True).content.decode()
    assert "does not hold" not in page


def test_a_page_accepts_the_new_answer_and_forgets_examples(admin_client: Client, rule: PathMapping) -> None:
    row = examples.save("/mnt/A")
    PathMapping.objects.update(replacement="/data")
    place = f"/admin/scanning/mappingexample/{row.pk}"
    assert "Does not hold" in admin_client.get("/admin/scanning/mappingexample/").content.decode()
    assert "/data/A instead of /srv/A" in admin_client.get(f"{place}/change/").content.decode()
    admin_client.post(f"{place}/accept/")
    assert failing() == []
    assert "Holds" in admin_client.get("/admin/scanning/mappingexample/").content.decode()
    admin_client.post(f"{place}/delete/", {"post": "yes"})
    assert not MappingExample.objects.exists()


def test_who_may_only_look_may_not_save(rule: PathMapping) -> None:
    user = User.objects.create_user("helper", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename="view_pathmapping"))
    client = Client()
    client.force_login(user)
    assert "Save as example" not in client.get(f"{TRY}?path=/mnt/A").content.decode()
    assert client.post(f"{TRY}save/", {"path": "/mnt/A"}).status_code == 403
    assert client.post("/admin/scanning/pathmapping/suggest/take/", {}).status_code == 403
    assert client.get("/admin/scanning/pathmapping/suggest/").status_code == 200


def test_the_lists_cost_the_same_for_many(
    admin_client: Client, rule: PathMapping, django_assert_max_num_queries
) -> None:
    for number in range(30):
        examples.save(f"/mnt/{number}")
        PathMapping.objects.create(space="server", pattern=f"/{number}", replacement="/x")
    with django_assert_max_num_queries(22):
        admin_client.get("/admin/scanning/mappingexample/")
    with django_assert_max_num_queries(26):
        admin_client.get("/admin/scanning/pathmapping/")


def test_deleting_a_selection_looks_again_at_what_had_no_library(admin_client: Client, rule: PathMapping) -> None:
    ScanRequest.objects.create(server=Server.objects.get(), path="/mnt/A", state="failed", answer="unmatched")
    data = {"action": "delete_selected", "_selected_action": [rule.pk], "post": "yes"}
    admin_client.post("/admin/scanning/pathmapping/", data)
    assert not PathMapping.objects.filter(pk=rule.pk).exists()
    assert ScanRequest.objects.get().state == "no_library"
