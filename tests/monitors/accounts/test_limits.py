"""When an account may be asked."""

from __future__ import annotations

import datetime as dt
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import OperationalError, connection
from django.db.models import QuerySet

from mediasync.core.clock import FakeClock
from mediasync.core.errors import AccessDenied, Permanent, Snooze, Transient, Unreachable
from monitors.accounts import limits
from monitors.models import Account

pytestmark = pytest.mark.django_db
NOW = dt.datetime(2026, 1, 1, 22, tzinfo=dt.UTC)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(NOW)


@pytest.fixture
def account() -> Account:
    return Account.objects.create(name="a", kind="clouddrive", per_second=0.5)


def seconds(number: float) -> dt.timedelta:
    return dt.timedelta(seconds=number)


def snoozed(account: Account, clock: FakeClock, **options: object) -> Snooze:
    with pytest.raises(Snooze) as caught:
        limits.take(account, clock=clock, **options)  # type: ignore[arg-type]
    return caught.value


def test_it_hands_out_turns_at_an_even_pace(account: Account, clock: FakeClock) -> None:
    for _ in range(5):
        limits.take(account, clock=clock)
    assert clock.now() - NOW == seconds(8)
    account.refresh_from_db()
    assert account.used == 5


def test_it_takes_the_pace_of_the_kind(clock: FakeClock) -> None:
    account = Account.objects.create(name="b", kind="clouddrive")
    assert limits.pace_of(account) == 0.9


def test_it_does_not_wait_long_for_a_turn(account: Account, clock: FakeClock) -> None:
    account.next_at = NOW + seconds(60)
    account.save()
    assert snoozed(account, clock).until == NOW + seconds(50)
    assert clock.now() == NOW
    account.refresh_from_db()
    assert account.next_at == NOW + seconds(60)  # nobody took a turn


def test_it_waits_by_the_rest_that_it_is_given(account: Account, clock: FakeClock) -> None:
    waits: list[float] = []

    def rest(wait: float) -> bool:
        waits.append(wait)
        return False

    limits.take(account, clock=clock, rest=rest)
    limits.take(account, clock=clock, rest=rest)
    assert waits == [2.0]
    assert snoozed(account, clock, rest=lambda wait: True).code == "account_stopped"


def test_it_holds_to_the_budget_of_the_day(account: Account, clock: FakeClock) -> None:
    account.per_day = 3
    account.save()
    for _ in range(3):
        limits.take(account, clock=clock)
    error = snoozed(account, clock)
    assert (error.code, error.until) == ("account_budget", dt.datetime(2026, 1, 2, tzinfo=dt.UTC))
    clock.advance(7200)
    limits.take(account, clock=clock)
    account.refresh_from_db()
    assert (account.used, account.used_on) == (1, dt.date(2026, 1, 2))


def test_it_counts_a_budget_exactly_however_fast_the_account_is(account: Account, clock: FakeClock) -> None:
    account.per_day, account.per_second = 30, 1000.0
    account.save()
    for _ in range(30):
        limits.take(account, clock=clock)
    assert snoozed(account, clock).code == "account_budget"


def test_it_writes_seldom_for_a_fast_account(account: Account, clock: FakeClock, django_assert_max_num_queries) -> None:  # type: ignore[no-untyped-def]
    account.per_second = 100.0
    account.save()
    with django_assert_max_num_queries(4):
        for _ in range(100):
            limits.take(account, clock=clock)
    limits.take(account, clock=clock)
    account.refresh_from_db()
    assert 50 <= account.used <= 101
    assert clock.now() - NOW >= seconds(0.5)


def test_throttling_opens_the_breaker_at_once_and_one_probes_after_it(account: Account, clock: FakeClock) -> None:
    limits.failed(account, Transient("slow down", code=limits.THROTTLED), clock)
    assert snoozed(account, clock).until == NOW + seconds(60)
    clock.advance(61)
    limits.take(account, clock=clock)  # this one probes
    assert snoozed(Account.objects.get(), clock).until == clock.now() + limits.PROBE_TIME
    limits.failed(account, Transient("slow down", code=limits.THROTTLED), clock)
    assert snoozed(account, clock).until == clock.now() + seconds(120)
    clock.advance(121)
    limits.take(account, clock=clock)
    limits.succeeded(account, clock)
    limits.take(Account.objects.get(), clock=clock)
    assert Account.objects.get().fails == 0


def test_a_crowd_that_is_throttled_at_once_is_throttled_once(account: Account, clock: FakeClock) -> None:
    limits.take(account, clock=clock)
    others = [Account.objects.get() for _ in range(5)]
    for other in (account, *others):
        limits.failed(other, Transient("slow down", code=limits.THROTTLED), clock)
    assert Account.objects.get().fails == limits.OPENS_AT
    assert snoozed(account, clock).until == clock.now() + seconds(60)
    limits.succeeded(others[0], clock)  # the answer to what was asked before
    assert snoozed(account, clock).code == "account_rests"
    limits.succeeded(account, clock, surely=True)
    clock.advance(10)
    limits.take(account, clock=clock)


def test_five_failures_in_a_row_open_it(account: Account, clock: FakeClock) -> None:
    for _ in range(4):
        limits.failed(account, Unreachable("gone"), clock)
    limits.take(account, clock=clock)
    limits.succeeded(account, clock)
    for _ in range(4):
        limits.failed(account, Unreachable("gone"), clock)
    limits.take(account, clock=clock)
    limits.failed(account, Unreachable("gone"), clock)
    assert snoozed(account, clock).until == clock.now() + seconds(30)
    assert (account.last_code, account.last_error) == ("unreachable", "gone")


def test_it_waits_as_long_as_it_is_told(account: Account, clock: FakeClock) -> None:
    limits.failed(account, Transient("later", retry_after=17), clock)
    assert snoozed(account, clock).until == NOW + seconds(17)
    clock.advance(18)
    limits.take(account, clock=clock)


def test_a_spent_quota_closes_the_door_until_the_next_day(account: Account, clock: FakeClock) -> None:
    limits.failed(account, Transient("enough", code=limits.QUOTA_SPENT), clock)
    assert snoozed(account, clock).until == dt.datetime(2026, 1, 2, tzinfo=dt.UTC)
    limits.failed(account, Transient("enough", code=limits.QUOTA_SPENT, retry_after=600), clock)
    assert snoozed(account, clock).until == NOW + seconds(600)


def test_refused_credentials_wait_for_a_person(account: Account, clock: FakeClock) -> None:
    limits.failed(account, AccessDenied("no", code="clouddrive_refused"), clock)
    assert snoozed(account, clock).code == "account_paused"
    clock.advance(86400)
    assert snoozed(account, clock).code == "account_paused"
    limits.again(account)
    limits.take(account, clock=clock)


def test_one_refused_request_says_nothing_against_the_account(account: Account, clock: FakeClock) -> None:
    limits.failed(account, Unreachable("gone"), clock)
    limits.failed(account, Permanent("no such folder"), clock)
    assert (account.fails, account.last_code) == (0, "")


def test_what_is_no_request_heeds_only_pause_and_breaker(account: Account, clock: FakeClock) -> None:
    account.per_day, account.next_at = 1, NOW + seconds(60)
    account.save()
    for _ in range(3):
        limits.take(account, clock=clock, pace=False)
    limits.failed(account, Transient("slow", code=limits.THROTTLED), clock)
    assert snoozed(account, clock, pace=False).code == "account_rests"
    clock.advance(61)
    limits.take(account, clock=clock, pace=False)
    assert snoozed(account, clock, pace=False).code == "account_rests"  # one probes, the others wait


def test_an_account_that_is_off_or_gone_is_not_asked(account: Account, clock: FakeClock) -> None:
    Account.objects.update(enabled=False)
    assert snoozed(account, clock).code == "account_off"
    Account.objects.all().delete()
    with pytest.raises(Permanent) as caught:
        limits.take(account, clock=clock)
    assert caught.value.code == "account_gone"


def test_success_is_seldom_written(account: Account, clock: FakeClock, django_assert_num_queries) -> None:  # type: ignore[no-untyped-def]
    limits.succeeded(account, clock)
    with django_assert_num_queries(0):
        limits.succeeded(account, clock)
    clock.advance(11)
    with django_assert_num_queries(1):
        limits.succeeded(account, clock)


@pytest.mark.django_db(transaction=True)
def test_threads_share_one_pace() -> None:
    account = Account.objects.create(name="a", kind="clouddrive", per_second=19.0)
    clocks = [FakeClock(NOW) for _ in range(4)]
    barrier = threading.Barrier(4)

    def ask(clock: FakeClock) -> None:
        barrier.wait()
        try:
            own = Account.objects.get(pk=account.pk)
            for _ in range(5):
                limits.take(own, clock=clock)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(ask, clocks))
    account.refresh_from_db()
    assert account.used == 20
    assert account.next_at is not None
    assert abs((account.next_at - NOW).total_seconds() - 20 / 19) < 0.3


class Locked:
    """A database that is locked for the next few writes."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, times: int) -> None:
        self.times, self.real = times, QuerySet.update
        monkeypatch.setattr(QuerySet, "update", lambda rows, **values: self.update(rows, **values))

    def update(self, rows: QuerySet[Account], **values: object) -> int:
        if self.times > 0:
            self.times -= 1
            raise OperationalError("database is locked")
        return self.real(rows, **values)


@pytest.mark.django_db(transaction=True)
def test_a_locked_database_spoils_no_answer_and_hides_no_throttling(
    account: Account, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    locked = Locked(monkeypatch, 0)
    for error in (None, AccessDenied("no"), Transient("slow", code=limits.THROTTLED), Unreachable("gone")):
        limits.again(account)
        locked.times = 2
        limits.take(account, clock=clock)
        locked.times = 2
        if error is None:
            limits.succeeded(account, clock)
        else:
            limits.failed(account, error, clock)
        found = Account.objects.get()
        assert (found.seen_at is not None, found.last_error) == (True, str(error or ""))
        assert locked.times == 0


def test_a_clock_that_was_set_back_closes_no_account(account: Account, clock: FakeClock) -> None:
    account.next_at = NOW + dt.timedelta(days=1)
    account.save()
    limits.take(account, clock=clock)
    account.refresh_from_db()
    assert account.next_at == NOW + seconds(2)
