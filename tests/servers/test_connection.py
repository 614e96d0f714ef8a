"""The connection test."""

from __future__ import annotations

import socket

import pytest

from mediasync.jobs import registry
from mediasync.servers import connection, services
from mediasync.servers.models import Server
from tests.fakes.server import FakeServer

pytestmark = pytest.mark.django_db


def codes(steps: list[connection.Step]) -> list[tuple[bool, str]]:
    return [(step.ok, step.code) for step in steps]


def test_it_goes_all_the_way(server: Server, fake: FakeServer) -> None:
    steps = connection.examine(server)
    assert codes(steps) == [
        (True, "server_step_name"),
        (True, "server_step_token"),
        (True, "server_step_version"),
        (True, "server_step_libraries"),
    ]
    row = Server.objects.get()
    assert row.version
    assert row.seen_at is not None
    assert fake.token not in " ".join(registry.text(step.code, step.params) for step in steps)


def test_every_step_has_a_sentence(server: Server, fake: FakeServer) -> None:
    fake.fail(418, times=3, body=b"I am a teapot")
    [_, step] = connection.examine(server)
    assert registry.text(step.code, step.params) == "The server answered 418: I am a teapot"


def test_a_wrong_token_pauses_and_a_right_one_resumes(server: Server, fake: FakeServer) -> None:
    right, fake.token = fake.token, "another"
    assert codes(connection.examine(server))[-1] == (False, "server_denied")
    server.refresh_from_db()
    assert server.paused is True
    fake.token = right
    assert codes(connection.examine(server))[-1] == (True, "server_step_resumed")
    server.refresh_from_db()
    assert server.paused is False


def test_a_pause_by_hand_stays(server: Server) -> None:
    services.pause(server)
    connection.examine(server)
    server.refresh_from_db()
    assert server.paused is True


def test_it_closes_the_breaker(server: Server) -> None:
    Server.objects.update(fails=7)
    server.refresh_from_db()
    connection.examine(server)
    server.refresh_from_db()
    assert server.fails == 0


def test_a_name_nobody_knows(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*args: object, **kwargs: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    assert codes(connection.examine(server)) == [(False, "server_step_no_name")]


def test_nobody_there(server: Server) -> None:
    Server.objects.update(url="http://127.0.0.1:9")
    server.refresh_from_db()
    assert codes(connection.examine(server))[-1] == (False, "server_unreachable")
    server.refresh_from_db()
    assert server.last_error


def test_it_gives_up_in_time(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "LIMIT", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        Server.objects.update(url=f"http://127.0.0.1:{silent.getsockname()[1]}")
        server.refresh_from_db()
        assert codes(connection.examine(server))[-1] == (False, "server_timeout")


def test_a_token_of_another_key(server: Server) -> None:
    server.token_sealed = "nonsense"
    assert codes(connection.examine(server)) == [(False, "secret_unreadable")]
