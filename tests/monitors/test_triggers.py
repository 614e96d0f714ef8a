"""Every sample webhook says what it should, and no body, however odd, makes a reader fail."""

from __future__ import annotations

import gzip
import json
import time
import zlib
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mediasync.core.errors import MediasyncError
from monitors.triggers import KINDS, Parsed, Received, Rejected, texts
from tests.monitors.hooking import as_expected, call_of, expected, kind_of, read, said, samples

ROOTS = (
    "series",
    "movie",
    "artist",
    "author",
    "data",
    "created",
    "deleted",
    "deletedFiles",
    "Updates",
    "path",
    "paths",
)
FILES = ("episodeFile", "episodeFiles", "movieFile", "trackFiles", "bookFiles", "renamedEpisodeFiles", "trackFile")
INNER = ("path", "folderPath", "relativePath", "previousPath", "action", "is_dir", "source_file", "destination_file")
EVENTS = ("Download", "Rename", "Retag", "SeriesDelete", "EpisodeFileDelete", "AlbumDelete", "Test", "Nonsense", "", 7)


@pytest.mark.parametrize("name", samples())
def test_it_reads_every_sample(name: str) -> None:
    assert as_expected(KINDS[kind_of(name)].parse(call_of(name))) == expected(name)


@pytest.mark.parametrize("name", samples())
def test_it_reads_every_sample_at_a_generic_hook(name: str) -> None:
    parsed = KINDS["generic"].parse(call_of(name)) if kind_of(name) != "atrain" else None
    assert parsed is None or as_expected(parsed) == expected(name)


@pytest.mark.parametrize("name", samples())
def test_it_reads_every_sample_cut_off_anywhere(name: str) -> None:
    body = call_of(name).body
    for end in range(0, len(body), max(1, len(body) // 50)):
        accept(kind_of(name), Received(body[:end]))


def accept(kind: str, received: Received) -> Parsed | None:
    """Read anything; the only error may be Rejected, with a code that has a sentence and facts that can be stored."""
    try:
        parsed = KINDS[kind].parse(received)
    except Rejected as error:
        assert error.code in texts.TEXTS
        str(texts.TEXTS[error.code]) % error.params
        json.dumps(error.params).encode()
        error.event.encode()
        return None
    assert bool(parsed.notices) or parsed.code in texts.TEXTS
    json.dumps(parsed.params)
    for notice in parsed.notices:
        assert notice.path[:1] in "/\\" or notice.path[1:3] == ":\\"
        notice.path.encode()  # no half of a surrogate pair
        assert "\0" not in notice.path
    return parsed


odd = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["/tv/S", "a/b.mkv", "C:\\x"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(INNER) | st.text(), inner, max_size=5),
    max_leaves=12,
)
bodies = st.fixed_dictionaries(
    {"eventType": st.sampled_from(EVENTS)}, optional=dict.fromkeys((*ROOTS, *FILES, "Series", "eventName"), odd)
)
FUZZ = settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))


@FUZZ
@given(kind=st.sampled_from(sorted(KINDS)), body=bodies | odd)
def test_it_raises_nothing_for_any_json(kind: str, body: Any) -> None:
    accept(kind, Received(json.dumps(body).encode()))


@FUZZ
@given(
    kind=st.sampled_from(sorted(KINDS)),
    body=st.binary() | st.text().map(lambda text: text.encode("utf-8", "replace")),
    query=st.text(alphabet="abdhirt&=%/0Ff.", max_size=40),
    type_=st.sampled_from(["", "application/x-www-form-urlencoded", "text/plain; charset=utf-16", "a;charset=punycode"])
    | st.text(max_size=20),
    packed=st.sampled_from(["", "gzip", "deflate", "br"]),
)
def test_it_raises_nothing_for_any_bytes(kind: str, body: bytes, query: str, type_: str, packed: str) -> None:
    accept(kind, Received(body, query, {"Content-Type": type_, "Content-Encoding": packed}))


@pytest.mark.parametrize("kind", sorted(KINDS))
@pytest.mark.parametrize(
    "body",
    [
        b"[" * 500_000,
        b'{"a":' * 100_000,
        b"9" * 1_000_000,
        b'"data":[' * 130_000,
        b'{"data":[' + b'{"action":"' * 90_000 + b"]}",
        b'{"data":["' + b" " * 1_000_000 + b"]}",
        b'{"data":[{"action": "' + b'" ' * 500_000 + b"]}",
        b"\n/a" * 340_000,
        b"&" * 1_000_000,
    ],
    ids=lambda body: body[:12],
)
def test_it_is_done_with_a_megabyte_of_rubbish_soon(kind: str, body: bytes) -> None:
    begin = time.process_time()
    accept(kind, Received(body, headers={"Content-Type": "application/x-www-form-urlencoded"}))
    assert time.process_time() - begin < 20  # what is quadratic takes hours


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32", "gb18030", "latin-1"])
def test_it_reads_bodies_in_other_encodings(encoding: str) -> None:
    body = json.dumps({"path": "/tv/é"}, ensure_ascii=False).encode(encoding)
    kind = "" if encoding.startswith("utf") else f"application/json; charset={encoding}"
    assert said(read("generic", body, content_type=kind)) == ["+/tv/é"]


@pytest.mark.parametrize(
    "pack",
    [gzip.compress, zlib.compress, lambda body: zlib.compressobj(wbits=-15).compress(body)],
    ids=["gzip", "zlib", "cut off"],
)
def test_it_unpacks_bodies(pack: Any) -> None:
    raw = b'{"path": "/tv/a"}'
    body = pack(raw) or _raw_deflate(raw)
    assert said(read("generic", body, content_encoding="gzip" if body[:2] == b"\x1f\x8b" else "deflate")) == ["+/tv/a"]


def _raw_deflate(raw: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(raw) + packer.flush()


def test_it_unpacks_no_bomb() -> None:
    with pytest.raises(Rejected, match="call_body_too_big"):
        read("generic", gzip.compress(b" " * 100_000_000), content_encoding="gzip")


def test_it_gives_every_code_one_sentence() -> None:
    assert issubclass(Rejected, MediasyncError)
    for code, text in texts.TEXTS.items():
        assert str(text), code
