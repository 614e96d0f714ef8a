"""What plug-ins raise, as leaves of the tree in ``mediasync/core/errors.py``.

::

    Transient   ── RateLimited      wait ``retry_after`` seconds
    Permanent   ─┬ Unavailable      this candidate is not to be had: try the next
                 ├ Private          the list is its owner's alone
                 ├ ParseError       the answer is not what we know; ``sample`` is its beginning
                 └ (AccessDenied)   the login is wrong: do not ask this source again in this job
"""

from __future__ import annotations

from mediasync.core.errors import AccessDenied, Permanent, Transient

__all__ = ["AccessDenied", "ParseError", "Private", "RateLimited", "Unavailable"]


class RateLimited(Transient):
    """The source asks us to wait. Not ``tried``: we wait since it asked another, which is no attempt of ours."""

    default_code = "rate_limited"
    tried = True


class Unavailable(Permanent):
    """This candidate cannot be had; another may."""

    default_code = "unavailable"


class Private(Permanent):
    """The list is for its owner only."""

    default_code = "private"


class ParseError(Permanent):
    """The answer is not what we know."""

    default_code = "parse_error"

    def __init__(self, message: str, sample: str = "") -> None:
        super().__init__(message, sample=sample[:200])
