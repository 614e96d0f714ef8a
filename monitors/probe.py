"""Look at a root once: is it there, how many entries, is the anchor there?

A look at a hung mount never returns, so the guard runs this file as a child process for roots that are not local
(``python -I -S probe.py PATH ANCHOR WANTED``, one line of JSON comes back) and calls ``look`` directly for the rest.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from monitors.keep import make_keep

EVERYTHING = {"extensions": None, "include": "", "exclude": "", "hidden": False, "paths": False}


def look(path: bytes, anchor: bytes, wanted: int) -> dict[str, Any]:
    """Return ``error`` and ``errno`` of the root's listing, ``entries`` (counted up to ``wanted``) and ``anchor``.

    Junk and hidden names do not count as entries: an unmounted folder often holds nothing else.
    """
    seen: dict[str, Any] = {"error": "", "errno": 0, "entries": 0, "anchor": True}
    keep = make_keep(EVERYTHING)
    try:
        with os.scandir(path) as entries:
            for entry in entries:
                seen["entries"] += keep(entry.name, entry.is_dir(follow_symlinks=False), b"")
                if seen["entries"] >= wanted:
                    break
        if anchor:
            seen["anchor"] = os.path.exists(os.path.join(path, anchor))
    except OSError as error:
        seen |= {"error": os.strerror(error.errno or 0), "errno": error.errno or 0}
    return seen


def main() -> None:
    path, anchor, wanted = map(os.fsencode, sys.argv[1:4])
    sys.stdout.write(json.dumps(look(path, anchor, int(wanted))))


if __name__ == "__main__":
    main()
