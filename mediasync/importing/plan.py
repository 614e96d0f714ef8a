"""What is to be done, as plain data: nothing here knows the database."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from .tree import Node

Space = Literal["source", "server"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One line of the report: where it stands in the file. ``number`` keeps lines of the same place in order."""

    line: int | None
    key: str
    number: int = 0

    @property
    def order(self) -> tuple[int, int, int]:
        """Return where it is done: accounts and servers before what needs them, else as in the file."""
        return STEPS.index(type(self)), self.line or 0, self.number


@dataclass(frozen=True, slots=True, kw_only=True)
class AddAccount(Item):
    """Access to a cloud; ``options`` and ``secrets`` are fields of its kind."""

    name: str
    kind: str
    options: Mapping[str, Any]
    secrets: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class AddServer(Item):
    """A media server; rules name it by ``name``, whatever it is called when it is there already."""

    name: str
    kind: str
    url: str
    token: str = field(repr=False)
    pace: float | None = None  # seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class AddRoot(Item):
    """A folder to watch; ``options`` are fields of Root."""

    path: str
    options: Mapping[str, Any]
    account: str = ""  # AddAccount.name


@dataclass(frozen=True, slots=True, kw_only=True)
class AddAnchor(Item):
    """A file that must be there, or its root is down."""

    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AddHook(Item):
    """An endpoint under its old name."""

    name: str
    kind: str
    username: str = ""
    password: str = field(default="", repr=False)
    open: bool = False
    debounce: float | None = None  # seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class AddRule(Item):
    """A mapping rule of a source (the name of a hook) or of a server (AddServer.name; "" = all)."""

    space: Space
    scope: str
    pattern: str
    replacement: str
    regex: bool
    rank: int = 100  # PathMapping.order


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark(Item):
    """Something that is not taken over (``lost``), or is, in another way."""

    text: str
    lost: bool = True


STEPS: tuple[type[Item], ...] = (AddAccount, AddServer, AddRoot, AddAnchor, AddHook, AddRule, Remark)


@dataclass(slots=True)
class Plan:
    """All of it, in the order in which it is done."""

    kind: str
    path: Path
    items: list[Item] = field(default_factory=list)
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def add(self, what: type[Item], node: Node, /, **values: Any) -> None:
        """Plan something for what stands at ``node``."""
        self.items.append(what(line=node.line, key=node.key, number=next(self._numbers), **values))

    def not_taken(self, node: Node, text: str) -> None:
        """Say that a key is not taken over: why, and what to do instead. The same is said once."""
        said = (item for item in self.items if isinstance(item, Remark))
        if all((item.line, item.key, item.text) != (node.line, node.key, text) for item in said):
            self.add(Remark, node, text=text)

    def remark(self, node: Node, text: str) -> None:
        """Say in what way something is taken over that is not quite the same."""
        self.add(Remark, node, text=text, lost=False)
