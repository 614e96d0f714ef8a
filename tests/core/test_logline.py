"""No line of the log holds the secret of a hook."""

from __future__ import annotations

import logging
import logging.config
import sys
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from mediasync.core.logline import Line, without_secrets


def test_it_ends_addresses_of_hooks_before_the_secret() -> None:
    for address in (
        "/hooks/sonarr/s3cret/",
        "http://nas:8000/hooks/a-b/s3cret/file_notify?x=1",
        "<POST '/hooks/a/s3cret'>",
    ):
        assert "s3cret" not in without_secrets(f"Not Found: {address}")
    assert without_secrets("/hooks/sonarr/ and /admin/monitors/hook/1/") == "/hooks/sonarr/ and /admin/monitors/hook/1/"


def test_it_writes_arguments_and_errors_without_secrets() -> None:
    try:
        raise ValueError("GET /hooks/a/s3cret/ failed")
    except ValueError:
        record = logging.LogRecord("x", 40, "", 1, "%s: %s", ("Bad", "/hooks/a/s3cret"), sys.exc_info())
    line = Line("%(levelname)s %(message)s").format(record)
    assert line.startswith("ERROR Bad: /hooks/a/…") and "ValueError" in line and "s3cret" not in line


@pytest.mark.django_db
def test_it_logs_no_secret_of_a_call_that_is_refused(caplog: pytest.LogCaptureFixture) -> None:
    made: Any = logging.config.DictConfigurator(settings.LOGGING)
    formatters: Any = settings.LOGGING["formatters"]
    line = made.configure_formatter(formatters["line"])
    caplog.handler.setFormatter(line)
    assert Client().post("/hooks/sonarr/s3cret/", "{}", content_type="application/json").status_code == 404
    assert "/hooks/sonarr/…" in caplog.text and "s3cret" not in caplog.text
