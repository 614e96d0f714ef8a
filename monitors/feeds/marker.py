"""Write or remove the file of a self-test. Plain Python in a process of its own: a mount that hangs would keep us.

``python -I -S marker.py write|remove PATH`` prints one line of JSON: ``error``, and the mtime_ns of the folder
``before`` and ``after``.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import suppress
from typing import Any


def write(path: bytes) -> dict[str, Any]:
    """Make an empty file that did not exist."""
    folder = os.path.dirname(path)
    before = os.stat(folder).st_mtime_ns
    flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC
    os.close(os.open(path, flags, 0o600))
    return {"before": before, "after": os.stat(folder).st_mtime_ns}


def remove(path: bytes) -> dict[str, Any]:
    """Remove it again."""
    with suppress(FileNotFoundError):
        os.unlink(path)
    return {}


def main() -> None:
    act = {"write": write, "remove": remove}[sys.argv[1]]
    try:
        answer = act(os.fsencode(sys.argv[2]))
    except OSError as error:
        answer = {"error": os.strerror(error.errno or 0)}
    sys.stdout.write(json.dumps(answer))


if __name__ == "__main__":
    main()
