"""Building links: what is linked, and how."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from monitors.models import Change
from scanning.models import Link, LinkFolder

from .linking import Linking

pytestmark = pytest.mark.django_db


def written(path: Path) -> tuple[int, int, int]:
    """Return what moves when a link or a file is made anew or changed; reading it moves only its access time."""
    found = os.lstat(path)
    return found.st_ino, found.st_mtime_ns, found.st_ctime_ns


def test_it_links_videos_in_the_same_layout(tmp_path: Path) -> None:
    linking = Linking(tmp_path)
    linking.write("Film (2020)/Film.mkv", "Show/Season 1/E1.mp4", "Show/Season 1/notes.txt", "loose.avi")
    linking.look(change=False)
    assert linking.link()["made"] == 3
    source = str(linking.source)
    assert linking.tree() == {
        "Film (2020)/": "",
        "Film (2020)/Film.mkv": f"{source}/Film (2020)/Film.mkv",
        "Show/": "",
        "Show/Season 1/": "",
        "Show/Season 1/E1.mp4": f"{source}/Show/Season 1/E1.mp4",
        "loose.avi": f"{source}/loose.avi",
    }
    linking.rule.refresh_from_db()
    assert linking.rule.built_at is not None
    assert Link.objects.filter(state="ok").count() == 3


def test_it_leaves_right_links_untouched(tmp_path: Path) -> None:
    linking = Linking(tmp_path)
    linking.write("a/x.mkv", "b/y.mkv")
    linking.look(change=False)
    linking.link()
    before = [written(linking.target / p) for p in ("a/x.mkv", "b/y.mkv")]
    sums = linking.link(full=True)
    assert sums.get("made", 0) == sums.get("replaced", 0) == 0
    assert [written(linking.target / p) for p in ("a/x.mkv", "b/y.mkv")] == before


def test_it_proves_a_folder_right_by_its_time(tmp_path: Path) -> None:
    linking = Linking(tmp_path)
    linking.write("a/x.mkv", "b/y.mkv")
    linking.look(change=False)
    linking.link()
    for folder in ("", "a", "b"):
        os.utime(linking.target / folder, ns=(1, 1_600_000_000_123_456_789))
    linking.link(full=True)  # writes the proofs
    assert LinkFolder.objects.exclude(mtime_ns=0).count() == 3
    assert linking.link(full=True)["folders_right"] == 3
    (linking.target / "a/x.mkv").unlink()
    assert linking.link(full=True)["made"] == 1


def test_it_repairs_missing_and_wrong_links(tmp_path: Path) -> None:
    linking = Linking(tmp_path)
    linking.write("a/x.mkv", "a/y.mkv")
    linking.look(change=False)
    linking.link()
    good = linking.tree()
    (linking.target / "a/x.mkv").unlink()
    linking.rule.mode = "relative"
    linking.rule.save()
    assert linking.link(full=True, keep=True) == {"made": 1, "replaced": 1}
    assert linking.tree()["a/y.mkv"] == "../../source/a/y.mkv"
    linking.rule.mode = "absolute"
    linking.rule.save()
    linking.link(full=True)
    assert linking.tree() == good


def test_it_makes_relative_links_that_lead_to_the_source(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    linking = Linking(tmp_path, mode="relative")
    (tmp_path / "target").symlink_to(tmp_path / "elsewhere")
    linking.write("a/x.mkv")
    linking.look(change=False)
    linking.link()
    assert (linking.target / "a/x.mkv").read_bytes() == b"x" * 10


def test_it_writes_strm_files_and_rewrites_only_other_bodies(tmp_path: Path) -> None:
    linking = Linking(tmp_path, mode="strm", strm_body="http://nas/d/{url_relative}")
    linking.write("ä b/x.mkv", "ä b/x.mp4", "ä b/live.strm")
    linking.look(change=False)
    linking.link()
    assert linking.tree() == {
        "ä b/": "",
        "ä b/x.strm": "http://nas/d/%C3%A4%20b/x.mkv",
        "ä b/x.mp4.strm": "http://nas/d/%C3%A4%20b/x.mp4",
        "ä b/live.strm": "x" * 10,
    }
    before = written(linking.target / "ä b/x.strm")
    assert linking.link(full=True) == {"right": 3}
    assert written(linking.target / "ä b/x.strm") == before
    linking.rule.strm_body = "{path}"
    linking.rule.save()
    assert linking.link(full=True) == {"right": 1, "replaced": 2}


def test_it_skips_small_videos_and_other_kinds(tmp_path: Path) -> None:
    linking = Linking(tmp_path, minimum_size=100, kinds=["video", "audio"])
    linking.write("sample.mkv", "song.flac", "poster.jpg")
    linking.write("film.mkv", size=100)
    linking.look(change=False)
    linking.link()
    assert linking.files() == {"film.mkv", "song.flac", "poster.jpg"}


def test_it_brings_companions_only_where_a_film_is_linked(tmp_path: Path) -> None:
    linking = Linking(tmp_path)
    linking.write("Show/tvshow.nfo", "Show/poster.jpg", "Show/Season 1/E1.mkv", "Show/Season 1/E1.srt")
    linking.write("Film/Film.mkv", "Film/Subs/en/2.srt", "Photos/2020/beach.jpg", "root.jpg")
    linking.look(change=False)
    linking.link()
    assert linking.files() == {
        "Show/tvshow.nfo",
        "Show/poster.jpg",
        "Show/Season 1/E1.mkv",
        "Show/Season 1/E1.srt",
        "Film/Film.mkv",
        "Film/Subs/en/2.srt",
        "root.jpg",
    }


@pytest.mark.parametrize(("choice", "says"), [("copy", "x" * 10), ("leave", None)])
def test_it_copies_or_leaves_companions(tmp_path: Path, choice: str, says: str | None) -> None:
    linking = Linking(tmp_path, companions=choice)
    linking.write("Film/Film.mkv", "Film/Film.nfo")
    linking.look(change=False)
    linking.link()
    assert linking.tree().get("Film/Film.nfo") == says
    if says:
        assert linking.link(full=True) == {"right": 2}
        linking.write("Film/Film.nfo", size=12)
        linking.look()
        assert linking.link()["replaced"] == 1
        assert linking.tree()["Film/Film.nfo"] == "x" * 12


def test_it_leaves_discs_out_or_links_them_as_one(tmp_path: Path) -> None:
    linking = Linking(tmp_path)
    linking.write("Disc/BDMV/STREAM/1.m2ts", "Disc/poster.jpg", "Old/video_ts/VTS_01_1.VOB")
    linking.look(change=False)
    linking.link()
    assert linking.files() == set()
    linking.rule.discs = "unit"
    linking.rule.save()
    linking.link(full=True)
    assert linking.files() == {"Disc/BDMV", "Disc/poster.jpg", "Old/video_ts"}
    assert (linking.target / "Disc/BDMV/STREAM/1.m2ts").exists()
    linking.remove("Disc/BDMV/STREAM/1.m2ts")
    linking.look()
    linking.link()
    assert linking.files() == {"Old/video_ts"}


def test_it_makes_one_strm_of_the_largest_stream_of_a_disc(tmp_path: Path) -> None:
    linking = Linking(tmp_path, mode="strm", discs="unit", strm_body="{relative}")
    linking.write("Disc/BDMV/STREAM/1.m2ts")
    linking.write("Disc/BDMV/STREAM/2.m2ts", size=99)
    linking.look(change=False)
    linking.link()
    assert linking.tree()["Disc/Disc.strm"] == "Disc/BDMV/STREAM/2.m2ts"


def test_it_passes_changes_on_where_there_is_no_rule(tmp_path: Path) -> None:
    linking = Linking(tmp_path, enabled=False)
    linking.write("a.mkv")
    linking.look()
    assert linking.link() == {"linked": 1}
    assert Change.objects.get().state == Change.State.LINKED
    assert not linking.target.exists()


def test_it_says_that_a_line_break_cannot_stand_in_a_strm(tmp_path: Path) -> None:
    linking = Linking(tmp_path, mode="strm", strm_body="{path}")
    linking.write("a/x\ny.mkv", "a/z.mkv")
    linking.look(change=False)
    assert linking.link() == {"made": 1, "failed": 1}
    assert linking.files() == {"a/z.strm"}
    assert ("link_strm_newline", {"path": f"{linking.target}/a/x\ny.strm"}) in linking.events
    linking.rule.strm_body = "{url_path}"
    linking.rule.save()
    assert linking.link(full=True)["made"] == 1
