"""The rhythm of the feeds of Google Drive: a turn, a rest, and a longer one when the quota is spent."""

from __future__ import annotations

from collections.abc import Callable

from mediasync.core.clock import Clock
from mediasync.core.errors import Snooze, Transient
from monitors.accounts.limits import QUOTA_SPENT
from monitors.feeds.base import Desk
from monitors.models import Account

LONGEST_REST = 300.0  # seconds; then the account is asked again whether it may be asked


def take_turns(desk: Desk, account: Account, turn: Callable[[], None], every: float, clock: Clock) -> None:
    """Do ``turn`` each ``every`` seconds until the feed is to end; its errors come out, but for "not now"."""
    while not desk.rest(0):
        try:
            turn()
        except Snooze as error:
            spent = error.code == "account_rests" and account.last_code == QUOTA_SPENT
            code, seconds = QUOTA_SPENT if spent else error.code, (error.until - clock.now()).total_seconds()
        except Transient as error:
            if error.code != QUOTA_SPENT:
                raise
            code, seconds = error.code, error.retry_after or LONGEST_REST
        else:
            if desk.rest(every):
                return
            continue
        if desk.resting(code, min(max(seconds, 1.0), LONGEST_REST), account=account.name):
            return
