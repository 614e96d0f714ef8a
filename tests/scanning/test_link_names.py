"""Names that do harm: long, foreign, with newlines."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mediasync.core.paths import to_bytes, to_text
from scanning.links import names

from .linking import Linking

HOSTILE = [b"new\nline.mkv", b"\xff\xfe latin.mkv", b"x" * 251 + b".mkv", "ü".encode() * 125 + b".mkv", b"-rf *.mkv"]


@pytest.mark.django_db
@pytest.mark.parametrize("mode", ["absolute", "relative", "strm"])
def test_it_links_hostile_names(tmp_path: Path, mode: str) -> None:
    linking = Linking(tmp_path, mode=mode, strm_body="{url_path}")
    linking.write(*HOSTILE, *(b"dir\n\xff/" + name for name in HOSTILE))
    linking.look(change=False)
    linking.link()
    assert len(linking.files()) == 2 * len(HOSTILE)
    assert linking.link(full=True).keys() <= {"right", "folders_right"}
    if mode != "strm":
        assert all((linking.target / path).read_bytes() == b"x" * 10 for path in linking.files())
    linking.remove(os.fsdecode(HOSTILE[1]))
    linking.look()
    assert linking.link()["removed"] == 1


@pytest.mark.django_db
def test_it_writes_no_strm_whose_name_would_break_its_lines(tmp_path: Path) -> None:
    linking = Linking(tmp_path, mode="strm")
    linking.write(b"a\nhttp://evil.mkv", b"good.mkv")
    linking.look(change=False)
    linking.link()
    assert linking.files() == {"good.strm"}


def test_it_fits_every_name_into_255_bytes() -> None:
    for stem in ("x" * 251, "ü" * 126, to_text(b"\xff" * 252), "名" * 90):
        name = names.fit(stem, ".strm")
        raw = to_bytes(name)
        assert len(raw) <= 255
        assert raw.endswith(b".strm")
    assert names.fit("a" * 260, ".strm") != names.fit("a" * 261, ".strm")
    assert all(len(to_bytes(n)) <= 255 for n in names.numbered("x" * 251 + ".mkv"))
    to_bytes(names.fit("ü" * 126, ".strm")).decode()


@pytest.mark.parametrize(
    ("path", "disc"),
    [
        ("Film/BDMV/STREAM", ("Film", "BDMV")),
        ("bdmv", ("", "bdmv")),
        ("A/B/VIDEO_TS", ("A/B", "VIDEO_TS")),
        ("My BDMV film", None),
        ("", None),
    ],
)
def test_it_knows_discs(path: str, disc: tuple[str, str] | None) -> None:
    assert names.split_disc(path) == disc


def test_it_names_the_fields_that_a_template_does_not_have() -> None:
    assert names.unknown_fields("{path} {nope} {url_path} {}") == ["", "nope"]
    assert names.strm_body("{name}|{relative}|{path}", "/r", "a/b.mkv") == b"b.mkv|a/b.mkv|/r/a/b.mkv"
