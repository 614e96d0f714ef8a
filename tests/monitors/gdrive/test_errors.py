"""What becomes of each refusal that was recorded, and of others."""

from __future__ import annotations

import datetime as dt
import json
import socket
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from mediasync.core.errors import AccessDenied, MediasyncError, Permanent, Transient, Unreachable
from monitors.accounts.gdrive_client import Drive
from monitors.accounts.gdrive_errors import next_quota, translate
from monitors.models import Account
from tests.fakes.gdrive import FakeDrive, problem
from tests.fakes.server import Response, as_json

from .conftest import SECRETS, recorded, refusal
from .judge import judged

Ask = Callable[[Response], MediasyncError]


@pytest.fixture
def ask(account: Account, fake: FakeDrive) -> Ask:
    def ask(response: Response) -> MediasyncError:
        fake.instead("files", response, 3)  # google-auth asks again after a 401
        with closing(Drive(account)) as client, pytest.raises(MediasyncError) as caught:
            client.file("1a")
            raise MediasyncError("nothing was raised")
        fake.instead_of.clear()
        return caught.value

    return ask


@pytest.mark.parametrize(
    ("name", "kind", "code"),
    [
        ("400_badRequest", Permanent, "drive_refused"),
        ("400_invalidSharingRequest", Permanent, "drive_refused"),
        ("401_authError", AccessDenied, "drive_denied"),
        ("403_appNotAuthorizedToFile", Permanent, "drive_refused"),
        ("403_dailyLimitExceeded", Transient, "quota_spent"),
        ("403_domainPolicy", AccessDenied, "drive_denied"),
        ("403_insufficientFilePermissions", Permanent, "drive_refused"),
        ("403_rateLimitExceeded", Transient, "throttled"),
        ("403_sharingRateLimitExceeded", Transient, "throttled"),
        ("403_userRateLimitExceeded", Transient, "throttled"),
        ("429_rateLimitExceeded", Transient, "throttled"),
        ("500_backendError", Transient, "drive_failed"),
    ],
)
def test_it_tells_recorded_refusals_apart(ask: Ask, fixtures: Path, name: str, kind: type, code: str) -> None:
    error = ask(refusal(fixtures, name))
    assert (type(error), error.code) == (kind, code)
    assert error.params["status"] == int(name[:3]) and error.params["reason"] == name[4:]
    account = Account.objects.get()
    assert account.paused == (kind is AccessDenied)
    assert (account.cooldown_until is not None) == (code in ("quota_spent", "throttled"))


def test_it_takes_nothing_found_for_an_answer(account: Account, fake: FakeDrive, fixtures: Path) -> None:
    fake.instead("files", refusal(fixtures, "404_notFound"))
    with closing(Drive(account)) as client:
        assert client.file("1a") is None


@pytest.mark.parametrize(
    ("limit", "code"), [("QueriesPerDayPerProject", "quota_spent"), ("QueriesPerMinutePerUser", "throttled")]
)
def test_it_tells_limits_of_a_day_from_those_of_a_minute(ask: Ask, limit: str, code: str) -> None:
    details = [{"@type": "x", "reason": "RATE_LIMIT_EXCEEDED", "metadata": {"quota_limit": limit}}]
    said = {"error": {"code": 429, "message": "Quota exceeded", "status": "RESOURCE_EXHAUSTED", "details": details}}
    assert ask(as_json(said, 429)).code == code


def test_it_knows_an_api_that_is_not_enabled(ask: Ask) -> None:
    said = {"error": {"code": 403, "message": "off", "errors": [{"reason": "accessNotConfigured"}]}}
    assert ask(as_json(said, 403)).code == "drive_api_off"


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"error": 5}', b'{"error": {"errors": 5}}', b"\xff" * 9])
@pytest.mark.parametrize("status", [400, 403, 503])
def test_it_survives_refusals_that_say_nothing(ask: Ask, status: int, body: bytes) -> None:
    error = ask(Response(status, body, "text/html"))
    assert isinstance(error, Transient if status == 503 else Permanent) or error.code == "drive_unreadable"


def test_it_waits_as_long_as_it_is_told(ask: Ask) -> None:
    error = ask(Response(429, b"{}", headers={"Retry-After": "77"}))
    assert isinstance(error, Transient) and error.retry_after == 77


def test_it_never_repeats_a_secret(account: Account, fake: FakeDrive, ask: Ask) -> None:
    said = {"error": {"code": 400, "message": f"bad {SECRETS['refresh_token']} and {SECRETS['client_secret']}"}}
    error = ask(as_json(said, 400))
    text = f"{error} {error.params} {error.__cause__}"
    assert not [secret for secret in SECRETS.values() if secret in text]


@pytest.mark.parametrize(
    ("response", "kind"),
    [
        (as_json({"error": "invalid_grant", "error_description": "refresh-me"}, 400), AccessDenied),
        (as_json({"error": "invalid_client"}, 401), AccessDenied),
        (Response(503, b"<html>"), Transient),
        (Response(200, b"{}"), Transient),
        (Response(200, b"<html>"), Transient),
    ],
)
def test_it_tells_refused_tokens_from_a_token_server_in_trouble(
    account: Account, fake: FakeDrive, response: Response, kind: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("google.auth._exponential_backoff.time.sleep", lambda seconds: None)
    fake.instead("token", response, 9)
    with closing(Drive(account)) as client, pytest.raises(MediasyncError) as caught:
        client.top()
    assert type(caught.value) is kind and "refresh-me" not in str(caught.value)
    assert Account.objects.get().paused == (kind is AccessDenied)


def test_it_says_that_nobody_answers(account: Account) -> None:
    account.options = {**account.options, "endpoint": "http://127.0.0.1:9", "token_uri": "http://127.0.0.1:9/token"}
    with closing(Drive(account)) as client, pytest.raises(Unreachable):
        client.top()


@pytest.mark.parametrize(
    ("now", "then"),
    [
        ((2026, 1, 10, 7, 59), (2026, 1, 10, 8)),
        ((2026, 1, 10, 8, 0), (2026, 1, 11, 8)),
        ((2026, 7, 10, 12, 0), (2026, 7, 11, 7)),
    ],
)
def test_it_knows_when_google_counts_anew(now: tuple[int, ...], then: tuple[int, ...]) -> None:
    assert next_quota(dt.datetime(*now, tzinfo=dt.UTC)) == dt.datetime(*then, tzinfo=dt.UTC)  # type: ignore[misc]


def test_the_judge_accepts_recordings_and_nothing_else(fixtures: Path) -> None:
    for file in sorted((fixtures / "google-drive" / "changes").glob("changed-content*.json")):
        assert judged("drive.v3", "ChangeList", json.loads(file.read_text())) == []
    page = recorded(fixtures, "changes/changed-content_removed.json")
    assert judged("drive.v3", "ChangeList", {**page, "more": 1}) != []
    assert judged("drive.v3", "ChangeList", {"changes": [{"removed": "yes"}]}) != []


@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n{", b"\x00\xffrubbish\r\n\r\n"])
def test_it_takes_a_cut_answer_for_none(account: Account, said: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def hang_up() -> None:
            while True:
                try:
                    caller, _ = server.accept()
                except OSError:
                    return
                with caller:
                    caller.recv(65536)
                    caller.sendall(said)

        threading.Thread(target=hang_up, daemon=True).start()
        account.options = {**account.options, "endpoint": f"http://127.0.0.1:{server.getsockname()[1]}"}
        with closing(Drive(account)) as client, pytest.raises(Transient):
            client.file("1a")
        server.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize("asked", ["inf", "nan", "-1", "999999999", "soon", "Fri, 31 Dec 9999 23:59:59 GMT"])
def test_no_answer_has_it_wait_for_ever(ask: Ask, asked: str) -> None:
    refused = problem(503, "backendError", "Later.")
    error = ask(Response(503, refused.body, headers={"Retry-After": asked}))
    assert isinstance(error, Transient)
    assert error.retry_after is None or 0 <= error.retry_after <= 3600


@pytest.mark.parametrize(
    ("said", "of_service_account", "kind", "code"),
    [
        ("unauthorized_client", True, Permanent, "drive_scope"),
        ("unauthorized_client", False, AccessDenied, "drive_denied"),
        ("invalid_scope", False, Permanent, "drive_scope"),
        ("invalid_grant", True, AccessDenied, "drive_denied"),
    ],
)
def test_a_right_that_was_not_granted_is_no_reason_to_pause_the_account(
    said: str, of_service_account: bool, kind: type, code: str
) -> None:
    from google.auth.exceptions import RefreshError

    refused = RefreshError(f"{said}: no", {"error": said})
    secrets = {"key": "k"} if of_service_account else {"refresh": "r"}
    error = translate(refused, secrets, dt.datetime.now(dt.UTC))
    assert (type(error), error and error.code) == (kind, code)
