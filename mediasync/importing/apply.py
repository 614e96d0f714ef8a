"""Do what a plan says, by the services of each app, and tell of each line what came of it.

All is one transaction. A dry run is the same, rolled back; nothing that is done here reaches out of the database.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from mediasync.core.addresses import check_base_url
from mediasync.core.errors import MediasyncError, UsageError
from mediasync.core.paths import for_people, is_within, normalise, relative
from mediasync.servers import services as servers
from mediasync.servers.models import Server
from monitors import services as monitors
from monitors.accounts import KINDS as ACCOUNTS
from monitors.accounts.secrets import set_secrets
from monitors.hooks import services as hooks
from monitors.models import Account, Hook, Root
from scanning import mapping
from scanning import services as scanning
from scanning.models import PathMapping

from .common import free
from .plan import AddAccount, AddAnchor, AddHook, AddRoot, AddRule, AddServer, Item, Plan, Remark

SAME = {"clouddrive": ("address",), "gdrive": ("service_account_file", "drive")}  # what makes an account the same
Outcome = Literal["made", "there", "not_taken", "remark"]


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the report."""

    line: int | None
    key: str
    outcome: Outcome
    text: str


@dataclass(slots=True)
class Report:
    """What came of a plan; ``servers`` are those that were made."""

    lines: list[Line] = field(default_factory=list)
    servers: list[Server] = field(default_factory=list)


class _Undo(Exception):
    """Ends a dry run."""


def apply_plan(plan: Plan, *, dry_run: bool = False, actor: str = "") -> Report:
    """Do it all, or, when something unforeseen happens, nothing."""
    work = _Work(actor)
    try:
        with transaction.atomic():
            for item in plan.items:
                work.do(item)
            if dry_run:
                raise _Undo
    except _Undo:
        work.report.servers.clear()
    work.report.lines.sort(key=lambda line: line.line or 0)
    return work.report


class _Work:
    def __init__(self, actor: str) -> None:
        self.actor = actor
        self.report = Report()
        self.accounts: dict[str, Account] = {}
        self.servers: dict[str, Server] = {}
        self.refused: set[tuple[str, str]] = set()  # servers and hooks that could not be: their rules cannot be either

    def do(self, item: Item) -> None:
        """Do one thing; what a service refuses is told of, and the rest goes on."""
        if isinstance(item, Remark):
            self._say(item, "not_taken" if item.lost else "remark", item.text)
            return
        try:
            with transaction.atomic():
                made, text = self._doers[type(item)](self, item)
        except (MediasyncError, ValidationError) as error:
            if isinstance(item, (AddServer, AddHook)):
                self.refused.add(("server" if isinstance(item, AddServer) else "source", item.name))
            text = " ".join(error.messages) if isinstance(error, ValidationError) else str(error)
            self._say(item, "not_taken", text)
        else:
            self._say(item, "made" if made else "there", text)

    def _say(self, item: Item, outcome: Outcome, text: str) -> None:
        self.report.lines.append(Line(item.line, for_people(item.key), outcome, for_people(text)))

    def account(self, item: AddAccount) -> tuple[bool, str]:
        kind = ACCOUNTS[item.kind]
        values = kind.check({**item.options, **item.secrets})
        hidden = {each.name for each in kind.fields if each.secret}
        options = {name: value for name, value in values.items() if name not in hidden}
        text = _("account “%(name)s” (%(kind)s)")
        label = Account.Kind(item.kind).label
        for known in Account.objects.filter(kind=item.kind).order_by("pk"):
            if all(known.options.get(name, "") == options.get(name, "") for name in SAME[item.kind]):
                self.accounts[item.name] = known
                return False, text % {"name": known.name, "kind": label}
        name = free(item.name, Account.objects.values_list("name", flat=True))
        account = Account(name=name, kind=item.kind, options=options)
        set_secrets(account, {name: str(values[name]) for name in hidden if values.get(name)})
        account.full_clean()
        account.save()
        self.accounts[item.name] = account
        return True, text % {"name": name, "kind": label}

    def server(self, item: AddServer) -> tuple[bool, str]:
        text = _("server “%(name)s” (%(kind)s, %(url)s)")
        facts = {"kind": Server.Kind(item.kind).label, "url": item.url}
        known = Server.objects.filter(kind=item.kind, url=check_base_url(item.url)).order_by("pk").first()
        if known is not None:
            self.servers[item.name] = known
            return False, text % {**facts, "name": known.name}
        name = free(item.name, Server.objects.values_list("name", flat=True))
        server = Server(name=name, kind=item.kind, url=item.url)
        if item.pace is not None:
            server.pace = item.pace
        server.full_clean()
        servers.save(server, token=item.token)
        self.servers[item.name] = server
        self.report.servers.append(server)
        return True, text % {**facts, "name": name}

    def root(self, item: AddRoot) -> tuple[bool, str]:
        text = _("root “%s”")
        path = _whole(item.path)
        if Root.objects.filter(path=path).exists():
            return False, text % path
        options: dict[str, Any] = dict(item.options)
        if item.account:
            if item.account not in self.accounts:
                raise UsageError(_("Its account could not be taken over."))
            options["account"] = self.accounts[item.account]
        monitors.add_root(path, ask=False, actor=self.actor, **options)  # we are in a transaction
        return True, text % path

    def anchor(self, item: AddAnchor) -> tuple[bool, str]:
        path = _whole(item.path)
        root = next((each for each in Root.objects.order_by("pk") if is_within(path, each.path)), None)
        if root is None or root.path == path:
            text = _(
                "No root holds it. Add the folder that it guards as a root, with this file as its anchor: until "
                "then nothing stops when the mount is away."
            )
            raise UsageError(text)
        below = relative(path, root.path)
        text = _("anchor “%(anchor)s” of the root “%(root)s”") % {"anchor": below, "root": root.name}
        if root.anchor == below:
            return False, text
        if root.anchor:
            raise UsageError(_("The root “%s” has another anchor already, and can have one only.") % root.name)
        monitors.update_root(root, actor=self.actor, anchor=below)
        return True, text

    def hook(self, item: AddHook) -> tuple[bool, str]:
        text = _("hook “%(name)s” (%(kind)s)") % {"name": item.name, "kind": item.kind}
        known = Hook.objects.filter(name=item.name).first()
        if known is not None:
            if known.kind != item.kind:
                raise UsageError(_("There is a hook “%s” of another kind. Rename one of them.") % item.name)
            return False, text
        options = {"username": item.username, "open": item.open, "debounce": item.debounce}
        hooks.add_hook(item.name, item.kind, password=item.password, **options)
        return True, text

    def rule(self, item: AddRule) -> tuple[bool, str]:
        if (item.space, item.scope) in self.refused:
            raise UsageError(_("It belongs to “%s”, which could not be taken over.") % item.scope)
        mapping.check(item.pattern, item.replacement, item.regex)
        server = self.servers.get(item.scope) if item.space == "server" else None
        values: Mapping[str, Any] = {
            "space": item.space,
            "source": item.scope if item.space == "source" else "",
            "server": server,
            "pattern": item.pattern,
            "replacement": item.replacement,
            "regex": item.regex,
        }
        scope = server.name if server else item.scope or _("all servers")
        words = {"scope": scope, "pattern": item.pattern, "replacement": item.replacement}
        text = _("rule of “%(scope)s”: %(pattern)s → %(replacement)s") % words
        if PathMapping.objects.filter(**values).exists():
            return False, text
        scanning.save_rule(PathMapping(order=item.rank, **values))
        return True, text

    _doers: Mapping[type[Item], Callable[..., tuple[bool, str]]] = {
        AddAccount: account,
        AddServer: server,
        AddRoot: root,
        AddAnchor: anchor,
        AddHook: hook,
        AddRule: rule,
    }


def _whole(path: str) -> str:
    try:
        return normalise(path)
    except ValueError as error:
        raise UsageError(_("%s. Give the whole path of a folder.") % error) from None
