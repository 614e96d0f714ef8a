"""Link rules and links in the admin."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.test import Client

from mediasync.jobs.models import Job
from monitors.models import Root
from scanning.models import LinkRule

from .linking import Linking

pytestmark = pytest.mark.django_db


def test_it_saves_a_rule_only_where_it_does_no_harm(admin_client: Client, tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    root = Root.objects.create(name="r", path=str(tmp_path / "source"))
    data = {
        "root": root.pk, "enabled": "on", "target": root.path + "/links", "mode": "absolute", "strm_body": "{path}",
        "kinds": ["video"], "minimum_size": 0, "companions": "link", "collision": "number", "discs": "skip",
        "trash_days": 0,
    }  # fmt: skip
    answer = admin_client.post("/admin/scanning/linkrule/add/", data)
    assert b"choose one outside of it" in answer.content
    answer = admin_client.post("/admin/scanning/linkrule/add/", data | {"target": str(tmp_path / "links")}, follow=True)
    assert b"it will be made" in answer.content
    assert LinkRule.objects.get().kinds == ["video"]


def test_it_shows_links_and_asks_for_repairs_by_post(admin_client: Client, tmp_path: Path) -> None:
    linking = Linking(tmp_path)
    linking.write("a/x.mkv", b"\xff\n.mkv")
    linking.look(change=False)
    linking.link()
    assert b"a/x.mkv" in admin_client.get("/admin/scanning/link/").content
    assert admin_client.get("/admin/scanning/linkrule/").status_code == 200
    address = f"/admin/scanning/linkrule/{linking.rule.pk}/sweep/"
    assert admin_client.get(address).status_code == 405
    assert admin_client.post(address).status_code == 302
    assert Job.objects.get().scope == {"root": linking.root.pk, "full": True}
