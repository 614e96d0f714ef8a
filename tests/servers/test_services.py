"""Tokens, pauses, and the list of libraries."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import connection
from pytest_django import Settings

from mediasync.core.errors import Permanent, UsageError
from mediasync.core.secrets import Unreadable
from mediasync.servers import limits, services
from mediasync.servers.models import Library, Server
from tests.fakes.server import FakeServer
from tests.fakes.server import Library as FakeLibrary

pytestmark = pytest.mark.django_db
NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def titles(server: Server) -> list[str]:
    return list(server.libraries.order_by("title").values_list("title", flat=True))


def test_a_token_is_not_in_the_database(server: Server, fake: FakeServer) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM servers_server")
        assert fake.token not in str(cursor.fetchall())
    assert services.access_of(server).token == fake.token
    assert fake.token not in repr(services.access_of(server))


def test_the_key_can_be_changed_with_the_old_one_behind(server: Server, settings: Settings) -> None:
    old = settings.FIELD_KEY
    settings.FIELD_KEY = f"new, {old}"
    settings.SECRET_KEY = "of no use"
    assert services.access_of(server).token
    services.save(server, token="again")
    settings.FIELD_KEY = "new"
    assert services.access_of(server).token == "again"


def test_a_lost_key_is_a_state_and_no_crash(server: Server, settings: Settings) -> None:
    settings.FIELD_KEY = settings.SECRET_KEY = "a wholly different key"
    with pytest.raises(Unreadable):
        services.client_for(server)
    assert services.refresh_libraries_if_stale(server) is False
    server.refresh_from_db()
    assert (server.paused, server.paused_reason) == (True, "secret_unreadable")
    services.save(server, token="fake-token")
    server.refresh_from_db()
    assert server.paused is False
    assert services.refresh_libraries_if_stale(server) is True


def test_saving_without_a_token_keeps_it(server: Server, fake: FakeServer) -> None:
    server.name = "Renamed"
    services.save(server)
    assert services.access_of(Server.objects.get()).token == fake.token


def test_an_address_that_is_none_is_refused(server: Server) -> None:
    server.url = "plex:32400"
    with pytest.raises(UsageError):
        services.save(server)


def test_pausing_and_resuming_say_whether_they_did_anything(server: Server) -> None:
    assert (services.pause(server), services.pause(server)) == (True, False)
    assert limits.ready(server) is not None
    assert (services.resume(server), services.resume(server)) == (True, False)
    assert limits.ready(server) is None


def test_a_pause_by_hand_survives_a_new_token(server: Server) -> None:
    services.pause(server)
    server.refresh_from_db()
    services.save(server, token="new")
    server.refresh_from_db()
    assert server.paused is True


def test_libraries_are_replaced_as_a_whole(server: Server, fake: FakeServer) -> None:
    first = services.load_libraries(server)
    assert (first.total, first.added, first.removed) == (2, ("Movies", "Shows"), ())
    Library.objects.filter(title="Movies").update(enabled=False)
    films, shows = fake.libraries.values()
    films.title, films.paths = "Films", ["/new//place/"]
    del fake.libraries[shows.key]
    second = services.load_libraries(server)
    assert (second.total, second.added, second.removed) == (1, (), ("Shows",))
    [library] = server.libraries.all()
    assert (library.title, library.enabled) == ("Films", False)
    assert [each.path for each in library.paths.all()] == ["/new/place"]


def test_it_tells_others_only_of_what_has_changed(server: Server, fake: FakeServer) -> None:
    heard: list[Server] = []

    def hear(server: Server, **_more: object) -> None:
        heard.append(server)

    services.libraries_changed.connect(hear)
    try:
        services.load_libraries(server)
        services.load_libraries(server)
        assert heard == [server]
        next(iter(fake.libraries.values())).paths.append("/one/more")
        services.load_libraries(server)
        assert heard == [server] * 2
        library = server.libraries.first()
        assert library is not None
        services.set_library_enabled(library, False)
        assert heard == [server] * 2
        services.set_library_enabled(library, True)  # what it was left out of may have no other
        assert heard == [server] * 3
    finally:
        services.libraries_changed.disconnect(hear)


def test_nothing_is_removed_by_half_an_answer_or_an_empty_one(server: Server, fake: FakeServer) -> None:
    services.load_libraries(server)
    fake.fail(200, body=b'{"MediaContainer": {"size": 2}}')
    with pytest.raises(Permanent):
        services.load_libraries(server)
    assert titles(server) == ["Movies", "Shows"]
    fake.libraries.clear()
    assert services.load_libraries(server).total == 0
    assert titles(server) == ["Movies", "Shows"]


def test_libraries_stay_fresh_for_five_minutes(server: Server, fake: FakeServer) -> None:
    assert services.refresh_libraries_if_stale(server, now=NOW) is True
    before = len(fake.requests)
    assert services.refresh_libraries_if_stale(server, now=NOW + dt.timedelta(minutes=4)) is True
    assert len(fake.requests) == before
    services.refresh_libraries_if_stale(server, now=NOW + dt.timedelta(minutes=5))
    assert len(fake.requests) == before + 1


def test_a_miss_reads_again_once(server: Server, fake: FakeServer) -> None:
    services.refresh_libraries_if_stale(server, now=NOW)
    fake.libraries["9"] = FakeLibrary("New", "movie", ["/new"], key="9")
    later = NOW + dt.timedelta(seconds=20)
    assert services.refresh_libraries_if_stale(server, force_once=True, now=later) is True
    assert "New" in titles(server)
    before = len(fake.requests)
    services.refresh_libraries_if_stale(server, force_once=True, now=later)
    assert len(fake.requests) == before


def test_an_offline_server_keeps_what_we_know(server: Server, fake: FakeServer) -> None:
    services.refresh_libraries_if_stale(server, now=NOW)
    fake.fail(503, Retry_After="60")
    later = NOW + dt.timedelta(minutes=10)
    assert services.refresh_libraries_if_stale(server, now=later) is False
    assert titles(server) == ["Movies", "Shows"]
    assert limits.ready(server, later) == later + dt.timedelta(seconds=60)
    before = len(fake.requests)
    assert services.refresh_libraries_if_stale(server, now=later) is False
    assert len(fake.requests) == before
