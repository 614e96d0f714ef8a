"""The base of all our admins: buttons by POST, capped counts, links above the list, read-only variant.

In two minutes::

    from mediasync.ui.admin import ModelAdmin, ReadOnlyAdmin
    from mediasync.ui.buttons import button
    from mediasync.ui.render import age, badge

    @admin.register(Root)
    class RootAdmin(ModelAdmin[Root]):
        list_display = ("name", "state", "row_buttons", "path")   # put row_buttons where the buttons should stand
        list_links = ((_("Start a job"), "admin:jobs_job_start"),)  # plain links (GET) above the list

        @button(_("Pause"), when=lambda root: not root.paused, bulk=True)
        def pause(self, request, root):
            services.pause(root, actor=actor(request))
            return _("%s is paused.") % root

        @button(_("Load all"), on="list")           # one button above the list; takes (self, request)
        def load_all(self, request): ...

        def own_urls(self):                         # further pages; each GET must change nothing
            return [self.page("<int:pk>/browse/", self.browse, "browse")]   # admin:monitors_root_browse

``ReadOnlyAdmin`` shows rows and lets nobody add, change or delete; its buttons still work (they ask for the permission
of the user, not of the admin). A search on a huge table wants ``search_fields`` that an index serves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, ClassVar, TypeVar

from django.contrib import admin
from django.contrib.auth import get_permission_codename
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_POST

from . import press
from .buttons import Button, Text, collect, render
from .paginator import CappedPaginator

M = TypeVar("M", bound=Model)


def actor(request: HttpRequest) -> str:
    """Return the name under which what this user does is recorded."""
    return request.user.get_username()


class ModelAdmin(admin.ModelAdmin[M]):
    """See the module's docstring."""

    list_per_page = 50
    list_max_show_all = 200
    show_full_result_count = False
    paginator = CappedPaginator
    list_links: ClassVar[Sequence[tuple[Text, str]]] = ()
    only_later: ClassVar[Sequence[str]] = ()  # fields that make no sense for a row that is being added

    def __init__(self, model: type[M], admin_site: admin.AdminSite) -> None:
        super().__init__(model, admin_site)
        self.buttons = collect(type(self))

    # -- Addresses

    def url_name(self, name: str) -> str:
        """Return the full name of an address of this admin: ``url_name("pause")`` → ``admin:jobs_job_pause``."""
        return f"{self.admin_site.name}:{self._url(name)}"

    def _url(self, name: str) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}_{name}"

    def get_urls(self) -> list[URLPattern]:
        return [*self.own_urls(), *map(self._button_url, self.buttons.values()), *super().get_urls()]

    def own_urls(self) -> list[URLPattern]:
        """Return further addresses, made by ``page`` and ``post_view``."""
        return []

    def page(self, route: str, view: Callable[..., HttpResponseBase], name: str) -> URLPattern:
        """Return the address of a page that only shows something (GET)."""
        return path(route, self.admin_site.admin_view(require_GET(view)), name=self._url(name))

    def post_view(self, route: str, view: Callable[..., HttpResponseBase], name: str) -> URLPattern:
        """Return an address that answers only a POST with a token. Most of the time ``@button`` is what you want."""
        return path(route, self.admin_site.admin_view(require_POST(view)), name=self._url(name))

    def _button_url(self, button: Button) -> URLPattern:
        route = f"<int:object_id>/{button.name}/" if button.on != "list" else f"{button.name}/"
        return self.post_view(route, partial(press.one, self, button), button.name)

    # -- Buttons

    def may_press(self, request: HttpRequest, button: Button) -> bool:
        """Tell whether the user holds the permission of the button."""
        wanted = button.permission
        if "." not in wanted:
            wanted = f"{self.opts.app_label}.{get_permission_codename(wanted, self.opts)}"
        return bool(request.user.has_perm(wanted))

    def buttons_for(self, request: HttpRequest, obj: M | None) -> Iterator[tuple[Button, str]]:
        """Yield the buttons of an object (or, for None, of the list) that this user may press, with addresses."""
        for each in self.buttons.values():
            if (each.on == "list") == (obj is None) and each.when(obj) and self.may_press(request, each):
                args = [] if obj is None else [obj.pk]
                yield each, reverse(self.url_name(each.name), args=args)

    def row_buttons(self, obj: M) -> SafeString:
        """Stand in ``list_display``; ``get_list_display`` puts the request into its place."""
        raise TypeError("row_buttons needs a request: it is bound by get_list_display")

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        @admin.display(description=_("Actions"), empty_value="")
        def row_buttons(obj: M) -> SafeString:
            shown = ((each, address) for each, address in self.buttons_for(request, obj) if each.on == "row")
            return render(shown, of=str(obj))

        return [row_buttons if column == "row_buttons" else column for column in super().get_list_display(request)]

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        actions: dict[str, Any] = super().get_actions(request)
        for each in self.buttons.values():
            if each.bulk and self.may_press(request, each):
                actions[each.name] = (partial(press.many, each), each.name, str(each.label))
        return actions

    # -- Pages

    def get_fieldsets(self, request: HttpRequest, obj: M | None = None) -> Any:
        """Leave out, on the page that adds a row, what only a row that is there can show."""
        late = () if obj is not None else {*self.get_readonly_fields(request, obj), *self.only_later}
        found = [
            (title, {**options, "fields": [name for name in options["fields"] if name not in late]})
            for title, options in super().get_fieldsets(request, obj)
        ]
        return [section for section in found if section[1]["fields"]]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        links = [(label, reverse(name)) for label, name in self.list_links]
        title, buttons = capfirst(self.opts.verbose_name_plural), render(self.buttons_for(request, None))
        extra = {"title": title, "ms_buttons": buttons, "ms_links": links}
        return super().changelist_view(request, extra | (extra_context or {}))

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: M | None = None,
    ) -> HttpResponse:
        if obj is not None:
            context["ms_buttons"] = render(self.buttons_for(request, obj))
        return super().render_change_form(request, context, add, change, form_url, obj)

    def show(self, request: HttpRequest, template: str, title: Text, **context: Any) -> TemplateResponse:
        """Return a page of our own that stands in the frame of the admin."""
        frame = self.admin_site.each_context(request) | {"title": title, "opts": self.opts}
        return TemplateResponse(request, template, frame | context)


class ReadOnlyAdmin(ModelAdmin[M]):
    """Rows that only the program writes."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        return False
