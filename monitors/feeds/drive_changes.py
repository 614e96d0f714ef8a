"""Google Drive's list of changes: one feed an account, asked each minute.

The token is taken before the tree is read, so nothing falls between the two; the tree says what an id was called before
it moved. Each page is followed in one transaction: hints, tree and the token of the next page.
Source: Drive v3 ``changes.list``; the order of the first steps is bernard's.
"""

from __future__ import annotations

import json
from collections.abc import Hashable, Iterable, Iterator, Sequence
from contextlib import closing
from itertools import groupby

from mediasync.core.clock import Clock, system
from mediasync.core.errors import Permanent, Stop, Transient
from monitors.accounts.gdrive_client import Drive
from monitors.models import Account, Root

from .base import Desk
from .choosing import choose
from .drive.names import dicts_in
from .drive.page import Page, TooMuch, items_in
from .drive.places import folder_id, names_of
from .drive.tree import Tree
from .drive.turns import take_turns

KIND = "drive_changes"
EVERY = 60.0  # seconds
LOST_TOKEN = frozenset({400, 404, 410})
MOST_LOST = 10_000  # ids of parents that cannot be had


class DriveChanges:
    """See ``base.Feed``."""

    kind = KIND

    def __init__(self, account: Account, roots: Sequence[Root], clock: Clock = system) -> None:
        self.account, self.roots, self.clock = account, list(roots), clock
        self.key, self.name, self.account_id = f"account {account.pk}", account.name, account.pk
        self.root_ids = tuple(root.pk for root in roots)
        self.every = min((root.feed_every for root in roots if root.feed_every), default=EVERY)
        self.depends = depends_on(account, roots)
        self._lost: set[str] = set()
        self._fresh = ""  # the token that was taken last, until it has worked

    def run(self, desk: Desk) -> None:
        with closing(Drive(self.account, desk.rest, self.clock)) as client:
            take_turns(desk, self.account, lambda: self._turn(desk, client), self.every, self.clock)

    def _turn(self, desk: Desk, client: Drive) -> None:
        where = {"drive": client.drive, "top": client.top()}
        cursor = desk.cursor
        if not cursor or {name: cursor.get(name) for name in where} != where:
            self._begin(desk, client, "drive_again" if cursor else "drive_first")
        self._read(desk, client)
        try:
            self._follow(desk, client)
        except TooMuch as error:
            self._begin(desk, client, error.code)
            self._read(desk, client)
        self._say(desk, client)

    def _begin(self, desk: Desk, client: Drive, code: str) -> None:
        """Take a token and forget the tree, so that ``_read`` reads it."""
        self._fresh, tree = client.start_token(), Tree(self.account.pk, client.drive)
        where = {"drive": client.drive, "top": client.top()}
        self._lost.clear()
        reading = {"page": "", "items": 0, "code": code}
        desk.commit(cursor={"token": self._fresh, **where, "reading": reading}, also=tree.clear)

    def _read(self, desk: Desk, client: Drive) -> None:
        """Read what is still unread of the whole tree; its roots are crawled after that, and nothing else is said.

        The cursor says how far it came: a big Drive may be throttled, and we may be ended, many times meanwhile.
        """
        tree = Tree(self.account.pk, client.drive)
        while (reading := desk.cursor.get("reading")) is not None:
            if desk.rest(0):
                raise Stop
            try:
                answer = client.listing(reading["page"])
            except Permanent as error:
                if reading["page"] and error.params.get("status") in LOST_TOKEN:
                    desk.commit(cursor=None)  # Google has forgotten the place
                raise
            page = str(answer.get("nextPageToken") or "")
            if answer.get("incompleteSearch") or (page and page == reading["page"]):
                raise Transient("Google did not search everything.", code="drive_unreadable")
            items = dict(items_in(answer, client.drive))
            count = reading["items"] + len(items)
            after = {name: value for name, value in desk.cursor.items() if name != "reading"}
            if page:
                after["reading"] = {**reading, "page": page, "items": count}
            else:
                desk.gap(reading["code"])
            desk.commit(cursor=after, also=lambda items=items: tree.put(items))  # type: ignore[misc]
            desk.fine(items=count)

    def _follow(self, desk: Desk, client: Drive) -> None:
        """Follow all pages there are."""
        tree = Tree(self.account.pk, client.drive)
        while not desk.rest(0):
            token = str(desk.cursor["token"])
            try:
                answer = client.changes(token)
            except Permanent as error:
                fresh, self._fresh = self._fresh, ""
                if error.params.get("status") not in LOST_TOKEN or token == fresh:
                    raise  # a token just given is no good either: no reason to read the tree each minute
                self._begin(desk, client, "drive_again")
                return self._read(desk, client)
            after = str(answer.get("nextPageToken") or answer.get("newStartPageToken") or "")
            more = bool(answer.get("nextPageToken"))
            if not after or (more and after == token):
                raise Transient("Google says not where its changes go on.", code="drive_unreadable")
            self._page(
                desk, Page(dicts_in(answer, "changes"), tree, client, self.roots), {**desk.cursor, "token": after}
            )
            self._fresh = ""
            if not more:
                return None
        return None

    def _page(self, desk: Desk, page: Page, cursor: object) -> None:
        if len(self._lost) > MOST_LOST:
            self._lost.clear()
        page.complete(self._lost)
        told = page.told()
        if told.roots:
            desk.gap("drive_root", told.roots)
        desk.commit(list(told.notices), cursor=cursor, reference=str(desk.cursor["token"])[:100], also=page.write)

    def _say(self, desk: Desk, client: Drive) -> None:
        """Say that it works, or which root's folder is not there."""
        tree, top = Tree(self.account.pk, client.drive), client.top()
        for root in self.roots:
            ident = folder_id(root)
            known = (
                tree.has(top, root.remote_path)
                if ident is None
                else ident == top or bool(names_of(ident, tree.with_all_above([ident]), top))
            )
            if not known:
                return desk.trouble("drive_no_folder", root=root.name, path=root.remote_path)
        return desk.fine()


def wanted(roots: Sequence[Root]) -> Iterable[DriveChanges]:
    """Return a feed for each account whose changes these roots want."""
    return [DriveChanges(account, mine) for account, mine in by_account(roots, KIND)]


def by_account(roots: Sequence[Root], kind: str) -> Iterator[tuple[Account, list[Root]]]:
    """Yield the Google Drive accounts that are in use, with those of the roots that have this feed."""
    chosen = [root for root in roots if _usable(root) and choose(root)[0] == kind]
    for _, group in groupby(sorted(chosen, key=lambda root: (root.account_id or 0, root.pk)), lambda r: r.account_id):
        mine = list(group)
        if mine[0].account is not None:
            yield mine[0].account, mine


def _usable(root: Root) -> bool:
    account = root.account
    return account is not None and account.enabled and account.kind == Account.Kind.GDRIVE


def depends_on(account: Account, roots: Sequence[Root]) -> Hashable:
    """Return what a feed must be made anew for."""
    options = json.dumps(account.options, sort_keys=True)
    each = tuple((root.pk, root.path, root.remote_path, root.feed_every) for root in roots)
    return account.enabled, account.paused, options, account.secrets_sealed, each
