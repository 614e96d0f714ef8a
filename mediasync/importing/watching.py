"""Folders that another program watched, as roots; and what its rewrites of them mean here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from django.utils.translation import gettext as _

from scanning import mapping

from . import common, globs
from .plan import AddRoot, Plan
from .rewrites import Rewrite, compose
from .tree import Node

Found = tuple[Node, Rewrite]


@dataclass(frozen=True, slots=True)
class Watched:
    """A watched folder, with the expressions that chose files in it and the rewrites of what was seen there."""

    path: Node
    include: Sequence[Node] = ()
    exclude: Sequence[Node] = ()
    rules: Sequence[Rewrite] = field(default_factory=list)


def root(plan: Plan, watched: Watched, *, feed: str) -> None:
    """Plan a root for a watched folder."""
    try:
        path = common.filled(watched.path)
    except common.Unusable as error:
        plan.not_taken(watched.path, str(error))
        return
    chosen = {name: _globs(plan, name, watched, path) for name in ("include", "exclude")}
    plan.add(AddRoot, watched.path, path=path, options={"feed": feed} | {k: v for k, v in chosen.items() if v})


def _globs(plan: Plan, name: str, watched: Watched, path: str) -> list[str]:
    """Return the globs for expressions; they were matched against the rewritten path."""
    found = []
    far = mapping.Rules(tuple(mapping.Rule(r.pattern, r.replacement, r.regex) for r in watched.rules)).translate(path)
    for node in getattr(watched, name):
        glob = globs.from_regex(node.string(), far.path or path)
        if glob is None or (glob == "" and name == "exclude"):
            plan.not_taken(
                node, _("No pattern of a root says the same. Set “Exclude” or “Include” of the root by hand.")
            )
            if name == "include":
                return []  # better too many files than too few
        elif glob == "":
            return []  # all of the root
        else:
            found.append(glob)
    return found


def rules(plan: Plan, found: Iterable[Found], servers: dict[str, list[Rewrite]]) -> None:
    """Plan what a rewrite of watched folders means here: our watcher names folders as they are on this machine.

    So a path goes to each server at once, through the rewrite of the watcher and that of the server.
    """
    for node, rule in found:
        for name, later in (servers or {"": []}).items():
            try:
                both = compose(rule, later)
            except ValueError as error:
                text = _("It cannot be taken over: %s. Make a rule from the watched folder to what the server sees.")
                plan.not_taken(node, text % error)
                break
            common.rules(plan, [(node, both)], "server", name, 50)
