from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import EntryPoint

import pytest

from catalog import plugins
from catalog.models import Playlist, Source
from catalog.sources.base import Page, PlaylistMeta, PlaylistRef, Reach, TrackMeta, Tracks
from mediasync.core.errors import UsageError
from mediasync.jobs.choices import JobState
from tests.catalog.jobs import run

GROUP = "mediasync.playlist_sources"


class Elsewhere:
    """A source that another package brings."""

    label = "Elsewhere"
    notice = "A test."
    pools = ("own",)
    fields = ()

    def __init__(self, reach: Reach) -> None:
        self.platform = reach.platform

    @classmethod
    def match_url(cls, url: str) -> PlaylistRef | None:
        return None

    def collect(self, pool: str) -> Iterator[Page]:
        yield Page((PlaylistMeta(PlaylistRef(self.platform, "1"), "One"),), has_more=False)

    def tracks(self, ref: PlaylistRef, strategy: str = "") -> Tracks:
        return Tracks("ok", (TrackMeta("x", "Title", snapshot={"odd": float("nan"), "nul": "a\0b"}),))


@pytest.fixture
def others(monkeypatch: pytest.MonkeyPatch) -> None:
    offered = [
        EntryPoint("elsewhere", "tests.catalog.test_plugins:Elsewhere", GROUP),
        EntryPoint("broken", "no_such_package:SOURCE", GROUP),
        EntryPoint("netease", "tests.catalog.test_plugins:Elsewhere", GROUP),
    ]
    found = {each.name: each for each in offered}
    monkeypatch.setattr(plugins, "_others", lambda group: found if group == GROUP else {})


@pytest.mark.usefixtures("others")
def test_it_knows_what_other_packages_offer_but_prefers_our_own() -> None:
    assert {"netease", "qq", "kuwo", "file", "elsewhere", "broken"} <= set(plugins.names(GROUP))
    assert len(plugins.names(GROUP)) == len(set(plugins.names(GROUP)))
    assert plugins.load(GROUP, "elsewhere").label == "Elsewhere"
    assert plugins.load(GROUP, "netease").__name__ == "Netease"
    with pytest.raises(UsageError, match="cannot be loaded"):
        plugins.load(GROUP, "broken")
    with pytest.raises(UsageError, match="There is no plug-in 'nothing'; there are: netease"):
        plugins.load(GROUP, "nothing")


@pytest.mark.django_db
@pytest.mark.usefixtures("others")
def test_it_collects_and_syncs_by_a_foreign_plugin() -> None:
    Source.objects.create(name="there", plugin="elsewhere", enabled=True)
    Source.objects.create(name="wrong", plugin="broken", enabled=True)  # keeps nobody from working
    assert run("collect_only").state == JobState.COMPLETED
    assert run("sync_only").state == JobState.COMPLETED
    song = Playlist.objects.get(platform="there").songs.get()
    assert (song.name, song.snapshot) == ("Title", {"odd": None, "nul": "ab", "artists": []})
