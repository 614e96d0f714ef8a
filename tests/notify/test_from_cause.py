"""Every piece of news, from its real cause to the phone."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.conf import settings

from mediasync.core.clock import FakeClock
from mediasync.core.errors import AccessDenied, MediasyncError
from mediasync.jobs import registry
from mediasync.jobs import services as jobs
from mediasync.jobs.drain import drain
from mediasync.jobs.models import Job
from mediasync.notify import chores, conditions, sending
from mediasync.notify.events import EVENTS
from mediasync.notify.models import Channel
from mediasync.notify.services import tell
from mediasync.servers import limits
from mediasync.servers import services as servers
from mediasync.servers.listeners.asking import Asking
from mediasync.servers.models import Listener, Server
from monitors import services as roots
from monitors.accounts import limits as accounts
from monitors.feeds.supervisor import Supervisor
from monitors.feeds.watch import Watcher
from monitors.models import Account, FeedState, Root
from tests.fakes.plex import FakePlex
from tests.fakes.server import Library

from .conftest import NOW, Sink, rule_for
from .test_noticing import Boom, FailFast

pytestmark = pytest.mark.django_db


@dataclass
class World:
    """What causes news."""

    clock: FakeClock
    folder: Path

    def job(self, stage: registry.Stage, how: str = "fails") -> None:
        with registry.registered(registry.JobKind("boom", "Boom", (stage,))):
            drain(jobs.submit("boom", {"how": how}).job.pk, clock=self.clock)

    def root(self, **options: object) -> Root:
        media = self.folder / "tv"
        for number in range(40):
            (media / str(number)).mkdir(parents=True)
            (media / str(number) / "film.mkv").touch()
        root = roots.add_root(str(media), "TV", crawl=False, **options)
        self.crawl(root)
        return root

    def crawl(self, root: Root) -> None:
        drain(roots.request_crawl(root).job.pk, clock=self.clock)

    def ask(self, server: Server) -> Asking:
        row = Listener.objects.get_or_create(server=server)[0]
        return Asking(server, servers.client_for(server), row, self.clock)


def job_failed(world: World) -> None:
    world.job(FailFast())


def job_errors(world: World) -> None:
    world.job(Boom())


def job_waits(world: World) -> None:
    world.job(Boom(), "person")


def guard(world: World) -> None:
    root = world.root()
    shutil.rmtree(root.path)
    world.crawl(root)


def removals_held(world: World) -> None:
    root = world.root()
    for number in range(30):
        shutil.rmtree(f"{root.path}/{number}")
    world.crawl(root)


def feed_silent(world: World) -> None:
    world.root(watch=True, feed="polling")
    watcher = Watcher(world.clock, Supervisor(world.clock), me="here/boot/1")
    watcher.leads = True
    watcher.feeds.sync()
    watcher.feeds.close()
    assert FeedState.objects.exists()
    world.clock.advance(120)  # and nobody watches


def with_plex(act: Callable[[World, FakePlex, Server], None]) -> Callable[[World], None]:
    def cause(world: World) -> None:
        films = world.folder / "films"
        films.mkdir()
        with FakePlex([Library("Films", "movie", [str(films)])]) as fake:
            server = servers.save(Server(name="Plex", kind="plex", url=fake.url), token=fake.token)
            servers.load_libraries(server)
            act(world, fake, server)

    return cause


def new_media(world: World, fake: FakePlex, server: Server) -> None:
    asking = world.ask(server)
    asking.everything()
    film = str(world.folder / "films" / "Heat (1995).mkv")
    fake.libraries["1"].known[film] = world.clock.now().timestamp() + 5
    asking.everything()


def server_paused(world: World, fake: FakePlex, server: Server) -> None:
    fake.token = "another"
    with pytest.raises(AccessDenied):
        world.ask(server).everything()


def server_offline(world: World, fake: FakePlex, server: Server) -> None:
    server.url = "http://127.0.0.1:9"
    for _ in range(limits.OPENS_AT):
        with pytest.raises(MediasyncError):
            world.ask(server).everything()
        world.clock.advance(1)


def account_paused(world: World) -> None:
    account = Account.objects.create(name="Drive", kind="gdrive")
    accounts.failed(account, AccessDenied("invalid_grant"), world.clock)


def budget_spent(world: World) -> None:
    account = Account.objects.create(name="Drive", kind="gdrive", per_day=3, per_second=1000)
    for _ in range(3):
        accounts.take(account, clock=world.clock)


def cleanup_report(world: World) -> None:
    tell("cleanup_report", {"text": "3 GB were freed"}, now=world.clock.now())


def unhandled_error(world: World) -> None:
    try:
        raise ZeroDivisionError("boom")
    except ZeroDivisionError:
        logging.getLogger("some.part").exception("It failed")
    chores.tell_errors(world.clock.now())


CAUSES: dict[str, tuple[Callable[[World], None], str]] = {
    "new_media": (with_plex(new_media), "New: Heat (1995) (Plex)"),
    "job_failed": (job_failed, "Job #1 failed: "),
    "job_errors": (job_errors, "Job #1: 1 of 2 failed: "),
    "job_waits": (job_waits, "Job #1 waits for a person: "),
    "guard": (guard, "TV: "),
    "removals_held": (removals_held, "TV: 30 removals are held until somebody looks"),
    "server_paused": (with_plex(server_paused), "Plex is paused: "),
    "server_offline": (with_plex(server_offline), "Plex does not answer: "),
    "feed_silent": (feed_silent, "The feed of TV is in trouble: "),
    "account_paused": (account_paused, "The account Drive is refused: "),
    "budget_spent": (budget_spent, "The account Drive has spent its requests of today (3)"),
    "cleanup_report": (cleanup_report, "Clean-up: 3 GB were freed"),
    "unhandled_error": (unhandled_error, "ZeroDivisionError: boom"),
}


@pytest.mark.parametrize("event", EVENTS)
def test_it_reaches_the_phone(event: str, channel: Channel, sink: Sink, tmp_path: Path) -> None:
    (settings.DATA_DIR / "errors.jsonl").unlink(missing_ok=True)
    rule_for(channel, event)
    cause, says = CAUSES[event]
    world = World(FakeClock(NOW), tmp_path)
    cause(world)
    for _ in range(2):
        conditions.look(world.clock.now())
        world.clock.advance(EVENTS[event].hold + 1)
    sending.run(world.clock.now())
    drain(Job.objects.get(kind="notify").pk, clock=world.clock)
    [title] = sink.titles
    assert title.startswith(says.replace("#1", f"#{Job.objects.order_by('pk')[0].pk}"))
