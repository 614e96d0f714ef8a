"""How long a hint waits for silence, and how long at most.

The most specific wins: what the source itself says (``Source.debounce``), ``settings.HINT_DEBOUNCE`` by the name of the
source and then by its kind, and the default of its kind.
"""

from __future__ import annotations

from django.conf import settings

from .notices import Source

PUSH, ARR, FEED = 30.0, 10.0, 10.0  # seconds
DEFAULT = 10.0
DEBOUNCE = {
    **dict.fromkeys(("watch", "inotify", "polling", "push", "clouddrive", "clouddrive2"), PUSH),
    **dict.fromkeys(("sonarr", "radarr", "lidarr", "readarr"), ARR),
    **dict.fromkeys(("drive_changes", "drive_activity"), FEED),
    **dict.fromkeys(("crawl", "manual"), 0.0),  # it has settled already; somebody waits for it
}
MAX_WAIT = 120.0  # seconds


def delays_of(source: Source) -> tuple[float, float]:
    """Return (seconds without news after which a hint is due, seconds after which it is due anyway)."""
    debounce = source.debounce
    for known in (settings.HINT_DEBOUNCE, DEBOUNCE):
        for word in (source.name, source.kind):
            if debounce is None:
                debounce = known.get(word)
    debounce = DEFAULT if debounce is None else debounce
    longest = MAX_WAIT if source.max_wait is None else source.max_wait
    return debounce, max(longest, debounce)
