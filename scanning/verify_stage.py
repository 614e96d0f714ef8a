"""The step that asks a server whether it knows what it was told; sleeps (Snooze) until there is more to ask."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from django.utils.translation import gettext_lazy as _

from mediasync.core import clock as clocks
from mediasync.core.clock import Clock
from mediasync.core.errors import AccessDenied, Snooze
from mediasync.jobs.registry import JSON, Context, Done, ItemInfo, JobInfo, JobKind, NewItem, Outcome, Planned, Skipped
from mediasync.jobs.registry import Stage as Base
from mediasync.servers import limits
from mediasync.servers import services as servers
from mediasync.servers.models import Server

from . import kinds, services
from .delivery import PAUSED
from .parcels import Looks
from .sight import Sight
from .verifying import Verification


class Verify(Base):
    """Prove what was sent to one server."""

    name = "verify"
    label = _("Ask what the server knows")

    def __init__(self, clock: Clock = clocks.system, sight: Callable[[], Looks] = Sight) -> None:
        self.clock = clock
        self.sight = sight

    def plan(self, job: JobInfo, cursor: JSON) -> Iterator[Planned]:
        yield Planned([NewItem("proof")])

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
        run = Verification(server, client, ctx, self.clock, self.sight)
        try:
            run.run()
        except Snooze as rest:
            with ctx.transaction():
                passed_on = services.pass_on(server.pk, ctx.job.id, rest.until, KIND.name)
            if not passed_on:
                raise
        finally:
            client.close()
        return Done({"questions": run.questions, **run.settled})


KIND = JobKind(
    name="verify",
    label=_("Ask what a server knows"),
    stages=(Verify(),),
    lanes=kinds.server_lane,
    precondition=kinds.can_deliver,
    title=kinds.verify_title,
    check_scope=kinds.check_server,
    permission="scanning.add_scanrequest",
)
