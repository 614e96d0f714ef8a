"""Where uploads go: registering an object storage, by hand and from the settings."""

from __future__ import annotations

from typing import Any

import pytest

from catalog import uploads
from catalog.models import StorageBackend
from mediasync.core.errors import Conflict, UsageError

from .rows import keep, local_backend, make_songs

pytestmark = pytest.mark.django_db
CONFIG = {
    "endpoint": "https://s3.example.com",
    "region": "auto",
    "base_prefix": "music",
    "addressing_style": "path",
    "public_base_url": "https://cdn.example.com",
    "credential_env_prefix": "CATALOG_MAIN_S3",
}


def test_registering_twice_changes_nothing() -> None:
    first, new = uploads.register_object_backend("main-s3", "music-bucket", **CONFIG)
    second, again = uploads.register_object_backend("main-s3", "music-bucket", **CONFIG)
    assert (first, new, again) == (second, True, False)
    assert (first.kind, first.plugin, first.container_name) == ("object_storage", "s3", "music-bucket")
    assert first.config == CONFIG
    uploads.register_object_backend("main-s3", "music-bucket", **{**CONFIG, "region": "eu-west-1", "base_prefix": ""})
    changed = StorageBackend.objects.get()
    assert changed.config["region"] == "eu-west-1" and "base_prefix" not in changed.config


def test_a_bucket_with_files_is_not_exchanged_for_another() -> None:
    backend, _new = uploads.register_object_backend("main-s3", "empty", **CONFIG)
    uploads.register_object_backend("main-s3", "music", **CONFIG)
    keep(make_songs(1), backend)
    with pytest.raises(Conflict):
        uploads.register_object_backend("main-s3", "other", **CONFIG)
    assert StorageBackend.objects.get().container_name == "music"


def test_the_name_of_another_kind_is_refused() -> None:
    local_backend(name="library")
    with pytest.raises(Conflict):
        uploads.register_object_backend("library", "music", **CONFIG)


@pytest.mark.parametrize(
    "wrong", [{"endpoint": "s3.example.com"}, {"addressing_style": "odd"}, {"credential_env_prefix": "1-x"}]
)
def test_settings_that_cannot_be_are_not_stored(wrong: dict[str, str]) -> None:
    with pytest.raises(UsageError):
        uploads.register_object_backend("main-s3", "music", **{**CONFIG, **wrong})
    assert not StorageBackend.objects.exists()


def test_it_is_registered_from_the_settings(settings: Any) -> None:
    assert uploads.register_from_settings() is None
    settings.OBJECT_BACKEND = {"name": "main-s3", "bucket": "music", **CONFIG}
    backend = uploads.register_from_settings()
    assert backend is not None and backend.config == CONFIG
    assert uploads.register_from_settings() == backend


def test_the_target_is_the_one_that_is_named_or_the_only_one(settings: Any) -> None:
    with pytest.raises(UsageError):
        uploads.target({})
    local = local_backend()
    first, _new = uploads.register_object_backend("one", "one", **CONFIG)
    assert uploads.target({}) == first
    second, _new = uploads.register_object_backend("two", "two", **CONFIG)
    with pytest.raises(UsageError, match="one, two"):
        uploads.target({})
    assert uploads.target({"backend": second.pk}) == second
    assert uploads.target({"backend": local.pk}) == local  # a copy in another folder is an upload, too
    settings.OBJECT_BACKEND = {"name": "two", "bucket": "two", **CONFIG}
    assert uploads.target({}) == second
    StorageBackend.objects.filter(pk=second.pk).update(enabled=False)
    with pytest.raises(UsageError):
        uploads.target({"backend": second.pk})
