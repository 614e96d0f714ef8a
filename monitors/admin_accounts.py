"""Accounts: what their limits say, and whether they work."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin import display
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from mediasync.core.errors import MediasyncError, Snooze
from mediasync.core.paths import for_people
from mediasync.ui.admin import ModelAdmin
from mediasync.ui.buttons import Answer, button
from mediasync.ui.render import age, badge

from .accounts import KINDS, limits, services
from .admin_account_form import AccountForm, form_for, names_of
from .models import Account


@admin.register(Account)
class AccountAdmin(ModelAdmin[Account]):
    form = AccountForm
    list_display = ("name", "kind", "state", "row_buttons", "today", "pace", "error", "root_count", "seen")
    list_filter = ("kind", "enabled")
    search_fields = ("name",)
    ordering = ("name",)
    readonly_fields = ("kind", "state", "today", "pace", "error", "root_count", "seen", "found")
    shown = ("state", "today", "pace", "error", "root_count", "seen", "found")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Account]:
        return super().get_queryset(request).annotate(number=Count("roots"))

    # -- Columns

    @display(description=_("State"))
    def state(self, account: Account) -> SafeString:
        now = timezone.now()
        if not account.enabled:
            return badge(_("Switched off"), "idle")
        if account.paused:
            return format_html("{} {}", badge(_("Refused"), "bad"), _("Look at its credentials, then try again."))
        if account.cooldown_until is not None and account.cooldown_until > now:
            return format_html("{} {}", badge(_("Rests"), "rest"), age(account.cooldown_until, now))
        if account.per_day and limits.used_today(account, now) >= account.per_day:
            return format_html("{} {}", badge(_("Budget spent"), "rest"), age(limits.tomorrow(now), now))
        if account.fails >= limits.OPENS_AT:
            return badge(_("To be probed"), "warn")
        if account.last_code:
            return badge(_("Trouble"), "warn")
        return badge(_("Works"), "ok") if account.seen_at else badge(_("Never reached"), "warn")

    @display(description=_("Used today"))
    def today(self, account: Account) -> str:
        used = limits.used_today(account, timezone.now())
        return f"{used} / {account.per_day}" if account.per_day else str(used)

    @display(description=_("Requests a second"))
    def pace(self, account: Account) -> str:
        pace = limits.pace_of(account)
        return f"{pace:g}" if pace else "∞"

    @display(description=_("Last error"))
    def error(self, account: Account) -> str:
        return for_people(account.last_error) or "–"

    @display(description=_("Roots"))
    def root_count(self, account: Account) -> SafeString:
        number = getattr(account, "number", 0)
        address = reverse("admin:monitors_root_changelist") + f"?account__id__exact={account.pk}"
        return format_html('<a href="{}">{}</a>', address, number) if number else SafeString("–")

    @display(description=_("Last answer"), ordering="seen_at")
    def seen(self, account: Account) -> SafeString:
        return age(account.seen_at)

    @display(description=_("What it says"))
    def found(self, account: Account) -> SafeString | str:
        shown = ((name.replace("_", " "), _plain(value)) for name, value in sorted(account.facts.items()))
        return format_html_join(SafeString("<br>"), "{}: {}", shown) or "–"

    # -- The form: first a kind, then what it asks for

    def kind_of(self, request: HttpRequest, account: Account | None) -> str:
        kind = account.kind if account is not None else request.GET.get("kind", "")
        return kind if kind in KINDS else ""

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        labels, kind = dict(Account.Kind.choices), self.kind_of(request, None)
        if not kind and self.has_add_permission(request):
            kinds = [(name, labels.get(name, name)) for name in sorted(KINDS)]
            return self.show(request, "monitors/account_kinds.html", _("Add account"), kinds=kinds)
        title = _t("Add account: %(kind)s") % {"kind": labels.get(kind, kind)}
        return super().add_view(request, form_url, {"title": title, **(extra_context or {})})

    def get_form(
        self, request: HttpRequest, obj: Account | None = None, change: bool = False, **kwargs: Any
    ) -> type[forms.ModelForm[Account]]:
        kwargs["form"] = form_for(self.kind_of(request, obj))
        kwargs["fields"] = AccountForm.Meta.fields
        return super().get_form(request, obj, change, **kwargs)

    def get_fieldsets(self, request: HttpRequest, obj: Account | None = None) -> Any:
        kind = self.kind_of(request, obj)
        stored = services.known_secrets(obj) if obj is not None else {}
        access = (_("Access"), {"fields": names_of(kind, stored)})
        head = ("name", "kind", "enabled") if obj is not None else ("name", "enabled")
        state = [(_("State"), {"fields": self.shown})] if obj is not None else []
        return [(None, {"fields": head}), access, (_("Limits"), {"fields": ("per_second", "per_day")}), *state]

    def get_readonly_fields(self, request: HttpRequest, obj: Account | None = None) -> tuple[str, ...]:
        return self.readonly_fields if obj is not None else ()

    # -- Saving

    def save_model(self, request: HttpRequest, obj: Account, form: Any, change: bool) -> None:
        if not change:
            obj.kind = form.kind_name
        obj.options = form.options
        services.save(obj, form.hidden)

    def response_add(self, request: HttpRequest, obj: Account, post_url_continue: str | None = None) -> HttpResponse:
        self._try_out(request, obj)
        return super().response_add(request, obj, post_url_continue)

    # -- Buttons

    @button(_("Test"), when=lambda account: account.enabled)
    def test(self, request: HttpRequest, account: Account) -> None:
        self._try_out(request, account)

    @button(_("Try again"), when=lambda account: account.paused or account.cooldown_until is not None, bulk=True)
    def try_again(self, request: HttpRequest, account: Account) -> Answer:
        limits.again(account)
        return _t("%s is asked again from now on.") % account

    def _try_out(self, request: HttpRequest, account: Account) -> None:
        try:
            facts = services.examine(account)
        except Snooze as error:
            until = date_format(timezone.localtime(error.until), "DATETIME_FORMAT")
            rests = {"account": account, "error": for_people(str(error)), "until": until}
            messages.warning(request, _t("%(account)s: %(error)s It may be asked again from %(until)s.") % rests)
            return
        except MediasyncError as error:
            messages.error(request, f"{account}: {for_people(str(error))}")
            return
        said = ", ".join(f"{name.replace('_', ' ')}: {_plain(value)}" for name, value in sorted(facts.items()))
        messages.success(request, _t("%(account)s works. %(facts)s") % {"account": account, "facts": said})


def _plain(value: Any) -> str:
    """Return a fact as people read it."""
    if isinstance(value, bool) or value is None:
        return {True: "✓", False: "✕", None: "–"}[value]
    if isinstance(value, list):
        return ", ".join(map(_plain, value)) or "–"
    return for_people(str(value)) or "–"
