"""Stat paths for a parent that must not hang (``python -I -S stat_child.py``, see ``glance.py``).

Each line that comes is the path in hexadecimal digits; each line that goes is
``[errno, mode, size, mtime, leads nowhere]``, as JSON.
"""

from __future__ import annotations

import json
import os
import sys


def look(path: bytes) -> list[float]:
    """Return what is at a path, links followed."""
    try:
        info = os.stat(path)
    except OSError as error:
        return [error.errno or 0, 0, 0, 0, os.path.islink(path)]
    return [0, info.st_mode, info.st_size, info.st_mtime, False]


def main() -> None:
    for line in sys.stdin:
        sys.stdout.write(json.dumps(look(bytes.fromhex(line))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
