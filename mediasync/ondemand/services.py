"""Ask servers to update, by the name of a library or of a file, and say what was asked of whom."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.db import transaction

from mediasync.core import clock
from mediasync.core.errors import NotFound
from mediasync.core.paths import for_people, is_within, join, relative
from mediasync.servers import library_scan
from mediasync.servers.models import Library, Server
from monitors.glance import Glance
from monitors.hints import intake
from monitors.hints.notices import Notice, Source
from scanning import facts, selectors, services
from scanning.models import ScanRequest
from scanning.requests import Wanted
from scanning.telling import Listener

from . import distant, naming
from .distant import SOURCE
from .finding import NEAR, Finder
from .naming import Named
from .places import Place, Top, places_of, suits, tops


@dataclass(frozen=True, slots=True)
class Asked:
    """One thing that is asked of a server. ``state``: queued, waiting; paused or off: the server is told later."""

    server: str
    library: str
    path: str = ""  # as the server names it; "" is all of the library
    state: str = "queued"
    job: int | None = None
    request: int | None = None


@dataclass(frozen=True, slots=True)
class Update:
    """What an update on demand set going."""

    name: str
    asked: tuple[Asked, ...]
    title: str = ""
    kind: str = ""
    folders: tuple[str, ...] = field(default=())  # as this machine names them

    def as_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        asked = [{name: getattr(each, name) for name in Asked.__slots__} for each in self.asked]
        return {"name": self.name, "title": self.title, "kind": self.kind, "folders": self.folders, "asked": asked}

    def as_text(self) -> str:
        """Return it as lines for people and mails."""
        parts = ((each.server, each.library, for_people(each.path), each.state) for each in self.asked)
        return "".join(f"{server} · {library}: {path or '*'} ({state})\n" for server, library, path, state in parts)


def of_library(library: Library, actor: str = "") -> Asked:
    """Have a whole library looked through."""
    job = library_scan.submit(library, actor=actor).job
    return Asked(library.server.name, library.title, "", _state(library.server, "queued"), job=job.pk)


def by_section(title: str, actor: str = "") -> Update:
    """Have every library of this title looked through, on all servers; NotFound names the nearest titles."""
    libraries = Library.objects.filter(enabled=True, server__enabled=True).select_related("server")
    everything = list(libraries.order_by("server__name", "title"))
    meant = [each for each in everything if _same(each.title, title)]
    if not meant:
        known = {each.title.casefold(): each.title for each in everything}
        close = difflib.get_close_matches(title.strip().casefold(), known, NEAR, 0.0)
        near = [known[each] for each in close]
        raise NotFound(f"No library is called {_quoted(title)}.", code="no_section", near=near)
    return Update(title, tuple(of_library(each, actor) for each in meant))


def by_name(name: str, actor: str = "") -> Update:
    """Have the folder that holds a film or show looked at, by every server that has it.

    Raises UsageError for a name without a title, NotFound (with ``near``) for a title that is nowhere.
    """
    named = naming.parse(name)
    with Glance() as glance:
        return _by_name(name, named, glance, actor)


def _by_name(name: str, named: Named, glance: Glance, actor: str) -> Update:
    listeners = [Listener(server, glance.exists) for server in selectors.enabled_servers()]
    known, finder = tops(), Finder(named, glance)
    seen: list[Place] = []
    answers: list[distant.Answer] = []
    for kind in named.kinds:
        places = [place for each in listeners for place in places_of(each, known, kind)]
        seen += places
        folders = finder.find(places)
        here = {place.library.pk for place in places}
        answers.append(distant.ask((each.server for each in listeners), named, kind, here))
        groups = facts.of_paths(folders, glance)
        if asked := _ask(groups, answers[-1].wanted, kind, listeners, known):
            return Update(name, tuple(asked), named.title, kind, tuple(folders))
        if settings.UPDATE_WHOLE_LIBRARIES and (far := answers[-1].far):
            return Update(name, tuple(of_library(each, actor) for each in far), named.title, kind)
    raise _unknown(named, finder, seen, answers)


def _ask(
    groups: Sequence[Sequence[facts.Fact]],
    far: Mapping[Server, Sequence[Wanted]],
    kind: str,
    listeners: Sequence[Listener],
    known: Sequence[Top],
) -> list[Asked]:
    """Write down what each server is asked, and have our own roots look at the same folders."""
    now = clock.system.now()
    asked: list[Asked] = []
    with transaction.atomic():
        for listener in listeners:
            listener.rules.used.clear()  # reading them backwards was no use of them
            wanted = [each for group in groups for each in _wanted(listener, group, kind)]
            wanted += far.get(listener.server, ())
            services.note({listener.server: wanted}, now, at_once=True)
            services.count_uses(listener.rules)
            asked += _noted(listener.server, wanted)
        # What lies in a root goes the whole way too: what is new there may need a link before a server can see it.
        notices = [
            Notice(path, is_dir=True, local=True) for path in _in_roots([group[0].local for group in groups], known)
        ]
        intake.take_in(notices, Source(SOURCE, SOURCE, debounce=0.0, wait_for_file=False))
    return asked


def _wanted(listener: Listener, group: Sequence[facts.Fact], kind: str) -> list[Wanted]:
    fitting = {row.pk for row in Library.objects.filter(server=listener.server, enabled=True) if suits(row, kind)}
    return [each for each in listener.wanted(group, SOURCE) if each.library in fitting and not each.error]


def _noted(server: Server, wanted: Sequence[Wanted]) -> list[Asked]:
    found: dict[int, Asked] = {}
    for each in wanted:
        rows = ScanRequest.objects.filter(server=server, library=each.library, path=each.unit.path)
        row = rows.filter(state=ScanRequest.State.WAITING).select_related("library").first()
        if row is not None and row.library is not None:
            found[row.pk] = Asked(server.name, row.library.title, row.path, _state(server, "waiting"), request=row.pk)
    return list(found.values())


def _in_roots(folders: Sequence[str], known: Sequence[Top]) -> list[str]:
    """Return the same folders in their roots; some may lie among the links of one."""
    inside = []
    for folder in folders:
        top = next((top for top in known if is_within(folder, top.path)), None)
        if top is not None and top.root is not None:
            inside.append(join(top.root.path, relative(folder, top.path)))
    return inside


def _unknown(named: Named, finder: Finder, seen: Sequence[Place], answers: Sequence[distant.Answer]) -> NotFound:
    about: dict[str, Any] = {"title": named.title, "kind": named.kind}
    about["near"] = finder.nearest(seen, [name for answer in answers for name in answer.names])
    silent = {server.name for answer in answers for server in answer.silent}
    blind = ", ".join([*sorted(map(for_people, finder.hidden)), *sorted(silent)])
    what = f"the {named.kind} {_quoted(named.title)}"
    if blind:
        text = f"Nothing is known of {what}, and it cannot be looked for now in: {blind}."
        return NotFound(text, code="cannot_look", where=blind, **about)
    if not seen:
        text = (
            f"No server knows {what}, and no library for it has a folder that can be seen here: add its root, and a "
            "path mapping."
        )
        return NotFound(text, code="no_place", **about)
    return NotFound(f"No folder is called like {what}.", code="no_such_title", **about)


def _same(first: str, second: str) -> bool:
    return first.strip().casefold() == second.strip().casefold()


def _state(server: Server, otherwise: str) -> str:
    return "paused" if server.paused else otherwise


def _quoted(text: str) -> str:
    return f"“{for_people(text[:200])}”"
