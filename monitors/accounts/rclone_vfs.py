"""Have rclone read folders anew that its mount remembers (``--dir-cache-time``), and ask what it has mounted.

``vfs/refresh`` answers 200 whatever happens; only the value "OK" for each folder means that it was read. A folder that
the mount does not know yet is an error there, until the one above it has been read anew.
"""

from __future__ import annotations

import re

from mediasync.core.errors import Permanent, Transient
from mediasync.core.paths import is_within, join, relative, to_bytes, to_text
from monitors.filesystems import locate
from monitors.models import Root

from .rclone_client import SLOW, Remote, strings

OK = "OK"
MOST = 64  # refreshes for one folder
_TWIN = re.compile(r"\[\d+\]$")  # several VFS of one name are listed as name[0], name[1]


def nudge(root: Root, below: str) -> None:
    """Have the folder ``below`` (stored text, below the root) read anew; climbs until rclone knows one, and comes down.

    Returns quietly when the folder is not there after the one above it was read: then it is not in the cloud either.
    Raises what ``Remote.ask`` does, and Transient with rclone's words when not even the top can be read.
    """
    if root.account is None or not root.mounted:
        return  # nothing in between remembers anything
    remote = Remote(root.account, SLOW)
    try:
        _walk(remote, _names(join(folder_in_mount(remote, root), below)), _vfs_of(remote))
    finally:
        remote.close()


def _names(folder: str) -> list[str]:
    """Return the names on the way to a folder, up to one that is no text: JSON cannot say it."""
    names = []
    for name in filter(None, folder.split("/")):
        try:
            names.append(to_bytes(name).decode())
        except UnicodeDecodeError:
            break
    return names


def _walk(remote: Remote, parts: list[str], fs: dict[str, str]) -> None:
    error, up = "", len(parts)
    while (error := _refresh(remote, parts[:up], fs)) and up and len(parts) - up < MOST:
        up -= 1
    if error:
        raise Transient(f"rclone could not read the folder anew: {error}", code="rclone_failed", error=error)
    while up < len(parts):
        up += 1
        if _refresh(remote, parts[:up], fs):
            return


def _refresh(remote: Remote, parts: list[str], fs: dict[str, str]) -> str:
    """Return "" if one folder was read, else why not. The top is meant by no name at all: "" is an error."""
    name = {"dir": "/".join(parts)} if parts else {}
    result = remote.ask("vfs/refresh", **name, **fs).get("result")
    if not isinstance(result, dict) or not result:
        raise Transient("The answer is not one of rclone.", code="rclone_rubbish")
    return next((str(value)[:300] or "no answer" for value in result.values() if value != OK), "")


def _vfs_of(remote: Remote) -> dict[str, str]:
    """Return the parameter that names the VFS, none where the account names none: rclone takes the only one."""
    fs = remote.account.options.get("fs", "")
    return {"fs": fs} if fs else {}


def folder_in_mount(remote: Remote, root: Root) -> str:
    """Return the root's folder below the top of rclone's mount, as stored text.

    By the mount point if the root lies in it; else (a union file system lies over the mount) by the names in the cloud.
    """
    point = mount_point(remote.account.options, root)
    if point and is_within(root.path, point):
        return relative(root.path, point)
    top = remote.account.options.get("fs", "")
    names = [top] if top else [_TWIN.sub("", name) for name in strings(remote.call("vfs/list"), "vfses")]
    for name in sorted(names, key=len, reverse=True):
        if (found := _below(root.remote_path, name)) is not None:
            return found
    raise Permanent("It is not known which folder of the mount this is.", code="rclone_which_mount", root=root.name)


def mount_point(options: dict[str, str], root: Root) -> str:
    """Return where rclone is mounted: as the account says, else the FUSE mount under the root; "" if unknown."""
    if said := options.get("mount_point", ""):
        return said
    place, _ = locate(to_bytes(root.path))
    return to_text(place.point) if place.is_fuse else ""


def active(remote: Remote) -> tuple[list[str], list[str]]:
    """Return (mount points made by rc, names of all VFS). Mounts of ``rclone mount`` are only in the second."""
    mounts = remote.call("mount/listmounts").get("mountPoints")
    listed = mounts if isinstance(mounts, list) else []
    points = [each.get("MountPoint") for each in listed if isinstance(each, dict)]
    return [point for point in points if isinstance(point, str)], strings(remote.call("vfs/list"), "vfses")


def _below(path: str, top: str) -> str | None:
    """Return ``path`` ("remote:a/b") below ``top`` ("remote:a"), None if it does not lie in it."""
    path, top = path.rstrip("/"), top.rstrip("/")
    if path == top:
        return ""
    head = top if top.endswith(":") else f"{top}/"
    return path[len(head) :].lstrip("/") if path.startswith(head) else None
