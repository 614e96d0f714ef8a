"""YAML as a tree with lines. Aliases are followed within bounds, and nothing is ever constructed."""

from __future__ import annotations

from typing import Any

import yaml
from django.utils.translation import gettext as _

from .tree import Node, Scalar, bad

MOST = 20_000  # values, aliases counted each time: a "billion laughs" file ends here
DEEPEST = 40
MERGE = "tag:yaml.org,2002:merge"


def yaml_tree(text: str) -> Node:
    """Return the tree of one YAML document; UsageError with the line for what is none."""
    try:
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
    except yaml.MarkedYAMLError as error:
        raise bad(_why(error), _line(error)) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, int(error.position)) + 1
        raise bad(_("There is a control character that YAML forbids."), line) from None
    except ValueError:
        raise bad(_("This is no YAML."), None) from None
    return Node(None, line=1) if node is None else _Builder(loader).build(node, "", 0)


def _line(error: yaml.MarkedYAMLError) -> int | None:
    mark = error.problem_mark or error.context_mark
    return None if mark is None else int(mark.line) + 1


def _why(error: yaml.MarkedYAMLError) -> str:
    """Return what the parser says without the text of the line, which may hold a token."""
    problem = error.problem or error.context or ""
    if "'\\t'" in problem:
        return _("There is a tab. YAML is indented by spaces only.")
    if "undefined alias" in problem:
        return _("It names an anchor that is nowhere.")
    if "expected a single document" in (error.context or ""):
        return _("A second document begins here. Keep one of them.")
    return _("This is no YAML: %s.") % problem.split("'")[0].strip(" ,:;")


class _Builder:
    def __init__(self, loader: yaml.SafeLoader) -> None:
        self.loader = loader
        self.left = MOST

    def build(self, node: Any, key: str, depth: int) -> Node:
        line = int(node.start_mark.line) + 1
        self.left -= 1
        if self.left < 0 or depth > DEEPEST:
            raise bad(_("Too many values, or nested too deep (do its aliases name themselves?)."), line)
        if isinstance(node, yaml.MappingNode):
            return Node(self._mapping(node, key, depth), key=key, line=line)
        if isinstance(node, yaml.SequenceNode):
            members = [self.build(each, f"{key}[{n}]", depth + 1) for n, each in enumerate(node.value)]
            return Node(members, key=key, line=line)
        return Node(self._scalar(node, line), str(node.value), key, line)

    def _mapping(self, node: Any, key: str, depth: int) -> dict[str, Node]:
        found: dict[str, Node] = {}
        merged: dict[str, Node] = {}
        for name_node, value_node in node.value:
            line = int(name_node.start_mark.line) + 1
            if name_node.tag == MERGE:
                self._merge(value_node, key, depth, merged)
                continue
            if not isinstance(name_node, yaml.ScalarNode):
                raise bad(_("A key must be a text."), line)
            name = str(name_node.value)
            if name in found:
                raise bad(_("“%s” stands here twice. Delete one of them.") % name, line)
            value = self.build(value_node, f"{key}.{name}" if key else name, depth + 1)
            found[name] = Node(value.value, value.text, value.key, line)  # people look for the key
        return merged | found

    def _merge(self, node: Any, key: str, depth: int, into: dict[str, Node]) -> None:
        """Take in ``<<: *defaults``: what stands beside it wins, and the first of several."""
        for each in node.value if isinstance(node, yaml.SequenceNode) else [node]:
            for name, value in self.build(each, key, depth + 1).mapping().items():
                into.setdefault(name, value)

    def _scalar(self, node: Any, line: int) -> Scalar:
        try:
            value = self.loader.construct_object(node)  # a SafeLoader knows plain types only
        except yaml.MarkedYAMLError:
            raise bad(
                _("A value has a type (%s) that cannot be read.") % str(node.tag).rpartition(":")[2], line
            ) from None
        except (ValueError, OverflowError):
            return str(node.value)
        return value if isinstance(value, (str, int, float, bool, type(None))) else str(node.value)
