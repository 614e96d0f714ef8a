"""partial-path-scanner's ``config.yaml``, both shapes (facts: zfhxi/partial-path-scanner, template/ and README).

Until late 2024: ``cd2``, ``servers``, ``plex``, ``emby``, ``MONITOR_FOLDER``. Since then: ``storage_providers``,
``media_servers``, and the folders in an SQLite file beside it. All its paths are those of CloudDrive2; a rule turns
them into those of a server. A path that lies on this machine too becomes a mounted root.
"""

from __future__ import annotations

from django.utils.translation import gettext as _

from . import common, durations, pps_folders
from .plan import AddAccount, Plan
from .rewrites import from_prefix
from .tree import Node, Section

ACCOUNT = "CloudDrive2"
HOOK = "clouddrive2"
SERVERS = {
    "plex": ("Plex", "plex", "token"),
    "emby": ("Emby", "emby", "api_key"),
    "embystrm": ("Emby", "emby", "api_key"),
}


def plan(top: Section, plan: Plan) -> None:
    """Plan what the whole file says."""
    account = _account(top, plan)
    named = {node.string().strip().lower() for node in top.items("servers")}
    planned: set[str] = set()
    for kind in SERVERS:
        if kind in top:
            section = top.section(kind)
            if named and kind not in named:
                section.skip()
                plan.not_taken(section.node, _("It is not among “servers”, so it was not used."))
            else:
                _server(kind, section, plan, planned)
    media = top.section("media_servers")
    for kind in SERVERS:
        section = media.section(kind)
        switch = section.get("enabled")
        if kind in media and switch is not None and not switch.bool():
            section.skip()
            plan.not_taken(section.node, _("It is switched off there."))
        elif kind in media:
            _server(kind, section, plan, planned)
    if "flask" in top:  # before, it had no endpoint
        _web(top.section("flask"), plan)
    databases = top.section("databases")
    databases.get("redis")
    folders = [*pps_folders.from_yaml(top), *pps_folders.from_sqlite(databases.section("sqlite"), plan)]
    pps_folders.roots(plan, folders, account)


def _account(top: Section, plan: Plan) -> str:
    """Plan the account; return its name, "" if there is none."""
    storage = top.section("storage_providers")
    provider = storage.string("provider") or "clouddrive2"
    section = top.section("cd2")
    if storage.get("provider"):
        if provider != "clouddrive2":
            text = _("“%s” is not known here. Mount it with rclone, and add its folders as roots.")
            plan.not_taken(storage.node, text % provider)
        else:
            section = storage.section("clouddrive2")
        for name in ("clouddrive2", "alist"):
            if name != provider and name in storage:
                storage.section(name).skip()
    if not section.get("host"):
        return ""
    try:
        host, user, password = (common.filled(section.get(name)) for name in ("host", "username", "password"))
        user = user or common.filled(section.get("user"))
    except common.Unusable as error:
        plan.not_taken(section.node, str(error))
        return ""
    if not (user and password):
        plan.not_taken(section.node, _("User or password is missing. Add the account under Accounts."))
        return ""
    options = {"address": host, "tls": host.startswith("https://"), "user": user}
    secrets = {"password": password}
    plan.add(AddAccount, section.node, name=ACCOUNT, kind="clouddrive", options=options, secrets=secrets)
    return ACCOUNT


def _server(kind: str, section: Section, plan: Plan, planned: set[str]) -> None:
    """Plan a server with its rules: CloudDrive2's path → its path."""
    label, ours, secret = SERVERS[kind]
    section.get("enabled")
    section.get("isfile_based_scanning")  # each kind of server is asked as it likes best
    mapping = section.section("path_mapping")
    switch = mapping.get("enabled") or mapping.get("enable")
    mapping.get("enabled"), mapping.get("enable")
    rules = common.rewrites(plan, mapping.items("rules"), from_prefix)
    name = common.free(label, planned)
    if common.server(plan, section.node, name, ours, section.get("host"), section.get(secret)):
        planned.add(name)
        if switch is not None and switch.bool():
            common.rules(plan, rules, "server", name)
        elif rules:
            plan.not_taken(mapping.node, _("The mapping is switched off there."))
    if kind == "embystrm":
        _strm(section.section("strm"), plan)


def _strm(section: Section, plan: Plan) -> None:
    """Say what to do for .strm files: they need a root that lies on this machine."""
    for node in section.items("root_mapping"):
        pair = Section(node)
        words = {name: pair.string(name) for name in ("src", "dest", "mount")}
        text = _(
            "Links are not made yet. Where CloudDrive2 is mounted, give the root of “%(src)s” its path below "
            "“%(mount)s”, then add a link rule: target “%(dest)s”, mode “.strm file”."
        )
        plan.not_taken(node, text % words)
    section.skip()


def _web(flask: Section, plan: Plan) -> None:
    """Plan the endpoint that CloudDrive2 calls."""
    for name in ("host", "port", "secret_key", "scheduler"):
        flask.get(name)
    if flask.get("username") or flask.get("password"):
        flask.get("password")
        plan.not_taken(flask.node, _("mediasync has users of its own: manage.py createsuperuser."))
    handler = flask.section("filechangehandler")
    wait = handler.get("timer_interval")
    login = common.login_of(plan, Section(Node(None, key="flask.filechangehandler", line=handler.node.line)))
    common.hook(plan, handler.node, HOOK, "clouddrive2", login, None if wait is None else durations.seconds(wait))
    sentences = {
        "allowed_exts": _("What files count is said at each root: “Kinds”, “Include”."),
        "allowed_path_keywords": _("What lies in no root, and no mapping knows, is dropped."),
        "sync_other_device_url": _("Let CloudDrive2 call the other device itself: its webhooks may be several."),
    }
    common.tell(plan, handler, sentences)
    handler.get("sync_other_device_enabled")
