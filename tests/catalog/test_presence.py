"""The summary of which songs are where follows from the locations, and can be made anew."""

from __future__ import annotations

import pytest

from catalog import presence
from catalog.models import FileLocation, Presence

from .rows import keep, local_backend, make_songs

pytestmark = pytest.mark.django_db


def summary() -> set[tuple[int, int, int, int]]:
    return set(Presence.objects.values_list("song", "backend", "files", "size"))


def test_it_counts_what_is_active() -> None:
    here, there = local_backend(), local_backend("/other", "other")
    songs = make_songs(3)
    keep(songs, here)
    asset = songs[0].assets.get()
    for backend, locator, status in ((here, "b", "active"), (there, "a", "active"), (there, "b", "inactive")):
        FileLocation.objects.create(file_asset=asset, backend=backend, locator=locator, status=status)
    assert presence.refresh([song.pk for song in songs]) == 4
    one, two, three = (song.pk for song in songs)
    expected = {
        (one, here.pk, 2, 2 * (1000 + one)),
        (one, there.pk, 1, 1000 + one),
        (two, here.pk, 1, 1000 + two),
        (three, here.pk, 1, 1000 + three),
    }
    assert summary() == expected
    assert presence.refresh([song.pk for song in songs]) == 0


def test_it_forgets_what_is_gone_and_leaves_others_alone() -> None:
    here = local_backend()
    songs = make_songs(2)
    keep(songs, here)
    presence.rebuild()
    FileLocation.objects.update(status="inactive")
    assert presence.refresh([songs[0].pk]) == 1
    assert {row[0] for row in summary()} == {songs[1].pk}


def test_it_is_made_anew_from_nothing_and_from_rubbish() -> None:
    here = local_backend()
    songs = make_songs(1001)
    keep(songs[:1000], here)
    assert presence.rebuild() == 1000
    right = summary()
    Presence.objects.filter(song__in=songs[:5]).delete()
    Presence.objects.filter(song__in=songs[5:10]).update(files=9)
    Presence.objects.create(song=songs[1000], backend=here, files=1, size=1)
    assert presence.rebuild() == 11
    assert summary() == right
