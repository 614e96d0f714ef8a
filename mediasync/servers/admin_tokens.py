"""Tokens of other programs in the admin: shown once when they are made."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from mediasync.ui.admin import ModelAdmin, actor
from mediasync.ui.buttons import Answer, button
from mediasync.ui.render import age, badge

from . import tokens
from .models import ApiToken

NEEDS = {  # nobody gives away more than he has
    ApiToken.Scope.TRIGGER: "servers.trigger_update",
    ApiToken.Scope.CONTROL: "jobs.control_job",
}
RENEW = _("The token is replaced by a new one, and the old one is void at once. Go on?")


def may_give(user: AbstractBaseUser | AnonymousUser, scope: str) -> bool:
    """Tell whether a user may make a token with this scope."""
    if scope == ApiToken.Scope.ADMIN:
        return bool(getattr(user, "is_superuser", False))
    needed = NEEDS.get(ApiToken.Scope(scope))
    return needed is None or bool(user.has_perm(needed))  # type: ignore[union-attr]


class TokenForm(forms.ModelForm[ApiToken]):
    """Name a token and say what it may do; the token itself is made, never typed."""

    user: AbstractBaseUser | AnonymousUser = AnonymousUser()  # who fills it in
    scopes = forms.MultipleChoiceField(
        label=_("It may"), widget=forms.CheckboxSelectMultiple, initial=[ApiToken.Scope.TRIGGER]
    )

    class Meta:
        model = ApiToken
        fields = ("name", "scopes", "enabled", "expires_at")
        labels: ClassVar = {"name": _("Name"), "enabled": _("Switched on"), "expires_at": _("Valid until")}
        help_texts: ClassVar = {
            "name": _("Who uses it: “Synology mail”, “phone”."),
            "expires_at": _("Empty: for ever."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        has = set(self.instance.scopes) if self.instance.pk else set()
        field = self.fields["scopes"]
        assert isinstance(field, forms.MultipleChoiceField)
        field.choices = [each for each in ApiToken.Scope.choices if each[0] in has or may_give(self.user, each[0])]


@admin.register(ApiToken)
class ApiTokenAdmin(ModelAdmin[ApiToken]):
    form = TokenForm
    list_display = ("name", "state", "row_buttons", "may", "begins", "used")
    list_filter = ("enabled",)
    search_fields = ("name",)
    ordering = ("name",)
    readonly_fields = ("begins", "created_at", "created_by", "used")
    fieldsets = (
        (None, {"fields": ("name", "scopes", "enabled", "expires_at")}),
        (_("Use"), {"fields": ("begins", "created_at", "created_by", "used")}),
    )

    def get_form(self, request: HttpRequest, obj: ApiToken | None = None, change: bool = False, **kwargs: Any) -> Any:
        kind: Any = super().get_form(request, obj, change, **kwargs)  # a class of its own for each request
        kind.user = request.user
        return kind

    def save_model(self, request: HttpRequest, obj: ApiToken, form: forms.ModelForm[ApiToken], change: bool) -> None:
        if change:
            obj.save(update_fields=["name", "scopes", "enabled", "expires_at"])
            return
        made, text = tokens.create(obj.name, obj.scopes, by=actor(request), expires_at=obj.expires_at)
        obj.pk, obj.enabled = made.pk, form.cleaned_data["enabled"]
        if not obj.enabled:
            ApiToken.objects.filter(pk=made.pk).update(enabled=False)
        self._show_once(request, text)

    # -- Columns

    @admin.display(description=_("State"))
    def state(self, row: ApiToken) -> SafeString:
        if not row.enabled:
            return badge(_("Switched off"), "idle")
        if row.expires_at is not None and row.expires_at <= timezone.now():
            return badge(_("Expired"), "warn")
        return badge(_("Valid"), "ok")

    @admin.display(description=_("It may"))
    def may(self, row: ApiToken) -> str:
        labels = dict(ApiToken.Scope.choices)
        return ", ".join(str(labels.get(scope, scope)) for scope in row.scopes)

    @admin.display(description=_("Begins with"))
    def begins(self, row: ApiToken) -> SafeString:
        return format_html("<code>{}…</code>", row.start)

    @admin.display(description=_("Last used"), ordering="used_at")
    def used(self, row: ApiToken) -> SafeString:
        return format_html("{} <small>{}</small>", age(row.used_at), row.used_from)

    # -- Buttons

    @button(_("Renew"), confirm=lambda row: RENEW)
    def renew(self, request: HttpRequest, row: ApiToken) -> Answer:
        if not all(may_give(request.user, scope) for scope in row.scopes):
            raise PermissionDenied  # its bearer may do more than this user
        self._show_once(request, tokens.renew(row))
        return None

    @button(_("Switch off"), when=lambda row: row.enabled, bulk=True, danger=True)
    def switch_off(self, request: HttpRequest, row: ApiToken) -> Answer:
        ApiToken.objects.filter(pk=row.pk).update(enabled=False)
        return _("Nobody is let in with %s any more.") % row

    @button(_("Switch on"), when=lambda row: not row.enabled, bulk=True)
    def switch_on(self, request: HttpRequest, row: ApiToken) -> Answer:
        ApiToken.objects.filter(pk=row.pk).update(enabled=True)
        return _("%s lets in again.") % row

    def _show_once(self, request: HttpRequest, text: str) -> None:
        shown = format_html("{} <code>{}</code>", _("Copy the token now, it is never shown again:"), text)
        messages.success(request, shown)
