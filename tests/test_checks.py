"""Unsafe combinations of settings refuse to start."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from django.conf import settings
from django.core.checks import run_checks
from django.test import override_settings

from mediasync import checks
from mediasync.core import filesystems


def ids() -> set[str]:
    return {message.id for message in run_checks() if (message.id or "").startswith("mediasync.")}


def database(**options: Any) -> dict[str, Any]:
    changed = deepcopy(settings.DATABASES)
    changed["default"]["OPTIONS"] = {**changed["default"].get("OPTIONS", {}), **options}
    return changed


def cluster(**values: Any) -> dict[str, Any]:
    return {**settings.Q_CLUSTER, **values}


def test_it_accepts_the_settings_that_we_ship() -> None:
    assert ids() == set()


def test_the_admin_names_only_columns_and_fields_that_there_are() -> None:
    import mediasync.urls  # noqa: F401 -- light commands check the admin before it is loaded, and find nothing

    assert not [message for message in run_checks() if (message.id or "").startswith("admin.")]


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        (lambda: {"SECRET_KEY": "changeme"}, "mediasync.E001"),
        (lambda: {"SECRET_KEY": "django-insecure-" + "x" * 50}, "mediasync.E001"),
        (lambda: {"DATABASES": database(transaction_mode="DEFERRED")}, "mediasync.E002"),
        (lambda: {"DATABASES": database(init_command="")}, "mediasync.E003"),
        (lambda: {"DATABASES": database(timeout=1)}, "mediasync.E004"),
        (lambda: {"LEASE_SECONDS": 5.0, "HEARTBEAT_SECONDS": 2.0}, "mediasync.E010"),
        (lambda: {"LEASE_SECONDS": 20.0}, "mediasync.E011"),
        (lambda: {"Q_CLUSTER": cluster(orm="other")}, "mediasync.E020"),
        (lambda: {"Q_CLUSTER": cluster(queue_limit=0)}, "mediasync.E021"),
        (lambda: {"Q_CLUSTER": cluster(retry=60)}, "mediasync.E022"),
        (lambda: {"Q_CLUSTER": cluster(guard_cycle=3)}, "mediasync.E023"),
        (
            lambda: {"CACHES": {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}},
            "mediasync.E024",
        ),
        (lambda: {"Q_CLUSTER": cluster(timeout=10)}, "mediasync.E025"),
        (lambda: {"DEBUG": True, "LISTEN": "0.0.0.0:8000"}, "mediasync.W001"),
    ],
)
@pytest.mark.filterwarnings("ignore:Overriding setting DATABASES")
def test_it_refuses(changed: Any, problem: str) -> None:
    with override_settings(**changed()):
        assert problem in ids()


def test_it_refuses_a_data_folder_on_a_network_file_system(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filesystems, "kind_of", lambda path: "nfs4")
    assert [message.id for message in checks.data_folder_is_local(None)] == ["mediasync.E006"]
