"""What happens when a button is pressed: permission, question, the method, a message, and back to where one was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from mediasync.core.errors import MediasyncError
from mediasync.core.paths import for_people
from mediasync.jobs import registry

from .buttons import Answer, Button, Text

if TYPE_CHECKING:
    from .admin import ModelAdmin

MOST = 1000  # rows of a selection that one request handles


def one(model_admin: ModelAdmin[Any], button: Button, request: HttpRequest, object_id: int | None = None) -> Any:
    """Press a button for one object, or (``on="list"``) for none."""
    obj = None
    if object_id is not None and (obj := model_admin.get_object(request, str(object_id))) is None:
        raise Http404
    if not model_admin.may_press(request, button):
        raise PermissionDenied
    if not button.when(obj):
        messages.warning(request, _("“%s” is not possible any more: the state has changed.") % button.label)
        return HttpResponseRedirect(back(model_admin, request))
    if button.confirm and "confirmed" not in request.POST and (question := button.confirm(obj)):
        return ask(model_admin, request, button.label, str(question), danger=button.danger)
    try:
        answer = call(model_admin, button, request, obj)
    except MediasyncError as error:
        messages.error(request, told(error))
        answer = None
    if isinstance(answer, HttpResponseBase):
        return answer
    if answer:
        messages.success(request, str(answer))
    return HttpResponseRedirect(back(model_admin, request))


def many(button: Button, model_admin: ModelAdmin[Any], request: HttpRequest, rows: QuerySet[Any]) -> Any:
    """Press a button for a selection; those rows where it makes no sense are left out."""
    if not model_admin.may_press(request, button):
        raise PermissionDenied
    found = list(rows.order_by("pk")[: MOST + 1])
    chosen = [obj for obj in found[:MOST] if button.when(obj)]
    if button.confirm and "confirmed" not in request.POST:
        number = len(chosen)
        question = ngettext("%(what)s: %(n)d row?", "%(what)s: %(n)d rows?", number)
        question %= {"what": button.label, "n": number}
        return ask(model_admin, request, button.label, question, danger=button.danger)
    done, refused = 0, list[str]()
    for obj in chosen:
        try:
            call(model_admin, button, request, obj)
            done += 1
        except MediasyncError as error:
            refused.append(f"{obj}: {told(error)}")
    text = ngettext("%(what)s: %(n)d row.", "%(what)s: %(n)d rows.", done) % {"what": button.label, "n": done}
    messages.add_message(request, messages.SUCCESS if done else messages.WARNING, text)
    if len(found) > MOST:
        messages.warning(request, _("Only the first %d rows were looked at; select the rest again.") % MOST)
    if refused:
        more = ngettext("%d was refused.", "%d were refused.", len(refused)) % len(refused)
        messages.error(request, " ".join([more, *refused[:3]]))
    return None


def call(model_admin: ModelAdmin[Any], button: Button, request: HttpRequest, obj: Any) -> Answer:
    """Call the method behind the button."""
    method = getattr(model_admin, button.name)
    answer: Answer = method(request) if button.on == "list" else method(request, obj)
    return answer


def told(error: MediasyncError) -> str:
    """Return the sentence of an error in the language of now; a code that says no more than its class gives its own."""
    if error.code == error.default_code:
        return for_people(str(error))
    return for_people(registry.text(error.code, error.params, default=str(error)))


def ask(
    model_admin: ModelAdmin[Any], request: HttpRequest, label: Text, question: str, *, danger: bool = False
) -> TemplateResponse:
    """Return the page that asks before it is done; it posts the same fields again, and ``confirmed``."""
    fields = [(k, v) for k in request.POST if k not in ("csrfmiddlewaretoken", "back") for v in request.POST.getlist(k)]
    context = {"question": question, "label": label, "danger": danger, "fields": fields}
    return model_admin.show(request, "ms/confirm.html", label, **context, back=back(model_admin, request))


def back(model_admin: ModelAdmin[Any], request: HttpRequest) -> str:
    """Return the page the request came from if it is one of ours, else the list."""
    address = request.POST.get("back") or request.headers.get("Referer", "")
    ours = url_has_allowed_host_and_scheme(address, {request.get_host()}, require_https=request.is_secure())
    if ours and urlsplit(address).path != request.path:
        return address
    return reverse(model_admin.url_name("changelist"))
