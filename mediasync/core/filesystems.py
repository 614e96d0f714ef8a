"""Which file system a path lies on, as the kernel says it (``/proc/self/mountinfo``; proc(5) has the format)."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

MOUNTINFO = Path("/proc/self/mountinfo")
NETWORK = frozenset(
    {"9p", "afs", "ceph", "cifs", "coda", "davfs", "glusterfs", "ncpfs", "nfs", "nfs4", "smb3", "smbfs", "sshfs"}
)
# Shared by machines, or with the host of a virtual machine: others can change files unseen there, too.
SHARED = frozenset(
    {"beegfs", "smb2", "drvfs", "gfs2", "gpfs", "lustre", "ocfs2", "orangefs", "prl_fs", "vboxsf", "virtiofs", "vmhgfs"}
)
LOCAL_FUSE = frozenset({"fuseblk"})  # NTFS and exFAT on a local disk


@dataclass(frozen=True, slots=True)
class Mount:
    """One line of mountinfo: where it is mounted, what it is, and what it comes from."""

    point: str
    kind: str
    source: str
    device: str  # "major:minor"


def mounts() -> list[Mount]:
    """Return what is mounted now, in the order of the kernel (a later one covers an earlier one)."""
    try:
        lines = os.fsdecode(MOUNTINFO.read_bytes()).split("\n")
    except OSError:  # not Linux
        return []
    found = []
    for line in lines:
        before, separator, after = line.partition(" - ")
        if separator:
            fields, rest = before.split(" "), after.split(" ")
            found.append(Mount(_unescape(fields[4]), rest[0], _unescape(rest[1]), fields[2]))
    return found


def mount_of(path: str) -> Mount | None:
    """Return the mount that ``path`` (absolute; need not exist) lies on: the longest mount point above it, the last."""
    best: Mount | None = None
    for mount in mounts():
        prefix = mount.point.rstrip("/") + "/"
        covers = path == mount.point or path.startswith(prefix)
        if covers and (best is None or len(mount.point) >= len(best.point)):
            best = mount
    return best


def kind_of(path: str) -> str:
    """Return the type of the file system under ``path`` ("ext4", "fuse.rclone", "nfs4"), "" if it is unknown.

    Nothing is touched, so a hung mount cannot hang us; links are not followed either (use realpath for that).
    """
    mount = mount_of(os.path.normpath(path))
    return mount.kind if mount else ""


def is_fuse(kind: str) -> bool:
    """Tell whether ``kind`` is served by a user's program (rclone, CloudDrive2, mergerfs …)."""
    return kind == "fuse" or kind.startswith("fuse.")


def is_remote(kind: str) -> bool:
    """Tell whether ``kind`` may be slow, may vanish, and does not tell of changes: network, shared and FUSE."""
    return kind in NETWORK or kind in SHARED or (is_fuse(kind) and kind not in LOCAL_FUSE)


def _unescape(field: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda m: chr(int(m.group(1), 8)), field)
