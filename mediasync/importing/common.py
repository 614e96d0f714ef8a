"""What the plans of several programs share: values from the environment, servers, hooks, rewrites, anchors."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable

from django.utils.translation import gettext as _

from mediasync.core.addresses import check_base_url
from mediasync.core.errors import UsageError

from .plan import AddAnchor, AddHook, AddRule, AddServer, Plan, Space
from .rewrites import Rewrite, from_regex
from .tree import Node, Section

NAME = re.compile(r"[-a-zA-Z0-9_]{1,50}")  # of a hook: it stands in its address
PLACEHOLDER = re.compile(r"\$\{(\w+)\}")
BUILT_IN = "manual"  # the trigger that both autoscan and autopulse always have


class Unusable(ValueError):
    """This one thing cannot be taken over; the sentence says why and what to do."""


def filled(node: Node | None) -> str:
    """Return a text with ``${NAME}`` from the environment."""
    if node is None:
        return ""

    def one(found: re.Match[str]) -> str:
        try:
            return os.environ[found.group(1)]
        except KeyError:
            text = _("${%s} is not set in the environment. Set it for this command, or write the value into the file.")
            raise Unusable(text % found.group(1)) from None

    return PLACEHOLDER.sub(one, node.string()).strip()


def address(node: Node | None) -> str:
    """Return the address of a server, in its one spelling."""
    text = filled(node)
    if not text:
        raise Unusable(_("There is no address. Add the server in the admin, under Servers."))
    try:
        return check_base_url(text if "://" in text else f"http://{text}")
    except UsageError as error:
        raise Unusable(str(error)) from None


def server(
    plan: Plan, node: Node, name: str, kind: str, url: Node | None, token: Node | None, pace: float | None = None
) -> bool:
    """Plan a server; False if it cannot be."""
    try:
        values = {"url": address(url), "token": filled(token)}
    except Unusable as error:
        plan.not_taken(node, str(error))
        return False
    plan.add(AddServer, node, name=name, kind=kind, pace=pace, **values)
    if not values["token"]:
        plan.not_taken(node, _("There is no token. Enter one at the server, under Servers."))
    return True


def hook(plan: Plan, node: Node, name: str, kind: str, login: Login, debounce: float | None) -> str:
    """Plan an endpoint under its old name, so that its address goes on to work; return the name."""
    if not NAME.fullmatch(name):
        new = re.sub(r"[^-a-zA-Z0-9_]+", "-", name).strip("-")[:50] or kind
        text = _(
            "An address cannot hold the name “%(old)s”: it is called “%(new)s” from now on. Change it at the sender."
        )
        plan.remark(node, text % {"old": name, "new": new})
        name = new
    if any(isinstance(item, AddHook) and item.name == name for item in plan.items):
        plan.not_taken(node, _("There are two triggers called “%s”. Give one another name.") % name)
        return name
    user, password, is_open = login
    plan.add(AddHook, node, name=name, kind=kind, username=user, password=password, open=is_open, debounce=debounce)
    return name


Login = tuple[str, str, bool]  # user, password, open to all


def login_of(plan: Plan, section: Section, *, default: tuple[str, str] | None = None) -> Login:
    """Return who may call the hooks; without a password, all may, as before."""
    try:
        user, password = filled(section.get("username")), filled(section.get("password"))
    except Unusable as error:
        raise UsageError(str(error), code="bad_config") from None  # else every hook would stand open
    if default is not None and not (user and password):
        user, password = user or default[0], password or default[1]
        text = _("The user or password is the default of the program. Set a password of your own at each hook.")
        plan.remark(section.node, text)
    if user and password:
        return user, password, False
    text = _("No user and password: the old addresses answer to everybody, as before. Set a password at each hook.")
    plan.remark(section.node, text)
    return "", "", True


def rewrites(
    plan: Plan, nodes: Iterable[Node], parse: Callable[[str, str], Rewrite] = from_regex
) -> list[tuple[Node, Rewrite]]:
    """Return the usable pairs of ``from`` and ``to`` in a list of rewrites, and say why others are not."""
    found = []
    for node in nodes:
        pair = Section(node)
        source, target = pair.get("from"), pair.get("to")
        for extra in pair.unread():
            plan.not_taken(extra, _("This key is not known."))
        if source is None:
            plan.not_taken(node, _("A rewrite needs “from”."))
            continue
        try:
            found.append((node, parse(source.string(), target.string() if target else "")))
        except ValueError as error:
            text = _(
                "It cannot be taken over: %s. Make a rule that does the same under Path mappings, and try it there."
            )
            plan.not_taken(node, text % error)
    return found


def rules(plan: Plan, found: Iterable[tuple[Node, Rewrite]], space: Space, scope: str, first: int = 100) -> None:
    """Plan mapping rules in the order of the file."""
    for rank, (node, rule) in enumerate(found):
        values = {"pattern": rule.pattern, "replacement": rule.replacement, "regex": rule.regex}
        plan.add(AddRule, node, space=space, scope=scope, rank=first + rank, **values)


def anchors(plan: Plan, nodes: Iterable[Node]) -> None:
    """Plan the files without which nothing may be told to a server."""
    for node in nodes:
        try:
            plan.add(AddAnchor, node, path=filled(node))
        except Unusable as error:
            plan.not_taken(node, str(error))


def tell(plan: Plan, section: Section, sentences: dict[str, str]) -> None:
    """Say of keys why they are not taken over."""
    for name, sentence in sentences.items():
        if node := section.get(name):
            plan.not_taken(node, sentence)


def free(name: str, taken: Iterable[str]) -> str:
    """Return a name that is not taken."""
    used = set(taken)
    return next(each for n in range(1, len(used) + 2) if (each := name if n == 1 else f"{name} {n}") not in used)
