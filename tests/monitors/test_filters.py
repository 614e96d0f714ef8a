from __future__ import annotations

import marshal

import pytest

from mediasync.core.paths import to_text
from monitors.filters import KINDS, Filter, kind_of, make_keep, translate


def kept(filter_: Filter, path: bytes, is_dir: bool = False) -> bool:
    keep = make_keep(marshal.loads(marshal.dumps(filter_.spec())))
    return keep(path.rpartition(b"/")[2], is_dir, path)


def test_it_puts_each_extension_into_one_kind() -> None:
    everything = [extension for extensions in KINDS.values() for extension in extensions]
    assert len(everything) == len(set(everything))
    assert {"m2ts", "iso", "strm", "rmvb", "dvr-ms"} <= KINDS["video"]
    assert {"flac", "m4b"} <= KINDS["audio"] and {"srt", "ass", "ssa", "sup"} <= KINDS["subtitle"]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        (b"Film.MKV", "video"),
        (b"a.b.srt", "subtitle"),
        (b"poster.jpg", "image"),
        (b"movie.nfo", "metadata"),
        (b"Mr. Robot", ""),
        (b"S.W.A.T.", ""),
        (b"Film (1080p.x265)", ""),
        (b"mkv", ""),
        (b".mkv", ""),
        (b"\xff\n.mp3", "audio"),
    ],
)
def test_it_knows_a_kind_by_a_known_extension(name: bytes, kind: str) -> None:
    assert kind_of(name) == kind


@pytest.mark.parametrize(
    "name",
    b"Thumbs.db desktop.ini x.part x.mkv.!qB x.partial~ x.aria2 x.TMP ._x.mkv .DS_Store .fuse_hidden01 .nfs01".split(),
)
def test_it_never_keeps_junk(name: bytes) -> None:
    assert not kept(Filter(), name)
    assert not kept(Filter(hidden=True), name)


@pytest.mark.parametrize("name", [b"@eaDir", b"#recycle", b"$RECYCLE.BIN", b"lost+found", b".Trash-1000", b".zfs"])
def test_it_never_enters_junk_folders(name: bytes) -> None:
    assert not kept(Filter(hidden=True), name, is_dir=True)


def test_it_keeps_a_folder_whose_name_looks_like_an_unfinished_download() -> None:
    assert kept(Filter(), b"Film.part", is_dir=True)
    assert kept(Filter(kinds=("video",)), b"S.W.A.T.", is_dir=True)


def test_it_keeps_hidden_names_only_when_asked() -> None:
    assert not kept(Filter(), b".plexignore")
    assert kept(Filter(hidden=True), b".plexignore")


def test_it_keeps_only_the_kinds_that_are_wanted() -> None:
    wanted = Filter(kinds=("video", "subtitle"))
    assert kept(wanted, b"a/b.Mkv") and kept(wanted, b"a/b.SRT")
    assert not kept(wanted, b"a/b.jpg") and not kept(wanted, b"a/b") and not kept(wanted, b"mkv")


@pytest.mark.parametrize(
    ("glob", "path", "is_dir", "matches"),
    [
        ("sample", b"a/Sample/x.mkv", False, True),
        ("sample", b"a/Sample", True, True),
        ("sample", b"a/Sampler/x.mkv", False, False),
        ("sample/", b"a/sample", False, False),
        ("sample/", b"a/sample", True, True),
        ("*.jpg", b"a/b.JPG", False, True),
        ("/Movies", b"TV/Movies/x", False, False),
        ("/Movies", b"Movies/x", False, True),
        ("Movies/*.mkv", b"Movies/a/x.mkv", False, False),
        ("Movies/**/x.mkv", b"Movies/x.mkv", False, True),
        ("Movies/**", b"Movies/a/b", False, True),
        ("**/Extras/**", b"a/b/Extras/x", False, True),
        ("?.mkv", "é.mkv".encode(), False, True),
        ("?.mkv", b"\xff.mkv", False, True),
        ("[가-힣].mkv", "한.mkv".encode(), False, True),
        ("[!a-c]x", b"dx", False, True),
        ("[!a-c]x", b"bx", False, False),
        ("[]]x", b"]x", False, True),
        ("x.{mkv,mp4}", b"x.mp4", False, True),
        ("a,b}.mkv", b"a,b}.mkv", False, True),
        ("a.b", b"axb", False, False),
        ("x*", b"x\ny", False, True),
        (to_text(b"\xff*"), b"\xff\xfe.mkv", False, True),
    ],
)
def test_it_matches_globs(glob: str, path: bytes, is_dir: bool, matches: bool) -> None:
    assert kept(Filter(exclude=(glob,)), path, is_dir) is not matches


def test_it_lets_exclude_win_over_include() -> None:
    both = Filter(include=("Movies", "*.mkv"), exclude=("*-trailer.*",))
    assert kept(both, b"Movies/a.txt") and kept(both, b"TV/a.mkv")
    assert not kept(both, b"TV/a.txt") and not kept(both, b"Movies/a-trailer.mkv")
    assert kept(both, b"TV", is_dir=True), "what is included may lie in any folder"


@pytest.mark.parametrize("glob", ["", "/", "[ab", "{a,b", "[z-a]"])
def test_it_refuses_a_glob_that_cannot_be(glob: str) -> None:
    with pytest.raises(ValueError):
        translate(glob)


def test_it_names_the_kinds_that_exist() -> None:
    with pytest.raises(ValueError, match=r"film.*video"):
        Filter(kinds=("film",)).spec()
