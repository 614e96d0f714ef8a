"""Tests for checking: facts come from the bytes of a file, and what is no whole song is refused."""

from __future__ import annotations

import hashlib
import wave
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog.checking import examine, kind_of
from catalog.errors import Unavailable
from tests.catalog import audio


@pytest.fixture
def part(tmp_path: Path) -> Path:
    return tmp_path / "1.part"


def test_it_reads_facts_from_the_file(part: Path) -> None:
    part.write_bytes(audio.mp3("t", "a", 10))
    facts = examine(part, duration=12)
    assert (facts.ext, facts.quality, facts.bitrate, facts.size) == ("mp3", "128k", 128, part.stat().st_size)
    assert facts.duration == pytest.approx(10, abs=0.1)
    assert facts.checksum == "sha256:" + hashlib.sha256(part.read_bytes()).hexdigest()
    part.write_bytes(audio.flac("t", "a", 3))
    assert (examine(part).ext, examine(part).quality) == ("flac", "lossless")
    part.write_bytes(audio.flac("t", "a", 3, bits=24))
    assert examine(part).quality == "hires"


def test_it_reads_a_wave(part: Path) -> None:
    with wave.open(str(part), "wb") as file:
        file.setparams((2, 2, 44100, 0, "NONE", ""))
        file.writeframes(bytes(44100 * 4))
    assert (examine(part).ext, examine(part).quality, examine(part).duration) == ("wav", "lossless", 1.0)


REFUSED = [
    (b'{"subsonic-response":{"status":"failed","error":{"code":70}}}', {}, "not_audio"),
    (b"<!DOCTYPE html><html>", {}, "not_audio"),
    (b"", {}, "not_audio"),
    (b"ID3", {}, "not_audio"),
    (b"ID3\x03\0\0\0\0\0\x0aonly a tag", {}, "damaged"),
    (b"fLaC" + bytes(40), {}, "damaged"),
    (audio.mp3("t", "a", 3)[:-500], {"size": len(audio.mp3("t", "a", 3))}, "wrong_size"),
    (audio.mp3("t", "a", 30), {"duration": 240}, "wrong_length"),
    (audio.mp3("t", "a", 3), {"digest": "md5:0"}, "wrong_digest"),
    (audio.mp3("t", "a", 3), {"digest": "sha256:0"}, "wrong_digest"),
    (bytes(4) + b"ftypisom" + bytes(100) + b"avc1", {}, "not_audio"),
]


@pytest.mark.parametrize(("content", "facts", "code"), REFUSED, ids=[f"{row[2]}-{i}" for i, row in enumerate(REFUSED)])
def test_it_refuses_what_is_no_whole_song(part: Path, content: bytes, facts: dict[str, object], code: str) -> None:
    part.write_bytes(content)
    with pytest.raises(Unavailable) as refused:
        examine(part, **facts)  # type: ignore[arg-type]
    assert refused.value.code == code


@pytest.mark.parametrize("name", ["md5", "sha1", "sha256"])
def test_it_compares_digests(part: Path, name: str) -> None:
    part.write_bytes(audio.mp3("t", "a"))
    digest = hashlib.new(name, part.read_bytes()).hexdigest()
    assert examine(part, digest=f"{name}:{digest.upper()}").ext == "mp3"


@pytest.mark.parametrize(
    ("head", "ext"),
    [
        (b"OggS" + bytes(24) + b"OpusHead", "opus"),
        (b"OggS" + bytes(24) + b"\x01vorbis", "ogg"),
        (bytes(4) + b"ftypM4A ", "m4a"),
        (b"\xff\xf1\x50\x80", "aac"),
        (b"\xff\xfb\x90\x00", "mp3"),
        (b"FORM\0\0\0\0AIFF", "aiff"),
        (b"MAC \x96\x0f", "ape"),
        (b"ID3\x03\0\0\0\0\0\x02xxfLaC", "flac"),
        (b"\xff\xff\xff\xff", "mp3"),
        (b"\xff\xea\x00\x00", ""),
    ],
)
def test_it_knows_kinds_by_their_beginning(head: bytes, ext: str) -> None:
    assert kind_of(head) == ext


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(st.binary(max_size=300), st.sampled_from([b"", b"fLaC", b"ID3\x03\0\0\0\0\0\0", b"OggS", b"RIFF\0\0\0\0WAVE"]))
def test_it_says_facts_or_refuses_whatever_comes(part: Path, content: bytes, head: bytes) -> None:
    part.write_bytes(head + content)
    with suppress(Unavailable):
        assert examine(part).size == len(head + content)
