"""``/metrics``: figures for Prometheus and whoever reads its format (docs/metrics.md).

All of them are counted in rows when somebody asks, in one statement a figure: so it does not matter which process
answers, and a restart sets nothing back. Rows are forgotten after ``KEEP_…_DAYS``, so every figure is a gauge.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from django.db import DatabaseError, InterfaceError
from django.db.models import Count, Model
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client.core import GaugeHistogramMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from mediasync.core.paths import for_people
from mediasync.jobs.models import Job
from mediasync.notify.models import Message
from mediasync.servers import tokens
from mediasync.servers.models import ApiToken, Library, Server
from mediasync.servers.selectors import fare
from monitors.models import FeedState, Hint, Root
from scanning import figures

BUCKETS = (10, 30, 60, 120, 300, 600, 1800, 3600, 21600)  # seconds
HEARS = (FeedState.State.FINE, FeedState.State.RESTING)


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Answer whoever shows a token, and staff."""
    try:
        if not _may_read(request):
            answer = HttpResponse("Show a token: Authorization: Bearer TOKEN.\n", "text/plain; charset=utf-8", 401)
            answer.headers["WWW-Authenticate"] = 'Bearer realm="mediasync"'
            return answer
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        return HttpResponse(encode(Rows()), content_type)
    except (DatabaseError, InterfaceError):
        return HttpResponse("The database cannot answer now.\n", "text/plain; charset=utf-8", 503)


def _may_read(request: HttpRequest) -> bool:
    if shown := tokens.shown_in(request.headers):
        token = tokens.find(shown, sender=request.META.get("REMOTE_ADDR", ""))
        return token is not None and tokens.allows(token, ApiToken.Scope.READ)
    return bool(request.user.is_active and request.user.is_staff)


class Rows(Collector):
    """Everything, from the database."""

    def collect(self) -> Iterable[Metric]:
        """Yield each figure with its values."""
        yield _counted("jobs", "Jobs that are kept.", Job, kind="kind", state="state")
        yield _counted("hints", "Hints that are kept.", Hint, source="source", state="state")
        yield _counted("messages", "Messages to people.", Message, channel="channel__name", state="state")
        yield from _requests()
        yield from _health()


def _gauge(name: str, text: str, labels: Iterable[str], values: Iterable[tuple[Iterable[str], float]]) -> Metric:
    found = GaugeMetricFamily(f"mediasync_{name}", text, labels=list(labels))
    for words, value in values:
        found.add_metric([for_people(word) for word in words], value)
    return found


def _counted(name: str, text: str, model: type[Model], **labels: str) -> Metric:
    """Return how many rows there are of each kind; ``labels`` names the columns that tell kinds apart."""
    rows: Any = model._default_manager.order_by().values_list(*labels.values()).annotate(number=Count("pk"))
    return _gauge(name, text, labels, ((words, number) for *words, number in rows))


def _requests() -> Iterator[Metric]:
    """Yield what scanning/figures.py knows, with names in place of ids."""
    servers, since = dict(Server.objects.values_list("pk", "name")), timezone.now() - figures.LATELY
    libraries = _titles()
    # A server, or a library, that was removed since the first statement has no name any more: left out.
    known = {key: each for key, each in figures.figures(since).items() if key[0] in servers and key[1] in libraries}
    named = {(server, library): (servers[server], libraries[library]) for server, library in known}
    labels = ("server", "library")
    states = (((*named[key], state), n) for key, each in known.items() for state, n in each.states.items())
    yield _gauge("requests", "Scan requests that are kept.", (*labels, "state"), states)
    medians = ((named[key], each.median) for key, each in known.items() if each.median is not None)
    yield _gauge("proof_median_seconds", "From change to proof, median of 7 days.", labels, medians)
    found = GaugeHistogramMetricFamily(
        "mediasync_proof_seconds", "From change to proof, within 7 days.", labels=list(labels)
    )
    for key, each in known.items():
        buckets = [*((str(float(limit)), each.within(limit)) for limit in BUCKETS), ("+Inf", len(each.seconds))]
        found.add_metric([for_people(word) for word in named[key]], buckets, sum(each.seconds))
    yield found


def _titles() -> dict[int | None, str]:
    """Return the names of libraries by id; those that share theirs on one server have its key behind it."""
    rows = list(Library.objects.values_list("pk", "server_id", "title", "key"))
    seen = Counter((server, title) for _pk, server, title, _key in rows)
    named: dict[int | None, str] = {
        pk: title if seen[server, title] == 1 else f"{title} ({key})" for pk, server, title, key in rows
    }
    return named | {None: ""}


def _health() -> Iterator[Metric]:
    """Yield what somebody should be told of when it is 0."""
    now = timezone.now()
    servers = (((row.name,), float(fare(row, now) == "fine")) for row in Server.objects.filter(enabled=True))
    yield _gauge("server_ok", "1 while a server can be asked.", ["server"], servers)
    roots = (((row.name,), float(row.guard == Root.Guard.OK)) for row in Root.objects.filter(enabled=True))
    yield _gauge("root_ok", "1 while the guard of a root is OK.", ["root"], roots)
    feeds = (((row.kind, row.key), float(row.state in HEARS)) for row in FeedState.objects.exclude(state="off"))
    yield _gauge("feed_ok", "1 while a feed hears.", ("kind", "key"), feeds)
