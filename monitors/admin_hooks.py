"""Hooks with their addresses, and what they received."""

from __future__ import annotations

import datetime as dt
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.contrib.admin import display
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from mediasync.core.secrets import Unreadable
from mediasync.ui.admin import ModelAdmin
from mediasync.ui.buttons import Answer, button
from mediasync.ui.render import age, badge

from . import triggers
from .hooks import payloads
from .hooks import services as hooks
from .models import Hook, Payload

ROTATE = _("It gets a new address. The old one works for 24 more hours, so that you can change the senders.")
CUT_OFF = _("It gets a new address, and the old one stops working at once. Go on?")


class HookForm(forms.ModelForm[Hook]):
    """Edit a hook. Its secret is made, never typed; its password can be replaced, never read."""

    kind = forms.ChoiceField(label=_("Kind"), choices=lambda: [(k.name, k.label) for k in triggers.KINDS.values()])
    password = forms.CharField(
        label=_("Password"),
        required=False,
        strip=False,
        max_length=200,
        widget=forms.PasswordInput(render_value=False, attrs={"autocomplete": "new-password"}),
        help_text=_("Of Basic auth. Without one, the secret of the address is the password."),
    )
    no_password = forms.BooleanField(label=_("Take the password away"), required=False)

    class Meta:
        model = Hook
        fields = hooks.OPTIONS
        labels: ClassVar = {
            "name": _("Name"),
            "enabled": _("Switched on"),
            "username": _("User name"),
            "open": _("No password"),
            "debounce": _("Rest"),
            "max_wait": _("Longest wait"),
            "wait_for_file": _("Wait for the file"),
            "unmatched": _("A path that no mapping translates"),
            "note": _("Note"),
        }
        help_texts: ClassVar = {
            "name": _("Part of the address, and the source that mapping rules name."),
            "username": _("Of Basic auth; empty: any."),
            "open": _("The addresses of autoscan, autopulse and file_notify ask for no password: anybody may call."),
            "debounce": _("Seconds without news before a look; empty: as its kind."),
            "max_wait": _("Seconds after which it is looked at though news goes on; empty: as its kind."),
            "wait_for_file": _("Look only when the file is visible and its size rests."),
        }
        widgets: ClassVar = {"username": forms.TextInput(attrs={"autocomplete": "off"})}

    def clean_debounce(self) -> float | None:
        return self._seconds("debounce")

    def clean_max_wait(self) -> float | None:
        return self._seconds("max_wait")

    def _seconds(self, name: str) -> float | None:
        value: float | None = self.cleaned_data[name]
        if value is not None and not 0 <= value <= 86400:
            raise forms.ValidationError(_("Between 0 and 86400 seconds."))
        return value


@admin.register(Hook)
class HookAdmin(ModelAdmin[Hook]):
    form = HookForm
    change_form_template = "monitors/hook_form.html"
    list_display = ("name", "kind_label", "state", "row_buttons", "received", "calls", "note")
    list_filter = ("enabled",)
    search_fields = ("name", "note")
    ordering = ("name",)
    only_later = ("no_password",)
    fieldsets = (
        (None, {"fields": ("name", "kind", "enabled", "note")}),
        (_("Who may call"), {"fields": ("username", "password", "no_password", "open")}),
        (_("What becomes of it"), {"fields": ("debounce", "max_wait", "wait_for_file", "unmatched")}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Hook]:
        return super().get_queryset(request).annotate(number=Count("payloads"))

    # -- Columns

    @display(description=_("Kind"), ordering="kind")
    def kind_label(self, hook: Hook) -> str:
        kind = triggers.KINDS.get(hook.kind)
        return kind.label if kind else hook.kind

    @display(description=_("State"))
    def state(self, hook: Hook) -> SafeString:
        if not hook.enabled:
            return badge(_("Switched off"), "idle")
        return badge(_("Without a password"), "warn") if hook.open else badge(_("On"), "ok")

    @display(description=_("Last call"), ordering="received_at")
    def received(self, hook: Hook) -> SafeString:
        return age(hook.received_at)

    @display(description=_("Calls"), ordering="number")
    def calls(self, hook: Hook) -> SafeString:
        number = getattr(hook, "number", 0)
        return format_html('<a href="{}">{}</a>', list_of(hook), number) if number else SafeString("–")

    # -- Pages and saving

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **more: Any
    ) -> HttpResponse:
        obj: Hook | None = more.get("obj")
        if obj is not None:
            context["hook_calls"] = list_of(obj)
            context["hook_kind"] = triggers.KINDS.get(obj.kind)
            if self.has_change_permission(request, obj):
                context |= self._address(request, obj)
        return super().render_change_form(request, context, *args, **more)

    @staticmethod
    def _address(request: HttpRequest, hook: Hook) -> dict[str, Any]:
        try:
            address = request.build_absolute_uri(hooks.url_of(hook))
        except Unreadable:
            return {"hook_unreadable": True}
        old = hook.old_until if hook.old_until and hook.old_until > dt.datetime.now(dt.UTC) else None
        compatible = request.build_absolute_uri(reverse("trigger", args=[hook.name]).rstrip("/"))
        return {"hook_address": address, "hook_old_until": old, "hook_compatible": compatible}

    def save_model(self, request: HttpRequest, obj: Hook, form: forms.ModelForm[Hook], change: bool) -> None:
        password = form.cleaned_data.get("password") or None
        hooks.save(obj, password="" if form.cleaned_data.get("no_password") else password)

    def response_add(self, request: HttpRequest, obj: Hook, post_url_continue: str | None = None) -> HttpResponse:
        """Go to its page, where its address is."""
        if "_addanother" in request.POST:
            return super().response_add(request, obj, post_url_continue)
        messages.success(request, _t("%s was added. This is its address.") % obj)
        return HttpResponseRedirect(reverse(self.url_name("change"), args=[obj.pk]))

    def delete_model(self, request: HttpRequest, obj: Hook) -> None:
        payloads.remove_hook(obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Hook]) -> None:
        for hook in Hook.objects.filter(pk__in=list(queryset.values_list("pk", flat=True))):
            payloads.remove_hook(hook)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Say what goes with the hooks without loading it: that may be a hundred thousand rows."""
        found = list(objs)
        counts = {_("hooks"): len(found), _("payloads"): Payload.objects.filter(hook__in=found).count()}
        return [str(hook) for hook in found], counts, set(), []

    # -- Buttons

    @button(_("New secret"), on="page", confirm=lambda hook: ROTATE)
    def rotate(self, request: HttpRequest, hook: Hook) -> Answer:
        hooks.rotate(hook)
        return _t("%s has a new address; the old one works for 24 more hours.") % hook

    @button(_("New secret, cut the old one off"), on="page", confirm=lambda hook: CUT_OFF, danger=True)
    def cut_off(self, request: HttpRequest, hook: Hook) -> Answer:
        hooks.rotate(hook, dt.timedelta(0))
        return _t("%s has a new address; the old one does not work any more.") % hook

    @button(_("Switch off"), when=lambda hook: hook.enabled, bulk=True)
    def switch_off(self, request: HttpRequest, hook: Hook) -> Answer:
        hooks.switch(hook, False)
        return _t("%s refuses its callers.") % hook

    @button(_("Switch on"), when=lambda hook: not hook.enabled, bulk=True)
    def switch_on(self, request: HttpRequest, hook: Hook) -> Answer:
        hooks.switch(hook, True)
        return _t("%s takes calls again.") % hook


def list_of(hook: Hook) -> str:
    """Return the address of the list of what a hook received."""
    return f"{reverse('admin:monitors_payload_changelist')}?hook__id__exact={hook.pk}"
