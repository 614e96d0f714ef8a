from __future__ import annotations

import pytest

from catalog import revisions
from catalog.models import ConfigRevision, DownloadSource, Source, StorageBackend
from catalog.reach import seal
from mediasync.core.errors import NotFound

pytestmark = pytest.mark.django_db


def paths(before: ConfigRevision | None, after: ConfigRevision | None) -> dict[str, tuple[object, object]]:
    assert before and after
    return {each.path: (each.before, each.after) for each in revisions.compare(before.content, after.content)}


def test_it_saves_what_changed_and_only_then() -> None:
    Source.objects.create(name="home", plugin="subsonic", settings={"address": "http://a.example"})
    first = revisions.save("begin", "me")
    assert first and (first.note, first.actor) == ("begin", "me")
    assert revisions.save() is None
    Source.objects.update(enabled=True, last_error="busy", settings={"address": "http://b.example"})
    second = revisions.save()
    assert paths(first, second) == {
        "sources.home.enabled": (False, True),
        "sources.home.settings.address": ("http://a.example", "http://b.example"),
    }


def test_it_keeps_no_secret() -> None:
    Source.objects.create(name="home", plugin="subsonic", secret_sealed=seal("very-secret"))
    row = revisions.save()
    assert row and "secret" not in str(row.content)


def test_it_restores_and_can_take_that_back() -> None:
    Source.objects.create(name="home", plugin="subsonic", enabled=True, pace=2.0, secret_sealed=seal("s"))
    DownloadSource.objects.create(name="box", plugin="webdav", order=1)
    old = StorageBackend.objects.create(
        name="disk", kind="local_fs", plugin="local_fs", container_name="/a", is_default=True
    )
    first = revisions.save()
    assert first
    Source.objects.all().delete()
    Source.objects.create(name="new", plugin="podcast", enabled=True)
    DownloadSource.objects.update(order=9, settings={"address": "http://x.example"})
    StorageBackend.objects.update(is_default=False)
    StorageBackend.objects.create(
        name="other", kind="local_fs", plugin="local_fs", container_name="/b", is_default=True
    )
    changed = revisions.current()
    assert revisions.restore(first.pk, "me") == []
    home, new = Source.objects.get(name="home"), Source.objects.get(name="new")
    assert (home.enabled, home.pace, home.secret_sealed) == (True, 2.0, "")  # it was deleted, and its secret with it
    assert not new.enabled  # switched off, not deleted
    assert DownloadSource.objects.values_list("order", "settings").get() == (1, {})
    old.refresh_from_db()
    assert old.is_default
    assert StorageBackend.objects.values_list("is_default", "enabled").get(name="other") == (False, False)
    last, before = ConfigRevision.objects.all()[:2]
    assert (last.restored_from_id, last.actor) == (first.pk, "me")
    assert before.content == changed
    revisions.restore(before.pk)
    assert StorageBackend.objects.get(name="other").is_default
    assert Source.objects.get(name="new").enabled


def test_it_says_what_only_the_environment_can_bring_back(settings: object) -> None:
    settings.DOWNLOAD_WORKERS = 3  # type: ignore[attr-defined]
    first = revisions.save()
    settings.DOWNLOAD_WORKERS = 7  # type: ignore[attr-defined]
    assert first and revisions.restore(first.pk) == ["settings.DOWNLOAD_WORKERS"]


def test_it_does_not_know_every_number() -> None:
    with pytest.raises(NotFound):
        revisions.restore(999)
