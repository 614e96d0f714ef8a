"""What the page of a server shows of its requests: how many are proved, and how long that took (docs/scans.md)."""

from __future__ import annotations

from collections.abc import Iterable

from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrOrPromise

from mediasync.servers import admin as servers_admin
from mediasync.servers.models import Library, Server
from mediasync.ui.render import duration

from .figures import LATELY, Figures, figures, together
from .models import ScanRequest

State = ScanRequest.State
COLUMNS = (
    *(State.VERIFIED, State.GONE, State.NOT_FOUND, State.WAITING, State.SENDING),
    *(State.SENT, State.NO_LIBRARY, State.FAILED, State.DROPPED),
)
FEW = (State.VERIFIED, State.NOT_FOUND, State.WAITING)  # shown also where there are none
TABLE = SafeString('<div class="ms-scroll"><table><thead><tr>{}</tr></thead><tbody>{}</tbody></table></div>')


def table(server: Server) -> SafeString:
    """Return the figures of a server, a row for each library."""
    found = {library: each for (_server, library), each in figures(timezone.now() - LATELY, server.pk).items()}
    if not found:
        return SafeString("–")
    shown = [state for state in COLUMNS if state in FEW or any(each.states[state] for each in found.values())]
    rows = [
        _row(library.title, found[library.pk], shown, server, str(library.pk))
        for library in Library.objects.filter(server=server).order_by("title")
        if library.pk in found
    ]
    if None in found:
        rows.append(_row(_("No library"), found[None], shown, server, ""))
    if len(rows) > 1:
        rows.append(_row(_("All"), together(found.values()), shown, server, None))
    heads = [_("Library"), _("Change → proof, median"), *(state.label for state in shown)]
    return format_html(TABLE, format_html_join("", "<th scope=col>{}</th>", ((head,) for head in heads)), _joined(rows))


def _row(title: StrOrPromise, each: Figures, shown: Iterable[State], server: Server, library: str | None) -> SafeString:
    numbers = (_number(each.states[state], state, server, library) for state in shown)
    cells = (duration(each.median), *numbers)
    return format_html("<tr><th scope=row>{}</th>{}</tr>", title, format_html_join("", "<td>{}</td>", zip(cells)))


def _number(number: int, state: State, server: Server, library: str | None) -> SafeString | str:
    """Return a number that leads to its requests; ``library`` is an id, "" for none, None for all."""
    if not number:
        return "–"
    query = {"server__id__exact": str(server.pk), "show": str(state)}
    query |= {} if library is None else {"library__id__exact": library} if library else {"library__isnull": "True"}
    return format_html(
        '<a href="{}?{}">{}</a>', reverse("admin:scanning_scanrequest_changelist"), urlencode(query), number
    )


def _joined(rows: Iterable[SafeString]) -> SafeString:
    return format_html_join("", "{}", ((row,) for row in rows))


servers_admin.show_figures(table)
