"""Reads JSON as music platforms send it: with a callback around it, in GBK, with single quotes as in Python."""

from __future__ import annotations

import ast
import json
import math
import re
from contextlib import suppress
from typing import Any

from mediasync.core.texts import plain

from .errors import ParseError

_CALLBACK = re.compile(r"\s*(?:/\*.*?\*/)?\s*+[\w$.]++\s*+\((.*)\)\s*+;?+\s*+$", re.S)  # in linear time
_CHARSET = re.compile(r"charset=[\"']?([\w-]+)", re.I)
_ODD = re.compile(r"\\u(?:0000|[dD][89a-fA-F])|\0")  # NUL, or (half of) what JSON writes as a pair
DEEPEST = 60
CHARSETS = frozenset({"ascii", "big5", "gb2312", "gb18030", "gbk", "utf-8", "utf-8-sig", "utf-16"})
LONGEST_PYTHON = 2_000_000  # characters: reading it as Python takes 400 times as many bytes


def read(body: bytes, content_type: str = "") -> Any:
    """Return what ``body`` says, fit to be stored; ParseError if it is no kind of JSON we know."""
    text = decoded(body, content_type).strip()
    bare = _CALLBACK.match(text)
    for attempt in (text, bare.group(1).strip() if bare else None):
        if attempt is None:
            continue
        for parse in (_json, _python):
            try:
                return parse(attempt)
            except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
                continue
    raise ParseError("The answer is not JSON.", sample=plain(text[:200]))


def decoded(body: bytes, content_type: str = "") -> str:
    """Return the text of an answer: by its charset if that fits, as UTF-8, else as Chinese computers wrote."""
    named = _CHARSET.search(content_type)
    said = named.group(1).lower() if named else ""  # Python knows more, some of which are no text, or take hours
    for charset in (said if said in CHARSETS else "utf-8-sig", "utf-8-sig", "gb18030"):
        with suppress(UnicodeDecodeError):
            return body.decode(charset).removeprefix("\ufeff")
    return body.decode("utf-8", "replace")


def storable(found: Any, depth: int = 0) -> Any:
    """Return it with nothing in it that a database refuses: NUL, halves of characters, NaN, endless depth."""
    if depth > DEEPEST:
        return None
    if isinstance(found, str):
        return plain(found)
    if isinstance(found, float):
        return found if math.isfinite(found) else None
    if isinstance(found, list | tuple):
        return [storable(each, depth + 1) for each in found]
    if isinstance(found, dict):
        return {plain(str(name)): storable(each, depth + 1) for name, each in found.items()}
    return found if found is None or isinstance(found, bool | int) else plain(str(found))


def clean(found: dict[str, Any]) -> dict[str, Any]:
    """Return an object fit to be stored; the same one, in a hundredth of the time, if it is."""
    try:
        text = json.dumps(found, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        text = "\0"
    return dict(storable(found)) if _ODD.search(text) else found


def _json(text: str) -> Any:
    # Control characters inside strings are common; numbers that no database takes are not.
    found = json.loads(text, strict=False, parse_constant=lambda name: None, parse_float=_finite)
    return storable(found) if _ODD.search(text) else found


def _finite(text: str) -> float | None:
    number = float(text)
    return number if math.isfinite(number) else None


def _python(text: str) -> Any:
    if len(text) > LONGEST_PYTHON or text[:1] not in ("{", "["):
        raise ValueError("too long, or a bare value")
    return storable(ast.literal_eval(text))
