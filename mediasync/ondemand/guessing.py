"""guessit, held to what we need of it: the title and the kind, whatever stands in the name.

By itself it counts "S01E1-E9999" out, in most of a minute of one processor: a mail could stop us. So its signs of a
range only separate two numbers here. A configuration of the user's own is not read.
"""

from __future__ import annotations

import copy
import functools
import threading
from typing import Any

from mediasync.core.errors import UsageError

OPTIONS = {"no_user_config": True}
_building = threading.Lock()


def guess(name: str) -> dict[str, Any]:
    """Return what guessit reads in a name; UsageError where it fails."""
    from guessit.api import GuessitException

    try:
        with _building:
            api = _api()
        return dict(api.guessit(name, OPTIONS))
    except GuessitException as error:  # a bug of its rules for this very name
        raise UsageError("This name cannot be understood.", code="no_title") from error


@functools.cache
def _api() -> Any:
    from guessit.api import GuessItApi  # half of what the web process would need at its start
    from guessit.rules import rebulk_builder

    def build(config: dict[str, Any]) -> Any:
        config = copy.deepcopy(config)
        words = config["episodes"]
        words["discrete_separators"] = [*words["discrete_separators"], *words["range_separators"]]
        words["range_separators"] = ["\0"]  # no name holds it
        return rebulk_builder(config)

    api = GuessItApi()
    api.configure(OPTIONS, rules_builder=build)
    return api
