"""Changing things: roots and their schedules, crawls, guards."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from mediasync.core import clock as clocks
from mediasync.core.errors import UsageError
from mediasync.jobs import services as jobs
from mediasync.jobs.choices import Trigger
from mediasync.jobs.models import Event, Schedule

from . import guards, placing
from .filters import Filter
from .held import drop_held, release_held
from .models import Account, Change, Directory, FeedState, File, Hint, Root
from .selectors import look_kind

__all__ = ["add_root", "check_guard", "drop_held", "release_held", "remove_root", "request_crawl", "update_root"]

FILTERS = frozenset({"kinds", "include", "exclude", "hidden"})
ACCOUNTS = {  # feed → the kind of account that tells it
    Root.Feed.CLOUDDRIVE.value: Account.Kind.CLOUDDRIVE.value,
    Root.Feed.DRIVE_CHANGES.value: Account.Kind.GDRIVE.value,
    Root.Feed.DRIVE_ACTIVITY.value: Account.Kind.GDRIVE.value,
}
OPTIONS = FILTERS | {
    *("name", "path", "lister", "enabled", "watch", "every", "reconcile_every", "directory_mtime_moves", "parallel"),
    *("two_looks", "second_look_after", "must_be_mount", "anchor", "minimum_entries", "max_removed_ratio"),
    *("max_removed_count", "account", "remote_path", "mounted", "feed", "feed_every", "poll_budget"),
}
SOURCE = frozenset({"lister", "account", "remote_path", "mounted"})


def add_root(
    path: str, name: str | None = None, *, crawl: bool = True, ask: bool = True, actor: str = "", **options: Any
) -> Root:
    """Watch a folder from now on; ``path`` is stored text, ``options`` are fields of Root.

    The first crawl is asked for (``crawl``) and is a silent baseline. Raises UsageError, saying what to do, for a
    folder that cannot be a root, also when its account does not list it (``ask``).
    """
    mounted = bool(options.get("mounted", True))
    root = Root(path=placing.check_path(path, mounted=mounted), name=name or "")
    root.name = root.name or placing.free_name(root.path)
    _apply(root, options)
    placing.check_source(root, ask=ask)
    with transaction.atomic():
        root.save(force_insert=True)
        put_schedules(root)
        if crawl and root.enabled:
            request_crawl(root, actor=actor)
    return root


def update_root(root: Root, *, actor: str = "", **options: Any) -> Root:
    """Change fields of a root and let follow what must: schedules, and a full crawl when other files count now."""
    before = Root.objects.get(pk=root.pk)
    appears = options.get("mounted", False) and not before.mounted
    if appears or options.get("path", before.path) != before.path:
        path, mounted = options.get("path", before.path), bool(options.get("mounted", before.mounted))
        options["path"] = placing.check_path(path, but=root, mounted=mounted)
    _apply(root, options)
    if SOURCE & options.keys():
        placing.check_source(root)
    moved = _reads(root) != _reads(before)
    other_files = any(getattr(root, name) != getattr(before, name) for name in FILTERS)
    with transaction.atomic():
        if moved:
            root.device, root.mounts, root.shown_at = "", [], ""
        root.save(update_fields=[*options, "remote_path", "device", "mounts", "shown_at"])
        put_schedules(root)
        if moved or other_files:
            Directory.objects.filter(root=root).update(dirty=True)
            if root.enabled:
                request_crawl(root, full=True, actor=actor)
    return root


def _reads(root: Root) -> tuple[object, ...]:
    """Return what says where a root's content is read."""
    far = (root.account_id, root.remote_path) if root.lister != Root.Lister.LOCAL else ()
    return root.path, root.lister, root.mounted, *far


def check_feed(root: Root) -> None:
    """Refuse a feed that the root cannot have; UsageError says what to do."""
    label, wanted = Root.Feed(root.feed).label if root.feed in Root.Feed else root.feed, ACCOUNTS.get(root.feed)
    kind = root.account.kind if root.account else ""
    if wanted and kind != wanted:
        text = _("“%(feed)s” needs an account of the kind %(kind)s. Choose one, or add it first.")
        raise UsageError(text % {"feed": label, "kind": Account.Kind(wanted).label}, code="feed_account")
    if kind in ACCOUNTS.values() and not root.remote_path and root.feed in (Root.Feed.AUTO, *ACCOUNTS):
        text = _("Say where the folder is in the account (%(account)s): its changes are told by that name.")
        raise UsageError(text % {"account": root.account}, code="feed_remote_path")
    if root.feed == Root.Feed.INOTIFY and not root.mounted:
        raise UsageError(_("The kernel can only tell of a folder on this machine."), code="feed_mounted")
    if not root.poll_budget:
        raise UsageError(_("Polling needs a budget of at least one folder a minute."), code="feed_budget")


def remove_root(root: Root) -> None:
    """Forget a root and its snapshot. Nothing on disk is touched."""
    with transaction.atomic():
        jobs.drop_schedules(owner_of(root))
        directories = Directory.objects.filter(root=root)
        File.objects.filter(directory_id__in=directories.values("pk"))._raw_delete("default")
        for rows in (directories, Change.objects.filter(root=root), Hint.objects.filter(root=root)):
            rows._raw_delete("default")  # set-based: a cascade would load a million rows
        root.delete()


def put_schedules(root: Root) -> None:
    """Make the engine's schedules of a root agree with its fields."""
    kind = look_kind()
    owner = owner_of(root)
    for what, every, scope in (
        ("incremental", root.every, {"root": root.pk}),
        ("full", root.reconcile_every, {"root": root.pk, "full": True}),
    ):
        name = f"{owner} {what}"
        if every:
            jobs.put_schedule(name, kind, scope, every=every, owner=owner, enabled=root.enabled)
        else:
            Schedule.objects.filter(name=name, owner=owner).delete()


def restart_feed(row: FeedState) -> None:
    """Ask the watcher to start a feed anew; it does within a second."""
    FeedState.objects.filter(pk=row.pk).update(restart=True)


def owner_of(root: Root) -> str:
    """Return the name under which a root's schedules are kept."""
    return f"root:{root.pk}"


def request_crawl(
    root: Root,
    *,
    paths: Iterable[str] = (),
    full: bool = False,
    announce: bool | None = None,
    dry_run: bool = False,
    trigger: Trigger = Trigger.MANUAL,
    actor: str = "",
    kind: str | None = None,
) -> jobs.Submitted:
    """Ask for a look at a root, or at some folders in it (``paths``, below the root), and at what follows from it."""
    scope: dict[str, Any] = {"root": root.pk}
    if chosen := sorted(set(paths)):
        scope["paths"] = chosen
    if full:
        scope["full"] = True
    if announce is not None:
        scope["announce"] = announce
    if dry_run:
        scope["dry_run"] = True
    return jobs.submit(kind or look_kind(), scope, trigger=trigger, actor=actor)


def check_guard(root: Root, clock: clocks.Clock = clocks.system) -> guards.Verdict:
    """Look at a root now and record what is seen."""
    verdict = guards.check(root)
    guards.record(root, verdict, clock)
    return verdict


def accept_place(root: Root, *, actor: str = "") -> guards.Verdict:
    """Take the file systems on and below which a root lies now for the right ones (after a move on purpose)."""
    Root.objects.filter(pk=root.pk).update(device="", mounts=[], shown_at="")
    root.device, root.mounts, root.shown_at = "", [], ""
    Event.objects.create(code="place_accepted", params={"root": root.pk, "name": root.name}, actor=actor)
    return check_guard(root)


def _apply(root: Root, options: Mapping[str, Any]) -> None:
    """Set the fields and check the whole; UsageError says what is wrong with which."""
    for name, value in options.items():
        if name not in OPTIONS:
            raise UsageError(f"A root has no option {name!r}.", code="unknown_option", option=name)
        setattr(root, name, value)
    try:
        Filter.of(root).spec()
        root.anchor = placing.below(root.anchor)
        check_feed(root)
        root.full_clean()
    except ValueError as error:
        raise UsageError(str(error), code="bad_filter") from None
    except ValidationError as error:
        raise UsageError(" ".join(error.messages), code="bad_root") from None
