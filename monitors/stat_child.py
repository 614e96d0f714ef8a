"""Look at paths for a parent that must not hang (``python -I -S stat_child.py``, see ``glance.py``).

Each line that comes is a number and a path in hexadecimal digits; each line that goes is JSON. For the number 0:
``[errno, mode, size, mtime, leads nowhere]``, for another: the names (hexadecimal) of about so many files below.
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


def names(path: bytes, most: int) -> list[bytes]:
    """Return the names of about ``most`` files at most, at or below a folder; none if it cannot be read."""
    found: list[bytes] = []
    for _folder, _folders, files in os.walk(path):
        found += files
        if len(found) >= most:
            break
    return found[:most]


def main() -> None:
    for line in sys.stdin:
        number, path = line.split()
        answer = [name.hex() for name in names(bytes.fromhex(path), most)] if (most := int(number)) else None
        sys.stdout.write(json.dumps(look(bytes.fromhex(path)) if answer is None else answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
