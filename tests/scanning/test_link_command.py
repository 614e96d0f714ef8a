"""``manage.py link``, through the real engine."""

from __future__ import annotations

import json
import os
import shutil
from contextlib import nullcontext
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from mediasync.core.errors import Permanent
from mediasync.jobs import services as jobs
from mediasync.jobs.models import Item, Stage
from mediasync.jobs.registry import JobInfo
from monitors.models import Root
from scanning.links.rules import RuleSpec
from scanning.links.run import Run
from scanning.models import Link, LinkRule

from .linking import Linking, LooseContext

pytestmark = pytest.mark.django_db


def link(*arguments: str) -> tuple[int, dict[str, Any]]:
    """Run the command; return its exit code and what it says as JSON."""
    out, code = StringIO(), 0
    try:
        call_command("link", *arguments, "--json", stdout=out, stderr=StringIO())
    except SystemExit as end:
        code = int(str(end.code))
    return code, json.loads(out.getvalue())


@pytest.fixture
def linking(tmp_path: Path) -> Linking:
    linking = Linking(tmp_path)
    linking.write("a/x.mkv", "a/y.mkv", "b/z.mkv")
    linking.look(change=False)
    return linking


def test_it_builds_repairs_and_checks(linking: Linking) -> None:
    name = linking.root.name
    assert link(name, "--check")[1]["missing"] == 3
    code, facts = link(name)
    assert (code, facts["made"], facts["state"]) == (0, 3, "completed")
    assert link(name, "--check") == (0, link(name, "--check")[1])
    (linking.target / "a/x.mkv").unlink()
    (linking.target / "b/z.mkv").unlink()
    (linking.target / "b/z.mkv").write_text("mine")
    (linking.target / "b/stranger.mkv").symlink_to(linking.source / "gone.mkv")
    shutil.rmtree(linking.source / "b")
    LinkRule.objects.update(mode="relative")
    before = linking.tree()
    code, facts = link(name, "--check")
    assert code == 1
    assert {kind: facts[kind] for kind in ("missing", "wrong", "taken", "broken", "orphaned")} == {
        "missing": 1,
        "wrong": 1,
        "taken": 1,
        "broken": 0,
        "orphaned": 1,
    }
    assert linking.tree() == before
    assert link(name)[0] == 0
    assert os.readlink(linking.target / "a/x.mkv") == "../../source/a/x.mkv"
    assert (linking.target / "b/z.mkv").read_text() == "mine"


def test_it_tells_of_links_whose_source_is_not_there(linking: Linking) -> None:
    link(linking.root.name)
    (linking.source / "a/x.mkv").unlink()
    code, facts = link(linking.root.name, "--check")
    assert (code, facts["broken"], facts["right"]) == (1, 1, 2)


def test_it_sweeps_only_what_is_ours_and_confirmed_gone(linking: Linking) -> None:
    name = linking.root.name
    link(name)
    linking.remove("a/x.mkv")
    linking.remove("b/z.mkv")
    linking.look(change=False)  # the change was lost
    assert link(name, "--check")[1]["orphaned"] == 2
    assert link(name)[1]["held"] == 2
    Root.objects.update(guard="suspect")
    assert link(name, "--sweep")[1]["removed"] == 0
    Root.objects.update(guard="ok")
    assert link(name, "--sweep")[1]["removed"] == 2
    assert linking.tree().keys() == {"a/", "a/y.mkv"}
    assert link(name, "--check")[0] == 0
    assert Link.objects.filter(state="removed").count() == 2


def test_it_ends_with_errors_where_the_rule_says_so(linking: Linking) -> None:
    LinkRule.objects.update(collision="error")
    (linking.target / "a").mkdir(parents=True)
    (linking.target / "a/x.mkv").write_text("foreign")
    code, facts = link(linking.root.name)
    assert (code, facts["state"]) == (3, "completed_with_errors")
    assert facts["problems"][0]["code"] == "link_collision"
    assert linking.files() == {"a/x.mkv", "a/y.mkv", "b/z.mkv"}


def test_it_says_what_is_missing(linking: Linking) -> None:
    LinkRule.objects.all().delete()
    with pytest.raises(CommandError, match="no link rule") as caught:
        call_command("link", linking.root.name)
    assert caught.value.returncode == 5
    with pytest.raises(CommandError, match="There is no root") as caught:
        call_command("link", "nope")
    assert caught.value.returncode == 5


def test_it_makes_a_rule(linking: Linking, tmp_path: Path) -> None:
    LinkRule.objects.all().delete()
    linking.target = tmp_path / "links"
    for _ in range(2):
        assert link(linking.root.name, "--to", f"{linking.target}/")[0] == 0
    assert linking.files() == {"a/x.mkv", "a/y.mkv", "b/z.mkv"}
    with pytest.raises(CommandError, match="outside") as caught:
        call_command("link", linking.root.name, "--to", f"{linking.source}/links")
    assert caught.value.returncode == 2


def test_it_speaks_to_people(linking: Linking, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("link", linking.root.name)
    assert "3 made" in capsys.readouterr().out
    call_command("link", linking.root.name, "--check")
    assert "3 right, 0 missing" in capsys.readouterr().out


@pytest.mark.parametrize(("code", "built"), [("link_collision", True), ("link_target_missing", False)])
def test_collisions_are_no_reason_to_build_again_but_others_are(linking: Linking, code: str, built: bool) -> None:
    LinkRule.objects.update(collision="error")
    job = jobs.submit("link", {"root": linking.root.pk}).job
    stage = Stage.objects.create(job=job, seq=0, name="link")
    Item.objects.create(stage=stage, key="x", state="failed", error_code=code)
    rule = LinkRule.objects.get()
    ctx = LooseContext({"root": linking.root.pk})
    ctx.job = JobInfo(job.pk, "link", ctx.job.scope, {}, "manual", "")
    with nullcontext() if built else pytest.raises(Permanent):
        Run(rule, RuleSpec.of(rule), ctx).built()
    rule.refresh_from_db()
    assert (rule.built_at is not None) == built
