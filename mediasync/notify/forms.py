"""The forms of channels and rules. The address of a channel can be set and replaced, never read."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _

from mediasync.core.errors import UsageError
from mediasync.jobs import registry

from . import postman
from .events import EVENTS
from .models import ADMINS, Channel, Rule


class ChannelForm(forms.ModelForm[Channel]):
    """Edit a channel."""

    url = forms.CharField(
        label=_("Address"),
        required=False,
        strip=True,
        max_length=2000,
        widget=forms.PasswordInput(render_value=False, attrs={"autocomplete": "new-password", "size": 60}),
    )

    class Meta:
        model = Channel
        fields = ("name", "enabled", "quiet_from", "quiet_to")
        help_texts: ClassVar = {
            "quiet_from": _("From then on messages wait, and become one; in the time zone of the installation."),
            "quiet_to": _("May be on the next morning."),
        }
        widgets: ClassVar = {"name": forms.TextInput(attrs={"autocomplete": "off"})}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        stored = bool(self.instance.url_sealed)
        self.fields["url"].help_text = (
            _("An address is stored. Enter another one to replace it.")
            if stored
            else _("As apprise wants it, for example ntfy://topic. It is stored encrypted and never shown again.")
        )
        if self.instance.service == ADMINS:
            self.fields["url"].disabled = True
            self.fields["url"].help_text = _("Mail to the people in the setting ADMINS.")

    def clean_url(self) -> str:
        url = str(self.cleaned_data["url"] or "")
        if not url and not self.instance.url_sealed and self.instance.service != ADMINS:
            raise forms.ValidationError(_("Enter the address."))
        try:
            return url if not url or postman.service_of(url) else ""
        except UsageError as error:
            raise forms.ValidationError(registry.text(error.code, default=str(error))) from None

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if (cleaned.get("quiet_from") is None) != (cleaned.get("quiet_to") is None):
            self.add_error("quiet_to", _("Give both times or none."))
        return cleaned


class RuleForm(forms.ModelForm[Rule]):
    """Edit a rule."""

    events = forms.MultipleChoiceField(
        label=_("Events"),
        choices=lambda: [(code, event.label) for code, event in EVENTS.items()],
        widget=forms.CheckboxSelectMultiple,
    )
    window = forms.IntegerField(
        label=_("Digest window"),
        min_value=0,
        max_value=7 * 86400,
        initial=300,
        help_text=_("Seconds: what happens so long after the first thing goes into one message."),
    )

    class Meta:
        model = Rule
        fields = ("name", "channel", "events", "window", "urgent", "enabled")
