"""What a configuration file holds, each value with the line and the key it stands at."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from django.utils.translation import gettext as _

from mediasync.core.errors import UsageError

TRUE = frozenset({"true", "yes", "on", "1", "y", "t"})
FALSE = frozenset({"false", "no", "off", "0", "n", "f", "", "null", "none", "~"})
Scalar = str | int | float | bool | None


@dataclass(frozen=True, slots=True, repr=False)  # its value may be a secret
class Node:
    """A value. ``text`` is a scalar as it was written: a token that looks like a number is still a token."""

    value: Mapping[str, Node] | list[Node] | Scalar
    text: str = ""
    key: str = ""  # targets.plex[0].url
    line: int | None = None

    def mapping(self) -> Mapping[str, Node]:
        """Return its keys; none if it is something else."""
        return self.value if isinstance(self.value, Mapping) else {}

    @property
    def empty(self) -> bool:
        """Tell whether nothing is there."""
        return self.value is None or self.value == ""

    def wrong(self, wanted: str) -> UsageError:
        """Return the error for a value of another type; it never shows the value, which may be a secret."""
        return bad(_("“%(key)s” must be %(wanted)s.") % {"key": self.key, "wanted": wanted}, self.line)

    def string(self) -> str:
        """Return a scalar as text, as it was written."""
        if isinstance(self.value, (Mapping, list)):
            raise self.wrong(_("a text"))
        return check_text(self)

    def bool(self) -> bool:
        """Return a truth value, also one that is written as a text."""
        word = "" if isinstance(self.value, (Mapping, list)) else self.text.strip().lower()
        if word not in TRUE | FALSE or isinstance(self.value, (Mapping, list)):
            raise self.wrong(_("true or false"))
        return word in TRUE

    def items(self) -> list[Node]:
        """Return the members of a list; what is no list counts as its only member, nothing as none."""
        if isinstance(self.value, list):
            return self.value
        return [] if self.empty else [self]


class Section:
    """A mapping that remembers which of its keys were asked for, so that the others can be told of."""

    def __init__(self, node: Node) -> None:
        if not node.empty and not isinstance(node.value, Mapping):
            raise node.wrong(_("a mapping (key: value)"))
        self.node = node
        self._all = dict(node.mapping())
        for name, each in self._all.items():
            if _NEVER.search(name):
                raise bad(_("A key holds a character that is none (NUL, or half of one)."), each.line)
        self._asked: set[str] = set()
        self._below: list[Section] = []
        self._named: dict[str, Section] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._all

    def get(self, name: str) -> Node | None:
        """Return the value of a key; None if the key is missing or empty."""
        self._asked.add(name)
        node = self._all.get(name)
        return None if node is None or node.empty else node

    def string(self, name: str, default: str = "") -> str:
        """Return a text."""
        node = self.get(name)
        return default if node is None else node.string().strip()

    def items(self, name: str) -> list[Node]:
        """Return the members of a list."""
        node = self.get(name)
        return [] if node is None else node.items()

    def section(self, name: str) -> Section:
        """Return the mapping below a key, an empty one if there is none."""
        if name not in self._named:
            key = f"{self.node.key}.{name}" if self.node.key else name
            self._named[name] = self.below(self.get(name) or Node(None, key=key))
        return self._named[name]

    def below(self, node: Node) -> Section:
        """Return a mapping below this one, whose forgotten keys are told of with ours."""
        found = Section(node)
        self._below.append(found)
        return found

    def entries(self) -> Iterator[tuple[str, Node]]:
        """Go through all keys: of a mapping whose keys are names."""
        self._asked.update(self._all)
        yield from self._all.items()

    def skip(self) -> None:
        """Take all keys for asked: what they belong to is told of as a whole."""
        self._asked.update(self._all)

    def unread(self) -> Iterator[Node]:
        """Return the keys that nobody asked for, here and below."""
        yield from (node for name, node in self._all.items() if name not in self._asked)
        for section in self._below:
            yield from section.unread()


def bad(sentence: str, line: int | None) -> UsageError:
    """Return the error for a file that cannot be used."""
    text = sentence if line is None else _("Line %(line)d: %(sentence)s") % {"line": line, "sentence": sentence}
    return UsageError(text, code="bad_config", line=line)


_NEVER = re.compile("[\x00\ud800-\udfff]")


def check_text(node: Node) -> str:
    """Return a text that can be stored: no NUL and no half of a surrogate pair."""
    if _NEVER.search(node.text):
        raise bad(_("“%s” holds a character that is none (NUL, or half of one).") % node.key, node.line)
    return node.text
