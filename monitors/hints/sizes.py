"""Look at names in folders once: what is there, how big, and since when?

A look at a hung mount never returns, so for roots that are not local this file runs as a child process
(``python -I -S sizes.py``; the question is JSON on stdin, one line of JSON comes back for each name).
"""

from __future__ import annotations

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


def look(top: str, wanted: Sequence[Sequence[str]]) -> Iterator[Fact]:
    """Yield what is at each (folder, name) below ``top``; all stored text."""
    for folder, name in wanted:
        try:
            found = os.stat(to_bytes(join(top, join(folder, name) if folder else name)))
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
