"""Seconds from something that happens to the request at Plex, for each source of news, its debounce set to 0.

``python -m tests.benchmarks.source_times [NAME …]``; through real processes, as ``tests/e2e/test_sources.py``. Not held
to a bound: the pace of a poll, of the watcher (0.5 s) and of the conductor (1 s) makes most of it.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()

from tests.e2e.site import follow, open_site, play  # noqa: E402
from tests.e2e.sources import SCENES  # noqa: E402


def main(names: list[str]) -> None:
    with tempfile.TemporaryDirectory(prefix="sources-") as folder, open_site(Path(folder)) as (here, plex):
        for kind in SCENES:
            if not names or kind.name in names:
                with play(here, plex, kind, Path(folder)) as scene:
                    took = follow(here, plex, scene)
                sys.stdout.write(f"{kind.name:16} added {took['added']:6.2f} s   renamed {took['renamed']:6.2f} s\n")
                sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
