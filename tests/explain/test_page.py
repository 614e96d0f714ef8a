"""The page and the command."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any
from urllib.parse import quote

import pytest
from django.contrib.auth.models import Permission, User
from django.core.management import call_command
from django.test import Client

from mediasync.explain.views import NEEDED
from monitors.models import Directory, Hint

from .scene import FILM, NOW, Scene

pytestmark = pytest.mark.django_db


@pytest.fixture
def web() -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("boss"))
    return client


def staff(*permissions: str) -> Client:
    user = User.objects.create_user("helper", is_staff=True)
    names = [name.partition(".")[2] for name in permissions]
    user.user_permissions.set(Permission.objects.filter(codename__in=names))
    client = Client()
    client.force_login(user)
    return client


def test_it_shows_each_step_and_what_to_do(web: Client, scene: Scene) -> None:
    change = scene.change()
    row = scene.request("failed", answer="The server answered 400.", answer_status=400)
    page = web.get(f"/explain/?path={quote(str(scene.file))}").content.decode()
    for text in ("What to do", "press Replay", "lies in the root “media”", "Library Films", "400", "<time datetime="):
        assert text in page, text
    for address in (f"monitors/change/{change.pk}/change/", f"scanning/scanrequest/{row.pk}/change/"):
        assert f'href="/admin/{address}"' in page


def test_an_empty_page_asks_for_a_path(web: Client, scene: Scene) -> None:
    page = web.get("/explain/")
    assert page.status_code == 200
    assert "What to do" not in page.content.decode()
    assert web.get("/explain/?path=").status_code == 200


@pytest.mark.parametrize(
    "path", ["%00", "/%00x", "%FF", "/" + "a" * 4090, "/a" * 3000, "%5C%5Chost%5Cshare", "/<script>"]
)
def test_it_bears_rubbish(web: Client, scene: Scene, path: str) -> None:
    page = web.get(f"/explain/?path={path}&source=x%00")
    assert page.status_code == 200
    assert "<script>" not in page.content.decode().split("<h1", 1)[1].partition("</main>")[0]


def test_it_answers_with_data(web: Client, scene: Scene) -> None:
    data = web.get(f"/explain/?format=json&path={quote(str(scene.file))}").json()
    assert data["local"] == str(scene.file)
    assert data["todo"][0]["code"] == "todo_never_told"


def test_only_staff_who_may_see_all_of_it_see_it(scene: Scene) -> None:
    assert Client().get("/explain/?path=/x").headers["Location"].startswith("/admin/login/")
    plain = User.objects.create_user("plain")
    client = Client()
    client.force_login(plain)
    assert client.get("/explain/?path=/x").status_code == 302
    assert staff(*NEEDED[:-1]).get("/explain/?path=/x").status_code == 403
    User.objects.get(username="helper").delete()
    assert staff(*NEEDED).get("/explain/?path=/x").status_code == 200
    assert staff_post(scene) == 405


def staff_post(scene: Scene) -> int:
    client = Client()
    client.force_login(User.objects.get(username="helper"))
    return client.post("/explain/?path=/x").status_code


@pytest.mark.parametrize("page", ["change", "hint", "root", "request", "directory"])
def test_other_pages_lead_there(web: Client, scene: Scene, page: str) -> None:
    change, request = scene.change(), scene.request("sent")
    hint = Hint.objects.create(source="watch", root=scene.root, path="Films/Heat (1995)", name="Heat.mkv")
    folder = Directory.objects.get(path="Films")
    place, target = {
        "change": (f"monitors/change/{change.pk}/change", scene.file),
        "hint": (f"monitors/hint/{hint.pk}/change", scene.file),
        "root": (f"monitors/root/{scene.root.pk}/change", scene.top),
        "request": ("scanning/scanrequest", request.local_path),
        "directory": (f"monitors/directory/{folder.pk}/change", scene.top / "Films"),
    }[page]
    text = web.get(f"/admin/{place}/").content.decode()
    assert f'href="/explain/?path={quote(str(target), safe="").replace("%20", "+")}"' in text


def explain(*words: str, **options: Any) -> str:
    out = StringIO()
    call_command("explain", *words, stdout=out, **options)
    return out.getvalue()


def test_the_command_tells_the_same(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    scene.request("verified", sent_at=NOW, verified_at=NOW)
    text = explain(str(scene.file))
    assert "✓ verified  The server knows it  2026-03-01 12:00:00" in text
    assert "→ Nothing: every server knows how it is." in text
    monkeypatch.chdir(scene.top)
    assert explain(FILM) == text


def test_the_command_takes_no_path_of_windows_for_one_of_this_folder(scene: Scene) -> None:
    data = json.loads(explain("D:\\media\\Heat.mkv", "--json"))
    assert (data["path"], data["todo"][0]["code"]) == ("D:\\media\\Heat.mkv", "todo_windows")


def test_the_command_speaks_json(scene: Scene) -> None:
    data = json.loads(explain("/nowhere", "--json"))
    assert data["todo"][0]["code"] == "todo_no_root"
    assert json.loads(explain("x y", source="sonarr", json=True))["local"] is None
