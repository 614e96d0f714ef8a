"""Calls over HTTP: who may, what is stored, and what is answered."""

from __future__ import annotations

import datetime as dt
import io
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client
from gunicorn.http.errors import ChunkMissingTerminator  # type: ignore[import-untyped]
from pytest_django import DjangoAssertNumQueries, Settings

from mediasync.core.clock import FakeClock, system
from monitors import views
from monitors.hooks import calls, payloads
from monitors.hooks import services as hooks
from monitors.models import Hook, Payload
from tests.monitors.hooking import basic

pytestmark = pytest.mark.django_db
BODY = '{"eventType": "Test"}'


@pytest.fixture
def hook() -> Hook:
    return hooks.add_hook("sonarr-4k", "sonarr")


@pytest.fixture
def client() -> Client:
    return Client(enforce_csrf_checks=True, raise_request_exception=True)


def post(client: Client, address: str, body: Any = BODY, **more: Any) -> int:
    return client.post(address, body, content_type="application/json", **more).status_code


def test_it_stores_the_raw_body_by_one_insert(
    client: Client, hook: Hook, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    body = b"\xef\xbb\xbf{ broken \x00\xff"
    with django_assert_num_queries(2):
        assert post(client, hooks.url_of(hook) + "?a=%2f", body) == 200
    stored = Payload.objects.get()
    assert (bytes(stored.body), stored.state, stored.method) == (body, "received", "POST")
    assert (stored.path, stored.query, stored.sender) == ("/hooks/sonarr-4k/", "a=%2f", "127.0.0.1")


def test_it_takes_the_address_without_a_slash_and_with_put(client: Client, hook: Hook) -> None:
    address = hooks.url_of(hook)
    assert post(client, address.rstrip("/")) == 200
    assert client.put(address, BODY, content_type="application/json").status_code == 200
    assert client.head(address).status_code == 200
    assert client.get(address).status_code == 405
    assert client.delete(address).status_code == 405
    assert Payload.objects.count() == 2


def test_it_answers_a_wrong_secret_like_a_hook_that_is_not_there(client: Client, hook: Hook) -> None:
    for name in ("sonarr-4k", "sonarr", "nobody"):
        assert post(client, f"/hooks/{name}/wrong/") == 404
        assert post(client, f"/hooks/{name}/") == 401
        assert post(client, f"/hooks/{name}/", headers=basic("x", "wrong")) == 401
    assert post(client, "/triggers/sonarr-4k", headers=basic("x", "wrong")) == 401
    assert post(client, "/triggers/nobody") == 401
    assert not Payload.objects.exists()


def test_it_knows_a_hook_by_its_kind_too(client: Client, hook: Hook) -> None:
    other = hooks.add_hook("sonarr-hd", "sonarr")
    assert post(client, f"/hooks/sonarr/{hooks.secret_of(other)}/") == 200
    assert Payload.objects.get().hook == other


def test_it_refuses_a_hook_that_is_switched_off(client: Client, hook: Hook) -> None:
    Hook.objects.update(enabled=False)
    assert post(client, hooks.url_of(hook)) == 403
    assert not Payload.objects.exists()


def test_it_takes_basic_auth(client: Client, hook: Hook) -> None:
    secret = hooks.secret_of(hook)
    assert post(client, "/hooks/sonarr-4k/", headers=basic("anybody", secret)) == 200
    hook.username = "arr"
    hooks.save(hook, password="pass:wörd")
    assert post(client, "/triggers/sonarr-4k", headers=basic("arr", "pass:wörd")) == 200
    assert post(client, "/triggers/sonarr-4k", headers=basic("other", "pass:wörd")) == 401
    assert post(client, "/triggers/sonarr-4k", headers=basic("arr", secret)) == 401
    for header in ("Basic", "Basic !!!", "Basic YWJj", "Bearer x", "Basic " + "A" * 100_000):
        assert post(client, "/triggers/sonarr-4k", headers={"Authorization": header}) == 401
    assert "Authorization" not in Payload.objects.latest("id").headers


def test_it_takes_the_old_secret_for_a_while(client: Client, hook: Hook, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = FakeClock(system.now())
    old = hooks.url_of(hook)
    hooks.rotate(hook, clock=clock)
    assert hooks.url_of(hook) != old
    assert (post(client, old), post(client, hooks.url_of(hook))) == (200, 200)
    Hook.objects.update(old_until=clock.now() - dt.timedelta(seconds=1))
    assert (post(client, old), post(client, hooks.url_of(hook))) == (404, 200)
    gone = hooks.url_of(hook)
    hooks.rotate(hook, dt.timedelta(0))
    assert post(client, gone) == 404


def test_it_refuses_big_bodies_without_reading_on(client: Client, hook: Hook) -> None:
    assert post(client, hooks.url_of(hook), b"x" * calls.MOST) == 200
    assert post(client, hooks.url_of(hook), b"x" * (calls.MOST + 1)) == 413
    assert post(client, hooks.url_of(hook), b"x", headers={"Content-Length": str(10**12)}) == 413
    assert Payload.objects.count() == 1


def test_it_refuses_a_body_that_was_cut_off(client: Client, hook: Hook) -> None:
    address = hooks.url_of(hook)
    cut: dict[str, Any] = {"wsgi.input": io.BytesIO(b"{"), "CONTENT_LENGTH": "5"}
    assert client.generic("POST", address, b"", **cut).status_code == 400
    assert not Payload.objects.exists()


def test_it_reads_a_chunked_body_where_the_server_ends_it(client: Client, hook: Hook) -> None:
    address = hooks.url_of(hook)
    chunked: dict[str, Any] = {"HTTP_TRANSFER_ENCODING": "chunked", "CONTENT_LENGTH": ""}
    assert client.generic("POST", address, b"", **chunked).status_code == 411
    for body, status in ((b"{}", 200), (b"x" * (calls.MOST + 1), 413)):
        chunked |= {"wsgi.input": io.BytesIO(body), "wsgi.input_terminated": True}
        assert client.generic("POST", address, b"", **chunked).status_code == status
    assert bytes(Payload.objects.get().body) == b"{}"


def test_it_refuses_a_chunked_body_that_the_server_cannot_read(client: Client, hook: Hook) -> None:
    class Broken(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            raise ChunkMissingTerminator(b"\n0")

    broken: dict[str, Any] = {"wsgi.input": Broken(), "wsgi.input_terminated": True, "CONTENT_LENGTH": ""}
    broken["HTTP_TRANSFER_ENCODING"] = "chunked"
    assert client.generic("POST", hooks.url_of(hook), b"", **broken).status_code == 400
    assert not Payload.objects.exists()


def test_it_keeps_no_secrets_of_a_call(client: Client, hook: Hook) -> None:
    headers = {"Cookie": "a=b", "X-Api-Key": "k", "X-Plex-Token": "t", "User-Agent": "Sonarr/4", **basic("u", "p")}
    headers["X-Original-URI"] = hooks.url_of(hook)  # as some proxies say
    assert post(client, hooks.url_of(hook) + "?apikey=k&path=%2Fa&token=t&x", headers=headers) == 200
    stored = Payload.objects.get()
    assert stored.headers.pop("X-Original-Uri") == "/hooks/sonarr-4k/…/"
    assert stored.query == "path=%2Fa&x"
    assert stored.headers["User-Agent"] == "Sonarr/4"
    assert {name.lower() for name in stored.headers} <= {"user-agent", "content-type", "content-length", "host"}


def test_it_spools_a_call_while_the_database_is_locked(
    client: Client, hook: Hook, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.DATA_DIR = tmp_path
    address = hooks.url_of(hook)
    assert post(client, address) == 200

    def locked(*_args: Any, **_more: Any) -> None:
        raise OperationalError("database is locked")

    with monkeypatch.context() as patch:
        patch.setattr(Payload, "save", locked)
        patch.setattr(hooks, "called", locked)  # not even who may call can be read: it is still known
        assert post(client, address, b'{"a": 1}') == 202
        assert post(client, "/hooks/other/x/") == 503
    assert [file.suffix for file in (tmp_path / "spool").iterdir()] == [".json"]
    payloads.parse_waiting()
    assert bytes(Payload.objects.latest("id").body) == b'{"a": 1}'
    assert not list((tmp_path / "spool").iterdir())


def test_it_asks_to_come_back_when_nothing_can_be_stored(
    client: Client, hook: Hook, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.DATA_DIR = tmp_path / "file"
    settings.DATA_DIR.touch()
    monkeypatch.setattr(Payload, "save", lambda *_args, **_more: (_ for _ in ()).throw(OperationalError("locked")))
    answer = client.post(hooks.url_of(hook), BODY, content_type="application/json")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "30")


def test_it_asks_for_no_login_and_sets_no_cookie(client: Client, hook: Hook) -> None:
    answer = client.post(hooks.url_of(hook), BODY, content_type="application/json")
    assert not answer.cookies
    assert "no-store" in answer.headers["Cache-Control"]
    assert views._last  # known if the database should be gone the next time


def test_it_remembers_no_more_than_it_can(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    hooks.add_hook("a-train", "atrain")
    monkeypatch.setattr(views, "MOST_KNOWN", 10)
    for number in range(30):  # nobody has to know a password for that
        assert post(client, f"/triggers/a-train/{number}") == 401
    assert len(views._last) <= 10
