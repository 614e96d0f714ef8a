"""Roots: the mount board, and the buttons that ask for looks."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin import display
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from django.template.defaultfilters import filesizeformat
from django.urls import reverse
from django.utils.formats import number_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from mediasync.jobs import registry
from mediasync.jobs.services import Submitted
from mediasync.ui.admin import ModelAdmin, actor
from mediasync.ui.buttons import Answer, button
from mediasync.ui.render import Tone, age, badge, explain_link, path

from . import admin_feed_cells as feed_cells
from . import services
from .feeds import selftest
from .forms import RootForm
from .models import Change, Directory, Root

TONES: dict[str, Tone] = {Root.Guard.OK: "ok", Root.Guard.SUSPECT: "warn", Root.Guard.DOWN: "bad"}


def guard_badge(root: Root) -> SafeString:
    """Return what the guard says as icon and word."""
    if not root.enabled:
        return badge(_("Off"), "idle")
    return badge(Root.Guard(root.guard).label, TONES[root.guard])


def said(submitted: Submitted) -> str:
    """Say which job stands for a request."""
    text = _t("Job #%d waits for that already.") if submitted.deduplicated else _t("Job #%d was queued.")
    return text % submitted.job.pk


def held_of(root: Root | None) -> int:
    """Return how many removals of a root are held (annotated by the list)."""
    return int(getattr(root, "held_count", 0))


def ask_about_held(text: str) -> Callable[[Root | None], str]:
    """Return what makes the question, with its number."""
    return lambda root: _t(text) % {"count": held_of(root), "name": root}


@admin.register(Root)
class RootAdmin(ModelAdmin[Root]):
    form = RootForm
    list_display = ("name", "guard_state", "row_buttons", "folder", "hears_by", "holds", "held_now", "looked")
    list_filter = ("guard", "enabled")
    search_fields = ("name", "path")
    ordering = ("name",)
    readonly_fields = (
        *("guard_now", "heard_now", "file_system", "holds", "held_now", "unreadable", "looked", "fully_looked"),
        "explained",
    )
    fieldsets = (
        (None, {"fields": ("path", "name", "enabled", *readonly_fields)}),
        (_("Where it is"), {"fields": ("lister", "account", "remote_path", "mounted")}),
        (_("When"), {"fields": ("watch", "feed", "feed_every", "poll_budget", "every", "reconcile_every")}),
        (_("What counts"), {"fields": ("kinds", "include", "exclude", "hidden")}),
        (
            _("Guard"),
            {"fields": ("must_be_mount", "anchor", "minimum_entries", "max_removed_ratio", "max_removed_count")},
        ),
        (
            _("How it is read"),
            {"fields": ("directory_mtime_moves", "parallel", "two_looks", "second_look_after")},
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Root]:
        held = Change.objects.filter(root=OuterRef("pk"), state=Change.State.HELD).order_by()
        counted = held.values("root").annotate(n=Count("pk")).values("n")
        rows = super().get_queryset(request).select_related("account")
        rows = rows.prefetch_related("feed_states", "account__feed_states")
        return rows.annotate(held_count=Coalesce(Subquery(counted), 0))

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show and take the form outside a transaction: what is asked of mounts and accounts may take long.

        Django's own method is this call inside ``transaction.atomic``, which locks all of SQLite, and nothing public
        leaves that out. The services that save have transactions of their own.
        """
        view = self._changeform_view  # type: ignore[attr-defined]
        answer: HttpResponse = view(request, object_id, form_url, extra_context)
        return answer

    def save_model(self, request: HttpRequest, obj: Root, form: ModelForm[Root], change: bool) -> None:
        cleaned = form.cleaned_data
        if change:
            changed = {name: cleaned[name] for name in form.changed_data}
            services.update_root(obj, actor=actor(request), **changed)
            return
        options = {name: value for name, value in cleaned.items() if name not in ("path", "name")}
        made = services.add_root(cleaned["path"], cleaned["name"], actor=actor(request), **options)
        obj.pk, obj._state.adding = made.pk, False

    def delete_model(self, request: HttpRequest, obj: Root) -> None:
        services.remove_root(obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Root]) -> None:
        for root in queryset:
            services.remove_root(root)

    def get_deleted_objects(self, objs: Iterable[Root], request: HttpRequest) -> tuple[Any, Any, Any, Any]:
        """Say what goes without loading it: a root may have a million rows."""
        roots = list(objs)
        lines = [_t("%(name)s and its snapshot. Nothing on disk is touched.") % {"name": root} for root in roots]
        counts = {
            _("roots"): len(roots),
            _("folders"): sum(root.directories for root in roots),
            _("files"): sum(root.files for root in roots),
        }
        return lines, counts, set(), []

    # -- Columns

    @display(description=_("Guard"), ordering="guard")
    def guard_state(self, obj: Root) -> SafeString:
        return guard_badge(obj)

    @display(description=_("Guard"))
    def guard_now(self, obj: Root) -> SafeString | str:
        if not obj.pk:
            return "–"
        sentence = registry.text(obj.guard_code, obj.guard_params) if obj.guard_code else ""
        return format_html("{} {} {}", guard_badge(obj), sentence, age(obj.guard_since) if obj.guard_since else "")

    @display(description=_("Hears by"))
    def hears_by(self, obj: Root) -> SafeString:
        return feed_cells.hears_by(obj)

    @display(description=_("Hears by"))
    def heard_now(self, obj: Root) -> SafeString | str:
        return feed_cells.heard_now(obj) if obj.pk else "–"

    @display(description=_("File system"))
    def file_system(self, obj: Root) -> str:
        return obj.device.partition("@")[0] or "–"

    @display(description=_("Folder"), ordering="path")
    def folder(self, obj: Root) -> SafeString:
        return path(obj.path)

    @display(description=_("Holds"), ordering="files")
    def holds(self, obj: Root) -> str:
        if not obj.crawled_at:
            return "–"
        return ngettext("%(files)s file, %(size)s", "%(files)s files, %(size)s", obj.files) % {
            "files": number_format(obj.files, force_grouping=True),
            "size": filesizeformat(obj.bytes),
        }

    @display(description=_("Held removals"))
    def held_now(self, obj: Root) -> SafeString | str:
        count = held_of(obj)
        address = reverse("admin:monitors_change_changelist") + f"?state=held&root__id__exact={obj.pk}"
        text = ngettext("%d held", "%d held", count) % count
        return format_html('<a href="{}">{}</a>', address, text) if count else "–"

    @display(description=_("Unreadable folders"))
    def unreadable(self, obj: Root) -> SafeString | str:
        count = Directory.objects.filter(root=obj.pk).exclude(error="").count() if obj.pk else 0
        address = reverse("admin:monitors_directory_changelist") + f"?errors=yes&root__id__exact={obj.pk}"
        return format_html('<a href="{}">{}</a>', address, count) if count else "–"

    @display(description=_("Last look"), ordering="crawled_at")
    def looked(self, obj: Root) -> SafeString:
        return age(obj.crawled_at)

    @display(description=_("Last full look"), ordering="reconciled_at")
    def fully_looked(self, obj: Root) -> SafeString:
        return age(obj.reconciled_at)

    @display(description=_("Explain"))
    def explained(self, obj: Root) -> SafeString | str:
        return explain_link(obj.path) if obj.pk else "–"

    # -- Buttons

    @button(_("Crawl now"), when=lambda root: root.enabled, bulk=True)
    def crawl_now(self, request: HttpRequest, root: Root) -> Answer:
        return said(services.request_crawl(root, actor=actor(request)))

    @button(_("Full crawl"), when=lambda root: root.enabled, bulk=True)
    def full_crawl(self, request: HttpRequest, root: Root) -> Answer:
        return said(services.request_crawl(root, full=True, actor=actor(request)))

    @button(_("Check guard"))
    def check_guard(self, request: HttpRequest, root: Root) -> Answer:
        verdict = services.check_guard(root)
        if verdict.ok and root.guard == Root.Guard.OK:
            return _t("%s: all is well.") % root
        return f"{root}: {registry.text(root.guard_code, root.guard_params)}"

    @button(_("Self-test"), on="page", when=lambda root: root.enabled)
    def self_test(self, request: HttpRequest, root: Root) -> Answer:
        result = selftest.run(root)
        (messages.success if result.ok else messages.warning)(request, str(result))
        return None

    @button(
        _("Take this file system"),
        when=lambda root: root.guard_code in ("guard_mount_gone", "guard_mount_below_gone", "guard_cloud_no_mount"),
        confirm=lambda root: (
            _("Did you move %s on purpose? What is missing on the new file system counts as removed.") % root
        ),
    )
    def accept_place(self, request: HttpRequest, root: Root) -> Answer:
        services.accept_place(root, actor=actor(request))
        return _t("%s: the present file system is taken for the right one.") % root

    @button(
        _("Release held"),
        when=lambda root: held_of(root) > 0,
        confirm=ask_about_held("Believe %(count)s removals of %(name)s? Links go, and servers are told."),
        danger=True,
    )
    def release_all(self, request: HttpRequest, root: Root) -> Answer:
        return settled(services.release_held(_held_ids(root), actor(request)))

    @button(
        _("Drop held"),
        when=lambda root: held_of(root) > 0,
        confirm=ask_about_held("Forget %(count)s removals of %(name)s? Links and servers stay as they are."),
    )
    def drop_all(self, request: HttpRequest, root: Root) -> Answer:
        return settled(services.drop_held(_held_ids(root), actor(request)))


def _held_ids(root: Root) -> list[int]:
    return list(Change.objects.filter(root=root, state=Change.State.HELD).values_list("pk", flat=True))


def settled(submitted: list[Submitted]) -> str:
    """Say which jobs settle held removals."""
    numbers = ", ".join(f"#{each.job.pk}" for each in submitted)
    return ngettext("Job %s does that.", "Jobs %s do that.", len(submitted)) % numbers
