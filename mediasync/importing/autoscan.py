"""autoscan's ``config.yml`` (facts: Cloudbox/autoscan 1d41f4b, cmd/autoscan/main.go and the Config of each package).

Its triggers are lists by kind, each with a name; the first rewrite that matches wins; a rewrite of one folder or drive
comes before those of its trigger.
"""

from __future__ import annotations

from django.utils.translation import gettext as _

from . import bernard, common, durations, watching
from .plan import Plan
from .rewrites import Rewrite
from .tree import Node, Section

ARRS = ("sonarr", "radarr", "lidarr", "readarr")
SERVERS = {"plex": "Plex", "emby": "Emby", "jellyfin": "Jellyfin"}
NEEDLESS = ("verbosity", "scan-stats")


def plan(top: Section, plan: Plan) -> None:
    """Plan what the whole file says."""
    for name in NEEDLESS:
        top.get(name)
    listening = _("mediasync listens where LISTEN in its .env says. Give the senders its address.")
    common.tell(plan, top, {"port": listening, "host": listening, "retries": _("A scan is tried until it succeeds.")})
    targets = top.section("targets")
    servers = _servers(targets, plan, top.get("scan-delay"))
    login = common.login_of(plan, top.section("authentication"))
    age = top.get("minimum-age")
    triggers = top.section("triggers")
    _hooks(triggers, plan, login, None if age is None else durations.go(age))
    for node in triggers.items("inotify"):
        _inotify(triggers.below(node), plan, servers)
    bernard.plan(triggers, plan)
    common.anchors(plan, top.items("anchors"))


def _servers(targets: Section, plan: Plan, delay: Node | None) -> dict[str, list[Rewrite]]:
    """Plan the servers and their rules; return the rules by server."""
    found: dict[str, list[Rewrite]] = {}
    pace = None if delay is None else durations.go(delay)
    for kind, label in SERVERS.items():
        for node in targets.items(kind):
            target = targets.below(node)
            target.get("verbosity")
            name = common.free(label, found)
            rules = common.rewrites(plan, target.items("rewrite"))
            if common.server(plan, node, name, kind, target.get("url"), target.get("token"), pace):
                found[name] = [rule for _node, rule in rules]
                common.rules(plan, rules, "server", name)
    for node in targets.items("autoscan"):
        targets.below(node).skip()
        plan.not_taken(node, _("mediasync tells servers only. Let the other autoscan's senders call both."))
    return found


def _hooks(triggers: Section, plan: Plan, login: common.Login, debounce: float | None) -> None:
    for kind in ARRS:
        for node in triggers.items(kind):
            trigger = triggers.below(node)
            name = trigger.string("name") or kind
            _hook(trigger, plan, name, kind, login, debounce)
    manual = triggers.section(common.BUILT_IN)
    _hook(manual, plan, common.BUILT_IN, "autoscan", login, debounce)
    if "a-train" in triggers:
        _a_train(triggers.section("a-train"), plan, login, debounce)


def _hook(trigger: Section, plan: Plan, name: str, kind: str, login: common.Login, debounce: float | None) -> None:
    trigger.get("verbosity")
    trigger.get("priority")  # scans of one server are not many: they are sent by age
    name = common.hook(plan, trigger.node, name, kind, login, debounce)
    common.rules(plan, common.rewrites(plan, trigger.items("rewrite")), "source", name)


def _a_train(trigger: Section, plan: Plan, login: common.Login, debounce: float | None) -> None:
    """Plan the hook, and one for each drive with rules of its own: the address of a call ends with the drive's id."""
    _hook(trigger, plan, "a-train", "atrain", login, debounce)
    shared = trigger.items("rewrite")
    for node in trigger.items("drives"):
        drive = trigger.below(node)
        ident, own = drive.string("id"), drive.items("rewrite")
        if ident and own:
            name = common.hook(plan, node, ident, "atrain", login, debounce)
            common.rules(plan, common.rewrites(plan, [*own, *shared]), "source", name)


def _inotify(trigger: Section, plan: Plan, servers: dict[str, list[Rewrite]]) -> None:
    trigger.get("verbosity")
    trigger.get("priority")
    shared = common.rewrites(plan, trigger.items("rewrite"))
    include, exclude = trigger.items("include"), trigger.items("exclude")
    for node in trigger.items("paths"):
        folder = trigger.below(node if node.mapping() else Node({"path": node}, key=node.key, line=node.line))
        own = common.rewrites(plan, folder.items("rewrite"))
        watching.rules(plan, own, servers)
        watched = watching.Watched(
            folder.get("path") or folder.node,
            include=[*folder.items("include"), *include],
            exclude=[*folder.items("exclude"), *exclude],
            rules=[rule for _node, rule in (*own, *shared)],
        )
        watching.root(plan, watched, feed="inotify")
    watching.rules(plan, shared, servers)
