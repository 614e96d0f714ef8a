"""Where something lay that Google cannot tell any more: as the snapshot knows its name."""

from __future__ import annotations

from collections.abc import Collection

from django.db.models import Q

from monitors.models import Directory, File, Root

BLOCK = 100  # names in one statement
MOST = 1000  # names; what was in the bin for long is in no snapshot, so most find nothing


def folders_with(root: Root, names: Collection[str]) -> set[str]:
    """Return the folders of a root (below it) that held a file or folder of one of these names."""
    found: set[str] = set()
    wanted = sorted(names)[:MOST]
    for start in range(0, len(wanted), BLOCK):
        block = wanted[start : start + BLOCK]
        files = File.objects.filter(directory__root=root, name__in=block)
        found |= set(files.values_list("directory__path", flat=True))
        named = Q(path__in=block)
        for name in block:
            named |= Q(path__endswith=f"/{name}")
        folders = Directory.objects.filter(named, root=root).values_list("path", flat=True)
        found |= {path.rpartition("/")[0] for path in folders}
    return found
