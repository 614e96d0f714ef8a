"""Why is it not there? The whole way of one path, from what a source says to the proof that each server knows it.

It only looks, at rows and at the disk, and asks nobody over the network. It works for a path that exists nowhere.
"""

from __future__ import annotations

import difflib

from mediasync.core.paths import join
from monitors.glance import Glance
from monitors.models import Change, Directory, File, Root
from monitors.selectors import root_of
from scanning import selectors
from scanning.facts import Fact

from . import arriving, history, requested, rooted, telling, working
from .parts import Advice, Explained, Part, Said, ServerPart, Step

__all__ = ["Advice", "Explained", "Said", "ServerPart", "Step", "explain"]

NAMES = 5000  # in a folder, among which one that is spelt alike is looked for


def explain(path: str, source: str = "") -> Explained:
    """Return the way of a path (stored text; as ``source`` names it, or as this machine does)."""
    local, part = arriving.arrive(path, source)
    if local is None:
        _guess(path, source, part)
        return Explained(path, source, None, part.steps, [], part.todo)
    local, names = _behind_link(local, part)
    inside = root_of(local)
    with Glance() as glance:
        if inside is None:
            servers = _without_root(path, source, local, glance, part)
        else:
            servers = _in_root(inside[0], inside[1], local, names, glance, part)
    todo = [*part.todo, *([] if part.stopped else [each for server in servers for each in server.part.todo])]
    todo = working.at_work(sorted(todo, key=lambda each: each.late)) or [_all_well(servers)]
    return Explained(path, source, local, part.steps, [*servers, *telling.switched_off()], todo)


def _behind_link(local: str, part: Part) -> tuple[str, list[str]]:
    """Return what a path among our links stands for, and the path itself; any other path as it is."""
    found = history.source_of_link(local)
    if found is None or root_of(local, [found[0].root]) is not None:
        return local, []
    rule, below, link = found
    if link is None:
        part.add("link", "explain_among_links", row=("scanning.LinkRule", rule.pk), target=rule.target)
        return join(rule.root.path, below), [local]
    behind = join(rule.root.path, join(link.folder.path, link.source) if link.folder.path else link.source)
    part.add("link", "explain_is_link", "ok", at=link.changed_at, row=("scanning.Link", link.pk), path=behind)
    return behind, [local]


def _in_root(root: Root, below: str, local: str, names: list[str], glance: Glance, part: Part) -> list[ServerPart]:
    seen = rooted.look(root, below, local, glance, part)
    history.hints(root, below, part, known=seen.known)
    if seen.unseen and not part.todo:  # with a hint that waits, it is looked at without a crawl
        part.advise("todo_crawl", page=("monitors.Root", root.pk), root=root.name)
    changes = history.changes(root, below, seen, part)
    links = [*names, *history.links(root, below, seen, part)]
    missing = seen.there is False or (not root.mounted and not seen.known)  # of the latter, the listing is all there is
    if missing and not seen.known and not changes and not part.stopped:
        _alike(root, below, part)
    elif missing and seen.known and not part.stopped:
        part.advise("todo_vanished", page=("monitors.Root", root.pk), root=root.name)
    group = telling.facts_of(local, links, glance)
    begun = any(not each.late for each in part.todo) or missing
    pending = part.stopped or (begun and not changes)
    return _servers(group, changes, glance, part, pending=pending)


def _without_root(path: str, source: str, local: str, glance: Glance, part: Part) -> list[ServerPart]:
    part.add("root", "explain_no_root", "warn")
    history.hints(None, local, part)
    group = telling.facts_of(local, [], glance)
    servers = _servers(group, [], glance, part, pending=False)
    if not any(server.asks for server in servers):
        guessed = _guess(path, source, part)
        if not guessed:
            part.advise("todo_no_root", page=("monitors.Root", None))
    return servers


def _servers(
    group: list[Fact], changes: list[Change], glance: Glance, part: Part, *, pending: bool
) -> list[ServerPart]:
    known = selectors.enabled_servers()
    found = [telling.for_server(each, group, changes, glance, pending=pending) for each in known]
    if not found:
        part.advise("todo_no_server", page=("servers.Server", None))
    return found


def _guess(path: str, source: str, part: Part) -> bool:
    """Say in whose name space a path would be something here; those come first, as nothing else will help."""
    found = Part()
    for code, name, other, said_by in arriving.guesses(path):
        if (other, said_by) != (path, source):
            found.advise(code, instead=(other, said_by), name=name, path=other)
    part.todo[:0] = found.todo
    return bool(found.todo)


def _alike(root: Root, below: str, part: Part) -> None:
    """Say that a path is nowhere, and what is called almost like it."""
    holders = rooted.chain(below)
    rows = {row.path: row for row in Directory.objects.filter(root=root, path__in=holders)}
    known = next((path for path in reversed(holders) if path in rows), None)
    if known is not None:
        name, _slash, rest = below[len(known) :].lstrip("/").partition("/")
        files = File.objects.filter(directory_id=rows[known].pk).values_list("name", flat=True)[:NAMES]
        folders = Directory.objects.filter(parent_id=rows[known].pk).values_list("path", flat=True)[:NAMES]
        names = {each.casefold(): each for each in [*files, *(path.rpartition("/")[2] for path in folders)]}
        near = difflib.get_close_matches(name.casefold(), names, 1, 0.8)
        if near:
            other = join(join(root.path, known), names[near[0]]) + (f"/{rest}" if rest else "")
            part.advise("todo_near", instead=(other, ""), path=other)
    part.advise("todo_nowhere", page=("monitors.Root", root.pk), root=root.name)


def _all_well(servers: list[ServerPart]) -> Advice:
    states = [server.state for server in servers]
    proved = bool(states) and all(state in requested.DONE for state in states)
    return Advice(Said("todo_nothing_proved" if proved else "todo_nothing"))
