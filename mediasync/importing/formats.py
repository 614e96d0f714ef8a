"""TOML and JSON as trees with lines. The standard library checks them, and tells no lines, so those are found here."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext as _

from .tree import Node, bad


def toml_tree(text: str) -> Node:
    """Return the tree of a TOML document; UsageError with the line for what is none."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"at line (\d+)", str(error))
        raise bad(_("This is no TOML."), int(found.group(1)) if found else None) from None
    except ValueError:  # a number of thousands of digits
        raise bad(_("This is no TOML."), None) from None
    return _node(data, "", dict(_toml_lines(text)), 1)


def _toml_lines(text: str) -> Iterator[tuple[str, int]]:
    """Yield (key, line) of headers and plain keys; what stands in an inline table shares the line of its key."""
    table, counts = "", dict[str, int]()
    for line, words in enumerate(text.splitlines(), 1):
        if found := re.match(r"\s*\[(\[?)\s*([^\]]+?)\s*\]", words):
            table = ".".join(_dotted(found.group(2)))
            if found.group(1):
                counts[table] = counts.get(table, -1) + 1
                table += f"[{counts[table]}]"
            yield table, line
        elif found := re.match(
            r"""\s*((?:[\w-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[\w-]+|"[^"]*"|'[^']*'))*)\s*=""", words
        ):
            parts = _dotted(found.group(1))
            yield ".".join([*([table] if table else []), *parts]), line


def _dotted(key: str) -> list[str]:
    return [part.strip("\"'") for part in re.findall(r"""[\w-]+|"[^"]*"|'[^']*'""", key)]


def _node(value: Any, key: str, lines: dict[str, int], near: int) -> Node:
    line = lines.get(key, near)
    if isinstance(value, dict):
        members = {name: _node(each, f"{key}.{name}" if key else name, lines, line) for name, each in value.items()}
        return Node(members, key=key, line=line)
    if isinstance(value, list):
        return Node([_node(each, f"{key}[{n}]", lines, line) for n, each in enumerate(value)], key=key, line=line)
    if not isinstance(value, (str, int, float, bool)):  # a date or a time
        value = str(value)
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return Node(value, text, key, line)


_TOKENS = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]:,]|[^\s{}\[\]:,"]+')


def json_tree(text: str) -> Node:
    """Return the tree of a JSON document; UsageError with the line for what is none."""
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        raise bad(_("This is no JSON: %s.") % error.msg, error.lineno) from None
    except ValueError:
        raise bad(_("This is no JSON."), None) from None
    return _Json(text).value("")


class _Json:
    """Walk through the tokens of a text that is known to be JSON."""

    def __init__(self, text: str) -> None:
        self.tokens = [(each.group(), each.start()) for each in _TOKENS.finditer(text)]
        self.text = text
        self.at, self.offset, self.line = 0, 0, 1

    def next(self) -> str:
        token, start = self.tokens[self.at]
        self.at += 1
        self.line += self.text.count("\n", self.offset, start)
        self.offset = start
        return token

    def value(self, key: str) -> Node:
        token = self.next()
        line = self.line
        if token == "{":
            return Node(self._members(key), key=key, line=line)
        if token == "[":
            members: list[Node] = []
            while self.tokens[self.at][0] != "]":
                members.append(self.value(f"{key}[{len(members)}]"))
                self._comma()
            self.next()
            return Node(members, key=key, line=line)
        plain = json.loads(token)
        return Node(plain, plain if isinstance(plain, str) else token, key, line)

    def _members(self, key: str) -> dict[str, Node]:
        members: dict[str, Node] = {}
        while self.tokens[self.at][0] != "}":
            name, line = json.loads(self.next()), self.line
            self.next()  # the colon
            if name in members:
                raise bad(_("“%s” stands here twice. Delete one of them.") % name, line)
            value = self.value(f"{key}.{name}" if key else name)
            members[name] = Node(value.value, value.text, value.key, line)
            self._comma()
        self.next()
        return members

    def _comma(self) -> None:
        if self.tokens[self.at][0] == ",":
            self.next()
