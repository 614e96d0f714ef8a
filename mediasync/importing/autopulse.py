"""autopulse's configuration (facts: dan-online/autopulse 55124fd, crates/service/src/settings).

Triggers and targets are mappings by name, each with a type. A rewrite is one pair or a list; *all* rules are applied,
one after the other, to the result of the one before: the first that matches wins here, so a chain is told of.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from django.utils.translation import gettext as _

from . import common, durations, watching
from .plan import Plan
from .rewrites import Rewrite, compose
from .tree import Node, Section

HOOKS = {
    **{kind: kind for kind in ("sonarr", "radarr", "lidarr", "readarr")},
    **dict.fromkeys(("atrain", "a_train", "a-train"), "atrain"),
    "sportarr": "sonarr",
    **dict.fromkeys(("manual", "bazarr", "tdarr"), "autopulse"),
    "autoscan": "autoscan",
}
SERVERS = ("plex", "emby", "jellyfin")
DEFAULT_LOGIN = ("admin", "password")  # what it takes when the file says nothing
NEEDLESS = ("database_url", "log_level", "api_logging", "log_file", "log_file_rollover", "log_file_max_files")


def plan(top: Section, plan: Plan) -> None:
    """Plan what the whole file says."""
    _app(top, plan)
    opts = top.section("opts")
    targets, triggers, auth = (top.section(name) for name in ("targets", "triggers", "auth"))
    servers = _servers(targets, plan)
    if (enabled := auth.get("enabled")) is not None and not enabled.bool():
        auth.skip()
        login = common.login_of(plan, Section(Node(None, key="auth.enabled", line=enabled.line)))
    else:
        login = common.login_of(plan, auth, default=DEFAULT_LOGIN)
    wait = opts.get("default_timer_wait")
    debounce = None if wait is None else durations.seconds(wait)
    for name, node in triggers.entries():
        _trigger(name, triggers.below(node), plan, servers, login, debounce)
    if common.BUILT_IN not in triggers:  # it is always there
        common.hook(plan, Node(None, key="triggers.manual"), common.BUILT_IN, "autopulse", login, debounce)
    common.anchors(plan, top.items("anchors"))


def _app(top: Section, plan: Plan) -> None:
    app, opts = top.section("app"), top.section("opts")
    for name in NEEDLESS:
        app.get(name), opts.get(name)
    listening = _("mediasync listens where LISTEN in its .env says. Give the senders its address.")
    common.tell(plan, app, dict.fromkeys(("hostname", "port", "base_path"), listening))
    sentences = {
        "check_path": _("mediasync waits for each file by itself; each hook has a switch for it."),
        "max_retries": _("A scan is tried until it succeeds or is refused."),
        "cleanup_days": _("Set KEEP_PAYLOADS_DAYS in .env."),
    }
    common.tell(plan, opts, sentences)
    for name in ("webhook_retries", "webhook_timeout", "webhook_interval"):
        opts.get(name)
    for _name, node in top.section("webhooks").entries():
        plan.not_taken(node, _("mediasync sends no messages to other programs yet."))


def _servers(targets: Section, plan: Plan) -> dict[str, list[Rewrite]]:
    """Plan the servers and their rules; return the rules by server."""
    found: dict[str, list[Rewrite]] = {}
    for name, node in targets.entries():
        target = targets.below(node)
        kind = target.string("type").lower()
        if kind not in SERVERS:
            target.skip()
            plan.not_taken(node, _("mediasync tells Plex, Emby and Jellyfin only."))
            continue
        after = _("It asks for scans only: servers find details by themselves.")
        common.tell(
            plan, target, dict.fromkeys(("refresh", "analyze", "metadata_refresh_mode", "refresh_metadata"), after)
        )
        common.tell(plan, target, {"filter": _("Leave libraries out under Libraries, or set “Exclude” of the root.")})
        rules = _rewrites(plan, target)
        if common.server(plan, node, name[:100], kind, target.get("url"), target.get("token")):
            found[name[:100]] = [rule for _node, rule in rules]
            common.rules(plan, rules, "server", name[:100])
    return found


def _trigger(
    name: str,
    trigger: Section,
    plan: Plan,
    servers: dict[str, list[Rewrite]],
    login: common.Login,
    debounce: float | None,
) -> None:
    kind = trigger.string("type").lower()
    if kind not in (*HOOKS, "notify"):
        trigger.skip()
        plan.not_taken(trigger.node, _("Let this program call a hook of the kind “generic”; make one under Hooks."))
        return
    common.tell(plan, trigger, {"excludes": _("Every server is told. Switch libraries off under Libraries instead.")})
    timer = trigger.section("timer").get("wait")
    if kind == "notify":
        _notify(trigger, plan, servers)
        return
    if timer is not None:
        debounce = durations.seconds(timer)
    apart = _("One delay holds for all events of a hook.")
    common.tell(plan, trigger, {"event_timers": apart, "filter": _("Set “Exclude” of the root by hand.")})
    name = common.hook(plan, trigger.node, name, HOOKS[kind], login, debounce)
    common.rules(plan, _rewrites(plan, trigger), "source", name)


def _notify(trigger: Section, plan: Plan, servers: dict[str, list[Rewrite]]) -> None:
    """Plan roots for watched folders."""
    if (recursive := trigger.get("recursive")) is not None and not recursive.bool():
        plan.remark(recursive, _("A root takes in all folders below it. Exclude what does not belong to it."))
    polling = trigger.string("backend").lower() == "polling"
    filters = trigger.section("filter")
    found = _rewrites(plan, trigger)
    rules = [rule for _node, rule in found]
    include = [*trigger.items("filters"), *filters.items("include")]
    for node in trigger.items("paths"):
        watched = watching.Watched(node, include, filters.items("exclude"), rules)
        watching.root(plan, watched, feed="polling" if polling else "auto")
    watching.rules(plan, found, servers)


def _rewrites(plan: Plan, section: Section) -> list[tuple[Node, Rewrite]]:
    """Return the rules of a trigger or target: what one makes of a path goes through those after it."""
    found = common.rewrites(plan, section.items("rewrite"))
    return [(node, _through(plan, node, rule, found[n + 1 :])) for n, (node, rule) in enumerate(found)]


def _through(plan: Plan, node: Node, rule: Rewrite, later: Sequence[tuple[Node, Rewrite]]) -> Rewrite:
    """Return one rule for a rule and those after it; say so where there is none."""
    for _node, other in later:
        if not _goes_on(rule, other):
            continue
        try:
            rule = compose(rule, [other])
        except ValueError as error:
            text = _(
                "autopulse sends the result through “%(other)s” too, but here the first rule that matches wins, "
                "and this cannot be made one rule: %(why)s. Write the final folder into it."
            )
            plan.not_taken(node, text % {"other": other.pattern, "why": error})
    return rule


def _goes_on(rule: Rewrite, later: Rewrite) -> bool:
    """Tell whether a later rule finds something in the result of an earlier one."""
    result = re.sub(r"\$(?:\d|\{\w+\})", "x", rule.replacement).rstrip("/") + "/x"
    return re.search(later.pattern if later.regex else re.escape(later.pattern), result) is not None
