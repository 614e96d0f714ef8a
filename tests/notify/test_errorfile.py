"""Errors of mediasync itself."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core import mail
from django.db import OperationalError
from django.test import Client, override_settings
from django.urls import path

from mediasync.core.clock import FakeClock
from mediasync.jobs.drain import drain
from mediasync.jobs.models import Job
from mediasync.notify import chores, errorfile, sending
from mediasync.notify.errorfile import ErrorFile, take
from mediasync.notify.models import Channel, Message, Notice

from .conftest import NOW, after, rule_for


def fail(logger: logging.Logger, text: str = "boom") -> None:
    secret = "hunter2"
    try:
        raise RuntimeError(text)
    except RuntimeError:
        logger.exception("It failed, %s", secret)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "data" / errorfile.NAME


def logger_to(file: Path, name: str = "some.part") -> logging.Logger:
    logger = logging.Logger(name)
    logger.addHandler(ErrorFile(str(file)))
    return logger


def taken(file: Path) -> list[dict[str, Any]]:
    return [facts for _key, facts in take(file)]


def test_it_writes_down_an_unhandled_error_without_values(file: Path) -> None:
    fail(logger_to(file))
    assert file.stat().st_mode & 0o777 == 0o600
    [(key, facts)] = take(file)
    assert facts["error"] == "RuntimeError: boom"
    assert "test_errorfile.py" in facts["where"] and "RuntimeError" in key
    assert "hunter2" not in json.dumps(facts)
    assert taken(file) == [] and list(file.parent.iterdir()) == []


def test_the_same_error_has_the_same_key(file: Path) -> None:
    for text in ("one", "two"):
        fail(logger_to(file), text)
    assert len({key for key, _facts in take(file)}) == 1


@pytest.mark.parametrize("name", ["django.security.DisallowedHost", "mediasync.notify.sending", "apprise"])
def test_it_leaves_out_what_strangers_cause_and_itself(file: Path, name: str) -> None:
    fail(logger_to(file, name))
    assert not file.exists()


def test_it_leaves_out_what_is_no_exception(file: Path) -> None:
    logger = logger_to(file)
    logger.error("only words")
    logger.error("nothing was raised", exc_info=True)
    assert not file.exists()


def test_it_stops_before_it_fills_the_disk(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(errorfile, "MOST", 2000)
    for _ in range(50):
        fail(logger_to(file))
    assert file.stat().st_size < 5000


def test_a_folder_that_cannot_be_written_costs_the_line_only(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    fail(logger_to(tmp_path / "file" / "errors"))


def test_it_bears_rubbish_and_goes_on_where_another_died(file: Path) -> None:
    fail(logger_to(file))
    dead = file.with_name(file.name + ".reading")
    dead.write_bytes(b'\xff\xfe\n[]\n{"at": "x"}\n{"at": 1e99}\n' + file.read_bytes()[:40] + b"\n" + file.read_bytes())
    assert len(taken(file)) == 2
    assert list(file.parent.iterdir()) == []


MANY = """
import logging, sys
from mediasync.notify.errorfile import ErrorFile
logger = logging.Logger("some.part")
logger.addHandler(ErrorFile(sys.argv[1]))
for number in range(100):
    try:
        raise RuntimeError(number)
    except RuntimeError:
        logger.exception("It failed")
"""


def test_processes_do_not_mix_their_lines(file: Path) -> None:
    processes = [subprocess.Popen([sys.executable, "-c", MANY, str(file)]) for _ in range(3)]
    assert [process.wait(60) for process in processes] == [0, 0, 0]
    assert sorted(facts["error"] for facts in taken(file)) == sorted(
        f"RuntimeError: {n}" for n in range(100) for _ in "abc"
    )


def broken(request: Any) -> None:
    raise ZeroDivisionError("a page broke")


urlpatterns = [path("broken/", broken)]


@pytest.mark.django_db
@override_settings(ROOT_URLCONF=__name__, ADMINS=[("Boss", "boss@example.org")])
def test_administrators_are_mailed_of_a_page_that_broke_once_an_hour(administrators: Channel) -> None:
    list(take(settings.DATA_DIR / errorfile.NAME))
    for _ in range(3):
        assert Client(raise_request_exception=False).get("/broken/").status_code == 500
    assert mail.outbox == [], "the page did not wait for the mail"
    chores.tell_errors(NOW)
    chores.tell_errors(NOW)
    assert Notice.objects.count() == 1
    sending.run(after(60))
    drain(Job.objects.get(kind="notify").pk, clock=FakeClock(after(60)))
    assert Message.objects.get().state == Message.State.SENT
    assert "ZeroDivisionError: a page broke" in mail.outbox[0].body
    assert mail.outbox[0].to == ["boss@example.org"]


@pytest.mark.django_db
def test_an_error_is_told_of_when_the_database_answers_again(channel: Channel, monkeypatch: pytest.MonkeyPatch) -> None:
    rule_for(channel, "unhandled_error")
    list(take(settings.DATA_DIR / errorfile.NAME))
    fail(logger_to(settings.DATA_DIR / errorfile.NAME))

    def locked(*args: Any, **more: Any) -> None:
        raise OperationalError("database is locked")

    with monkeypatch.context() as patch:
        patch.setattr("django.db.models.query.QuerySet.bulk_create", locked)
        with pytest.raises(OperationalError):
            chores.tell_errors(NOW)
    assert not Notice.objects.exists()
    chores.tell_errors(NOW)
    assert Notice.objects.count() == 1


@pytest.mark.django_db
def test_a_probe_that_finds_no_worker_is_no_error(caplog: pytest.LogCaptureFixture) -> None:
    list(take(settings.DATA_DIR / errorfile.NAME))
    assert Client().get("/readyz").status_code == 503
    assert "ERROR" in {record.levelname for record in caplog.records}, "Django calls it one"
    assert not (settings.DATA_DIR / errorfile.NAME).exists()


@pytest.mark.django_db
def test_nobody_is_mailed_while_there_are_no_administrators(channel: Channel, administrators: Channel) -> None:
    fail(logger_to(settings.DATA_DIR / errorfile.NAME))
    rule_for(channel, "unhandled_error")
    chores.tell_errors(NOW)
    assert Notice.objects.exclude(rule__channel=channel).count() == 0
    assert Notice.objects.filter(rule__channel=channel).count() >= 1
