"""The steps of the jobs that speak to one server: send what waits for it, and ask whether it knows what it was told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import ClassVar

from django.utils.translation import gettext_lazy as _

from mediasync.core import clock as clocks
from mediasync.core.clock import Clock
from mediasync.core.errors import AccessDenied, Snooze
from mediasync.jobs.registry import JSON, Context, Done, ItemInfo, JobInfo, NewItem, Outcome, Planned, Skipped, Stage
from mediasync.servers import limits
from mediasync.servers import services as servers
from mediasync.servers.models import Server

from . import services
from .delivery import PAUSED, Delivery
from .parcels import Looks
from .sight import Sight
from .verifying import Verification


class ServerStage(Stage):
    """Work at one server until nothing is due; sleeps (Snooze) until there is more to do.

    ``work`` is made for each run and has ``run()`` and ``counts()``.
    """

    work: ClassVar[type[Delivery] | type[Verification]]

    def __init__(self, clock: Clock = clocks.system, sight: Callable[[], Looks] = Sight) -> None:
        self.clock = clock
        self.sight = sight

    def plan(self, job: JobInfo, cursor: JSON) -> Iterator[Planned]:
        yield Planned([NewItem("requests")])

    def run(self, item: ItemInfo, ctx: Context) -> Outcome:
        server = Server.objects.filter(pk=ctx.job.scope["server"]).first()
        if server is None:
            return Skipped("no_server")
        try:
            client = servers.client_for(server)
        except AccessDenied as error:  # the token cannot be read with the present key
            with ctx.transaction():
                limits.failed(server, error, ctx.now())
            raise Snooze(str(error), until=ctx.now() + PAUSED, code="server_paused", server=server.name) from None
        work = self.work(server, client, ctx, self.clock, self.sight)
        try:
            work.run()
        except Snooze as rest:
            with ctx.transaction():
                passed_on = services.pass_on(server.pk, ctx.job.id, rest.until, self.name)
            if not passed_on:
                raise
        finally:
            client.close()
            self.after(server, ctx)
        return Done(work.counts())

    def after(self, server: Server, ctx: Context) -> None:
        """Follow up on a run, also on one that was ended by an error."""


class Deliver(ServerStage):
    """Send what waits for one server, as its pace allows."""

    name = "deliver"
    label = _("Tell the server")
    work = Delivery

    def after(self, server: Server, ctx: Context) -> None:
        with ctx.transaction():
            services.prove(server.pk)


class Verify(ServerStage):
    """Prove what was sent to one server."""

    name = "verify"
    label = _("Ask what the server knows")
    work = Verification
