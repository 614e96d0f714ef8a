"""What every kind of trigger shares: the call as it was stored, and how paths are gathered from it.

A new kind is one file with ``parse(received) -> Parsed`` and one line in ``triggers.KINDS``.
"""

from __future__ import annotations

import codecs
import hashlib
import json
import ntpath
import posixpath
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from email.message import Message
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl

from django_stubs_ext import StrOrPromise

from mediasync.core import foreign, paths
from mediasync.core.errors import UsageError
from monitors.hints.notices import Notice, What

MOST_INFLATED = 16 * 1024 * 1024  # bytes that a compressed body may become
MOST_NOTICES = 50_000
LONGEST = 4096  # bytes of a path, as the system allows (PATH_MAX)
CHARSETS = frozenset(  # others are rare, or take for ever with a long body (punycode)
    "ascii utf-8 utf-8-sig utf-16 utf-16-le utf-16-be utf-32 utf-32-le utf-32-be iso8859-1 iso8859-15 cp1252 cp1251 "
    "gb2312 gbk gb18030 big5 shift_jis cp932 euc_jp euc_kr cp949".split()
)
FORMS = ("payload", "data", "json")  # fields of a form that hold the JSON


class Rejected(UsageError):
    """Nothing can be made of a call; ``code`` says why (texts.py), ``event`` is what it called itself."""

    def __init__(self, code: str, event: str = "", **params: Any) -> None:
        super().__init__(code, code=code, **params)
        self.event = event


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a call says. ``code``: why nothing follows, or what was left out."""

    event: str = ""
    notices: tuple[Notice, ...] = ()
    code: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Received:
    """A call as it was stored; ``query`` and ``headers`` hold no secrets."""

    body: bytes = b""
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    path: str = ""

    def header(self, name: str) -> str:
        """Return a header, whatever the case of its name; "" if there is none."""
        return next((value for key, value in self.headers.items() if key.lower() == name), "")

    @cached_property
    def type(self) -> Message:
        """Return ``Content-Type``, taken apart."""
        message = Message()
        message["Content-Type"] = self.header("content-type")
        return message

    @cached_property
    def text(self) -> str:
        """Return the body as text; Rejected if it is none."""
        raw = _inflate(self.body, self.header("content-encoding").lower())
        named = str(self.type.get_param("charset") or "").strip("'\"")
        guessed = json.detect_encoding(raw)  # by its byte order mark or zeros; utf-8 if it shows none
        for encoding in (guessed if guessed != "utf-8" else named or guessed, "utf-8-sig"):
            try:
                if codecs.lookup(encoding).name in CHARSETS:
                    return raw.decode(encoding).removeprefix("\ufeff")
            except (LookupError, ValueError):
                continue
        raise Rejected("call_body_not_text")

    @cached_property
    def fields(self) -> list[tuple[str, str]]:
        """Return the fields of the query, then those of a form in the body."""
        found = _pairs(self.query)
        if self.body and self.type.get_content_type() == "application/x-www-form-urlencoded" and not self._is_json():
            found += _pairs(self.text.strip())
        return found

    def data(self) -> Any:
        """Return the JSON of the body (or of a form's field ``payload``); Rejected if it is broken."""
        text = self.text
        if not self._is_json():
            text = next((value for name, value in self.fields if name in FORMS), text)
        try:
            return json.loads(text, strict=False)  # strict: a line break in a name is no reason to lose it
        except (ValueError, RecursionError) as error:
            raise Rejected("call_bad_json", error=plain(str(error), 200)) from None

    def _is_json(self) -> bool:
        return self.text.lstrip()[:1] in ("{", "[", '"')


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of hook. ``answers_get``: a GET with a path in its query is a call too."""

    name: str
    label: str
    parse: Callable[[Received], Parsed]
    where: StrOrPromise  # to paste its address
    answers_get: bool = False


class Found:
    """Gathers notices: paths are made whole, the same is said once, what is no path is counted."""

    def __init__(self) -> None:
        self.notices: dict[tuple[str, str], Notice] = {}
        self.bad = 0

    def add(
        self,
        path: Any,
        change: What = "upsert",
        *,
        is_dir: bool | None = None,
        distrusted: bool = False,
        group: str = "",
    ) -> None:
        """Take a path in, as it was sent; whatever it is, nothing is raised but Rejected for too many."""
        clean = clean_path(path)
        if clean is None:
            self.bad += 1
            return
        self.notices.setdefault((clean, change), Notice(clean, change, is_dir, distrusted, group))
        if len(self.notices) > MOST_NOTICES:
            raise Rejected("call_too_many_paths", most=MOST_NOTICES)

    def rename(self, old: Any, new: Any, *, is_dir: bool | None = None, group: str = "") -> None:
        """Take both halves of a rename in; what keeps its name is only looked at."""
        if clean_path(old) != clean_path(new):
            self.add(old, "delete", is_dir=is_dir, group=group or group_of([old, new]))
        self.add(new, "upsert", is_dir=is_dir, group=group or group_of([old, new]))

    def parsed(self, event: str, otherwise: str = "", **params: Any) -> Parsed:
        """Return what was found. Nothing: ignored with the code ``otherwise``, rejected without one."""
        if self.bad:
            params["bad"] = self.bad
        if self.notices:
            return Parsed(event, tuple(self.notices.values()), "call_some_bad_paths" if self.bad else "", params)
        if self.bad or not otherwise:
            raise Rejected("call_bad_path" if self.bad else "call_no_path", event, **params)
        return Parsed(event, code=otherwise, params=params)


def clean_path(path: Any) -> str | None:
    """Return an absolute path in the one way it is written; None for anything else.

    ``..`` is taken away by the names alone, as autoscan does: nothing here can see the sender's disk.
    """
    if not isinstance(path, str) or not path or "\0" in path:
        return None
    try:
        if len(path.encode()) > LONGEST:  # raises for half of a surrogate pair, which nothing can store
            return None
        if ".." in path:
            path = (ntpath if foreign.is_windows(path) else posixpath).normpath(path)
        return foreign.normalise(path)
    except ValueError:
        return None


def group_of(sent: Iterable[Any]) -> str:
    """Return a name for what belongs together: the same for the same paths."""
    return hashlib.sha256(repr(list(sent)).encode("utf-8", "backslashreplace")).hexdigest()[:16]


def plain(value: Any, most: int = 100) -> str:
    """Return a word of the sender so that it can be stored and shown; "" for what is no text."""
    text = value if isinstance(value, str) else ""
    return "".join(char if char.isprintable() else "\ufffd" for char in text[:most])


def rows(value: Any) -> list[dict[str, Any]]:
    """Return the objects of a list, or the one object that stands in its place."""
    found = value if isinstance(value, list) else [value]
    return [each for each in found if isinstance(each, dict)]


def _pairs(text: str) -> list[tuple[str, str]]:
    """Return the fields of a query. Bytes that are no UTF-8 may be the name of a file, so they become stored text."""
    try:
        found = parse_qsl(text, keep_blank_values=True, errors="surrogateescape", max_num_fields=MOST_NOTICES)
    except ValueError:
        raise Rejected("call_too_many_paths", most=MOST_NOTICES) from None
    return [(name, _stored(value)) for name, value in found]


def _stored(value: str) -> str:
    try:
        return paths.to_text(value.encode("utf-8", "surrogateescape"))
    except UnicodeEncodeError:
        return ""


def _inflate(body: bytes, encoding: str) -> bytes:
    """Undo ``Content-Encoding``; a body that was packed without being said so is found by its first bytes."""
    if body[:2] == b"\x1f\x8b" or encoding == "deflate":
        for bits in (47, -15):  # 47: gzip or zlib; -15: what some programs call deflate
            try:
                unpacker = zlib.decompressobj(bits)
                found = unpacker.decompress(body, MOST_INFLATED)
            except zlib.error:
                continue
            if unpacker.unconsumed_tail:
                raise Rejected("call_body_too_big")
            return found
        raise Rejected("call_body_not_text")
    if encoding not in ("", "identity", "gzip", "x-gzip", "utf-8"):
        raise Rejected("call_body_encoding", encoding=plain(encoding, 40))
    return body
