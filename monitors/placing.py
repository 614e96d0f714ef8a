"""Where a root may lie: what is refused, and what to do instead."""

from __future__ import annotations

import errno
import os

from django.conf import settings
from django.utils.translation import gettext as _

from mediasync.core.errors import MediasyncError, UsageError
from mediasync.core.paths import for_people, is_within, normalise, to_bytes, to_text

from . import guards, looking_through, probe
from .filesystems import place_of
from .models import Root


def check_path(path: str, *, but: Root | None = None, mounted: bool = True) -> str:
    """Return the normalised path of a folder that may become a root; UsageError says why another may not.

    ``mounted`` False: nothing needs to be there, as the root is read through its account (``check_source``).
    """
    try:
        path = normalise(path)
    except ValueError as error:
        raise _refuse(_("%(error)s. Give the whole path of a folder."), error=error) from None
    if path == "/":
        raise _refuse(_("The whole file system cannot be a root. Give the folder with the media."))
    real = path
    if mounted:
        place = place_of(to_bytes(path))
        _must_be_folder(path, remote=place.is_remote)
        real = path if place.is_remote else to_text(os.path.realpath(to_bytes(path)))
    data = to_text(os.path.realpath(os.fsencode(settings.DATA_DIR)))
    for other in (path, real):
        if is_within(other, data) or is_within(data, other):
            raise _refuse(_("%(path)s holds, or lies in, mediasync's own data folder."), path=path)
    for root in Root.objects.exclude(pk=but.pk) if but else Root.objects.all():
        for other in (path, real):
            _must_be_apart(path, other, root)
    return path


def check_source(root: Root, *, ask: bool = True) -> None:
    """Refuse a root that its lister could not read; asks the account, so nothing may be open in the database.

    Also brings ``remote_path`` into its normal form. Raises UsageError that says what to do. ``ask`` False leaves the
    asking to the first crawl: whoever imports is in a transaction.
    """
    if root.lister == Root.Lister.LOCAL:
        if not root.mounted:
            raise _refuse(_("A root that is not mounted here needs a lister that reads through an account."))
        return
    lister = Root.Lister(root.lister).label
    if root.account is None or root.account.kind != root.lister:
        raise _refuse(
            _("The lister %(lister)s needs an account of that kind. Choose one, or add it first."), lister=lister
        )
    if not root.remote_path:
        raise _refuse(_("Say where the folder is in the account (%(account)s)."), account=root.account.name)
    if root.lister == Root.Lister.CLOUDDRIVE:
        root.remote_path = _as_clouddrive(root.remote_path)
    if ask:
        _must_be_listed(root, root.account.name)


def _as_clouddrive(path: str) -> str:
    try:
        path.encode()
        return normalise(path)
    except ValueError:  # also half a character
        raise _refuse(_("%(path)s is no path in CloudDrive2. It begins with a slash: /115/TV."), path=path) from None


def _must_be_listed(root: Root, account: str) -> None:
    facts = {"path": root.remote_path, "account": account}
    try:
        seen = looking_through.look(root)
    except MediasyncError as error:
        raise _refuse(_("%(account)s cannot be asked: %(error)s"), error=error, **facts) from None
    if seen["errno"] in (errno.ENOENT, errno.ENOTDIR):
        raise _refuse(_("There is no folder %(path)s in %(account)s."), **facts)
    if seen["error"]:
        raise _refuse(_("%(path)s cannot be listed by %(account)s: %(error)s."), error=seen["error"], **facts)


def _must_be_apart(path: str, real: str, root: Root) -> None:
    if real == root.path:
        raise _refuse(_("%(path)s is the root “%(root)s” already."), path=path, root=root.name)
    if is_within(real, root.path):
        raise _refuse(_("%(path)s lies in the root “%(root)s” already."), path=path, root=root.name)
    if is_within(root.path, real):
        text = _("%(path)s contains the root “%(root)s”. Remove that root first, or add a folder beside it.")
        raise _refuse(text, path=path, root=root.name)


def _must_be_folder(path: str, *, remote: bool) -> None:
    seen = (guards.look_in_child if remote else probe.look)(to_bytes(path), b"", 1)
    if seen is None:
        raise _refuse(_("%(path)s does not answer. Is its mount alive?"), path=path)
    if seen["errno"] == errno.ENOENT:
        raise _refuse(_("%(path)s does not exist. Make or mount it first."), path=path)
    if seen["errno"] == errno.ENOTDIR:
        raise _refuse(_("%(path)s is not a folder. Give the folder that holds it."), path=path)
    if seen["error"]:
        raise _refuse(_("%(path)s cannot be read: %(error)s."), path=path, error=seen["error"])


def _refuse(text: str, **facts: object) -> UsageError:
    shown = {name: for_people(str(value)) for name, value in facts.items()}
    return UsageError(text % shown, code="bad_root", **shown)


def free_name(path: str) -> str:
    """Return the last component of a path, with a number if another root is called so."""
    base = for_people(path.rpartition("/")[2])[:90]
    taken = set(Root.objects.values_list("name", flat=True))
    return next(name for n in range(1, len(taken) + 2) if (name := base if n == 1 else f"{base} {n}") not in taken)


def below(path: str) -> str:
    """Return a path below a root in its normal form ("" for the root); ValueError for "..".

    A leading slash is dropped: people write ``/Movies`` for ``Movies``.
    """
    return normalise(f"/{path}").lstrip("/")
