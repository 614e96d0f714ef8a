"""Look at names in folders once: what is there, how big, and since when?

A look at a hung mount never returns, so for roots that are not local this file runs as a child process
(``python -I -S sizes.py``; the question is JSON on stdin, one line of JSON comes back for each name).
"""

from __future__ import annotations

import functools
import json
import os
import stat
import sys
from collections.abc import Iterator, Sequence

if __name__ == "__main__":
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

from mediasync.core.paths import join, to_bytes

FILE, FOLDER, NOTHING, UNSURE = "file", "folder", "nothing", "unsure"
Fact = tuple[str, int, int, str]  # kind, size, mtime_ns, the nearest folder that is there (of what is not)
GONE = (FileNotFoundError, NotADirectoryError)


def look(top: str, wanted: Sequence[tuple[str, str, bool]]) -> Iterator[Fact]:
    """Yield what is at each (folder, name, must it be gone?) below ``top``; all stored text.

    What must be gone is there only if its folder lists it: some file systems find "a.mkv" where "A.mkv" is.
    """

    @functools.cache
    def listed(folder: bytes) -> frozenset[bytes]:
        return frozenset(os.listdir(folder))

    for folder, name, gone in wanted:
        path = to_bytes(join(top, join(folder, name) if folder else name))
        try:
            found = os.stat(path)
            if gone and os.path.basename(path) not in listed(os.path.dirname(path)):
                raise FileNotFoundError
        except GONE:
            yield NOTHING, 0, 0, _nearest(top, folder)
        except (OSError, ValueError):
            yield UNSURE, 0, 0, folder
        else:
            kind = FOLDER if stat.S_ISDIR(found.st_mode) else FILE
            yield kind, found.st_size, found.st_mtime_ns, folder


def _nearest(top: str, folder: str) -> str:
    """Return ``folder``, or the nearest above it that is there; "" is the root."""
    while folder and not os.path.isdir(to_bytes(join(top, folder))):
        folder = folder.rpartition("/")[0]
    return folder


def main() -> None:
    top, wanted = json.load(sys.stdin)
    for fact in look(top, wanted):
        sys.stdout.write(json.dumps(fact) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
