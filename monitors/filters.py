"""What of a root counts: kinds, globs, hidden names and junk.

``Filter.spec()`` is made of plain values that ``marshal`` takes; ``keep.make_keep`` turns it into a fast test, also in
the walker's child process. So there is no Django here.

Globs are like those of ``.gitignore``, and case does not matter in them: ``*`` and ``?`` stop at a slash, ``**`` does
not, ``[a-z]``, ``[!a-z]`` and ``{mkv,mp4}`` work. Without a slash inside, a glob matches any name on the way down; with
one, it is matched from the root. What matches a folder holds for everything in it, and a trailing slash means "only
folders". Exclude wins over include.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from mediasync.core.paths import to_bytes
from monitors.extensions import KINDS
from monitors.keep import Keep, kind_of, make_keep

__all__ = ["KINDS", "Filter", "Keep", "kind_of", "make_keep", "translate"]


class HasFilter(Protocol):
    """What of a root a filter is made from (lists of stored text)."""

    kinds: Any
    include: Any
    exclude: Any
    hidden: bool


@dataclass(frozen=True, slots=True)
class Filter:
    """Which entries are kept. ``kinds`` empty = every file; ``include`` empty = everything."""

    kinds: tuple[str, ...] = ()
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    hidden: bool = False

    @classmethod
    def of(cls, root: HasFilter) -> Filter:
        """Return the filter of a root."""
        return cls(tuple(root.kinds), tuple(root.include), tuple(root.exclude), root.hidden)

    def spec(self) -> dict[str, Any]:
        """Return the filter as plain values; ``paths`` tells whether ``keep`` looks at its third argument.

        Raises ValueError for a kind or a glob that cannot be.
        """
        if unknown := sorted(set(self.kinds) - set(KINDS)):
            raise ValueError(f"no such kind: {', '.join(unknown)}; there are: {', '.join(KINDS)}")
        extensions = {extension.encode() for kind in self.kinds for extension in KINDS[kind]}
        return {
            "extensions": frozenset(extensions) if self.kinds else None,
            "include": _union(self.include),
            "exclude": _union(self.exclude),
            "hidden": self.hidden,
            "paths": bool(self.include or self.exclude),
        }


def translate(glob: str) -> str:
    """Return the regular expression of one glob (matched against the path, folders with a trailing slash).

    Raises ValueError for an empty glob and for brackets or braces that do not end.
    """
    text = to_bytes(glob).decode("utf-8", "surrogateescape").strip()
    body = text.strip("/")
    if not body:
        raise ValueError("an empty pattern matches nothing")
    anchored = "/" in text.rstrip("/")
    tail = "/.*" if text.endswith("/") else "(?:/.*)?"
    return f"{'' if anchored else '(?:.*/)?'}{_body(body)}{tail}"


def _union(globs: Iterable[str]) -> str:
    parts = [translate(glob) for glob in globs]
    return f"(?is:{'|'.join(f'(?:{part})' for part in parts)})\\Z" if parts else ""


_TOKEN = re.compile(
    r"(?P<any>\*\*/|/\*\*$|\*\*)|(?P<star>\*)|(?P<one>\?)"
    r"|\[(?P<set>[!^]?\]?[^\]]*)\]|(?P<brace>[{},])|(?P<char>.)",
    re.S,
)
_ANY = {"**/": "(?:.*/)?", "/**": "/.*", "**": ".*"}


def _body(glob: str) -> str:
    """Translate token by token."""
    out: list[str] = []
    depth = 0
    for token in _TOKEN.finditer(glob):
        match token.lastgroup, token.group(token.lastgroup or 0):
            case "any", text:
                out.append(_ANY[text])
            case "star", _:
                out.append("[^/]*")
            case "one", _:
                out.append("[^/]")
            case "set", text:
                out.append(_set(text))
            case "brace", "{":
                depth += 1
                out.append("(?:")
            case "brace", "}" if depth:
                depth -= 1
                out.append(")")
            case "brace", "," if depth:
                out.append("|")
            case "char", "[":
                raise ValueError(f"'[' has no ']' in {glob!r}")
            case _, text:
                out.append(re.escape(text))
    if depth:
        raise ValueError(f"'{{' has no '}}' in {glob!r}")
    return "".join(out)


def _set(text: str) -> str:
    """Translate what stands in brackets."""
    negated = text[:1] in ("!", "^")
    members = re.sub(r"([\\\]\[&~|^])", r"\\\1", text[1:] if negated else text)
    expression = f"(?!/)[{'^' if negated else ''}{members}]"
    try:
        re.compile(expression)
    except re.error as error:
        raise ValueError(f"[{text}]: {error}") from None
    return expression
