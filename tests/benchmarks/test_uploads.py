"""Planning to upload 50,000 files, and summing up where they are, takes seconds."""

from __future__ import annotations

import resource

import pytest

from catalog import presence
from catalog.models import StorageBackend, UploadTask
from catalog.storage.s3 import S3
from catalog.upload_queue import Queue, Wanted
from tests.catalog.rows import keep, local_backend, make_songs

FILES = 50_000
PLAN, SUM = 15.0, 8.0  # seconds of computing; measured were 3.4 and 1.7


def computed() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


@pytest.mark.slow
@pytest.mark.django_db
def test_it_plans_many_uploads_in_seconds() -> None:
    local = local_backend()
    keep(make_songs(FILES), local)
    target = StorageBackend.objects.create(name="s3", kind="object_storage", plugin="s3", container_name="music")
    storage = S3("music", {"base_prefix": "lib", "credential_env_prefix": "X"})
    begun = computed()
    assert sum(len(block) for block in Queue(target, storage, Wanted()).blocks()) == FILES
    planned = computed() - begun
    assert UploadTask.objects.filter(state="pending").count() == FILES
    begun = computed()
    assert presence.rebuild() == FILES
    summed = computed() - begun
    assert planned <= PLAN and summed <= SUM, (planned, summed)
