from __future__ import annotations

import datetime as dt
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections

from monitors.accounts import limits
from monitors.models import Account

from .daemon import make_account


@pytest.mark.django_db(transaction=True)
def test_many_threads_share_the_turns_that_one_of_them_took() -> None:
    account = make_account("http://127.0.0.1:1")
    Account.objects.update(per_second=100.0)
    account.refresh_from_db()
    begun = dt.datetime.now(dt.UTC)

    def take(number: int) -> None:
        try:
            limits.take(account)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(take, range(200)))
    ended = dt.datetime.now(dt.UTC)
    account.refresh_from_db()
    assert account.next_at is not None
    # What was reserved is what was used, and not many times that: a block of half a second may be left.
    reserved = (account.next_at - begun).total_seconds()
    assert 2.0 <= reserved <= max(2.0, (ended - begun).total_seconds()) + 1.0
