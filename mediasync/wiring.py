"""What must follow in one app from something in another that may not import it: one line each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from catalog import signals as music
from mediasync import noticing
from mediasync.core import clock
from mediasync.core.clock import Clock
from mediasync.jobs import services as jobs
from mediasync.jobs.choices import Trigger
from mediasync.ondemand import poller
from mediasync.servers import library_scan
from mediasync.servers.listeners.arrivals import arrived
from mediasync.servers.models import Arrival, Server
from mediasync.servers.services import answered, libraries_changed
from monitors import guards, selectors
from monitors.feeds.beside import Beside, run_beside
from monitors.hints import intake, rootless, translating
from monitors.hints.notices import Notice, Source, What
from monitors.models import Root
from scanning import services as scanning
from scanning import sources


def on_recovered(sender: Any, root: Root, **_more: Any) -> None:
    """A root can be used again: look what happened meanwhile."""
    if root.enabled:
        jobs.submit(selectors.look_kind(), {"root": root.pk}, trigger=Trigger.SYSTEM)


def on_libraries_changed(sender: Any, server: Server, **_more: Any) -> None:
    """A server has other libraries or folders: some requests may have a library now."""
    scanning.look_for_homes(server, only_old=True)


def on_answered(sender: Any, server: Server, **_more: Any) -> None:
    """A server is there again: what waits for it, and what it is to be asked, need not sleep until the next try."""
    scanning.deliver(server.pk)
    scanning.prove(server.pk)
    library_scan.hurry(server, clock.system.now())


def on_arrived(sender: Any, server: Server, arrivals: Sequence[Arrival], **_more: Any) -> None:
    """A server says by itself what it took in: that is the moment to ask whether it knows what it was told."""
    scanning.look_soon(server.pk, [arrival.path for arrival in arrivals if arrival.path])


def on_stored(sender: Any, paths: Sequence[str], **_more: Any) -> None:
    """Music came to lie there: a hint like any other, so that the folders are crawled and the servers told."""
    _hint(paths, "upsert")


def on_removed(sender: Any, paths: Sequence[str], **_more: Any) -> None:
    """Music was taken away from there."""
    _hint(paths, "delete")


def _hint(paths: Sequence[str], change: What) -> None:
    if Root.objects.exists() or Server.objects.exists():  # else nobody would want to know
        source = Source("catalog", "catalog", wait_for_file=False)  # what we wrote ourselves is there
        intake.take_in([Notice(path, change, is_dir=False, local=True) for path in paths], source)


def listeners(clock: Clock) -> Beside:
    """Hear what servers say by themselves."""
    from mediasync.servers.listeners.supervisor import Listeners  # with websockets, which only the watcher needs

    return Listeners(clock)


guards.recovered.connect(on_recovered, dispatch_uid="sync when a root recovers")
libraries_changed.connect(on_libraries_changed, dispatch_uid="look for homes when libraries have changed")
answered.connect(on_answered, dispatch_uid="deliver when a server answers again")
arrived.connect(on_arrived, dispatch_uid="ask what a server knows when it took something in")
music.stored.connect(on_stored, dispatch_uid="tell servers of music that was downloaded")
music.removed.connect(on_removed, dispatch_uid="tell servers of music that was taken away")
translating.use(sources.SourceRules)
rootless.use(sources.known)
noticing.connect()
run_beside("listeners", listeners)
run_beside("mails", poller.maker)
