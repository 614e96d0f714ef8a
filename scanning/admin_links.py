"""Link rules and links in the admin."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrOrPromise

from mediasync.core.paths import for_people
from mediasync.ui.admin import ModelAdmin, ReadOnlyAdmin, actor
from mediasync.ui.buttons import button
from mediasync.ui.render import Tone, age, badge, path
from monitors.extensions import KINDS

from . import link_services
from .models import Link, LinkRule

TONES: dict[str, Tone] = {"ok": "ok", "trashed": "idle", "removed": "idle", "conflict": "warn"}


class LinkRuleForm(forms.ModelForm[LinkRule]):
    """The kinds as boxes to tick."""

    kinds = forms.MultipleChoiceField(
        choices=[(kind, kind) for kind in KINDS],
        required=False,
        widget=forms.CheckboxSelectMultiple,
        label=_("Kinds"),
        help_text=_("None ticked: videos."),
    )

    class Meta:
        model = LinkRule
        widgets: ClassVar = {
            "target": forms.TextInput(attrs={"size": 60}),
            "strm_body": forms.Textarea(attrs={"rows": 2}),
        }
        fields = (
            "root", "enabled", "target", "mode", "strm_body", "kinds", "minimum_size", "companions", "collision",
            "discs", "trash_days",
        )  # fmt: skip
        help_texts = {  # noqa: RUF012
            "target": _("An empty folder outside of every root; it is laid out like the root."),
            "strm_body": _(
                "What a .strm says: {path}, {relative}, {name}, or percent-encoded {url_path}, {url_relative}."
            ),
            "minimum_size": _("Bytes; smaller videos (samples) are left out."),
            "trash_days": _("Removed links are kept so many days in .mediasync-trash; 0 removes them at once."),
        }


@admin.register(LinkRule)
class LinkRuleAdmin(ModelAdmin[LinkRule]):
    form = LinkRuleForm
    list_display = ("root", "enabled", "mode", "where", "built", "row_buttons")
    list_select_related = ("root",)

    @admin.display(description=_("Target"))
    def where(self, rule: LinkRule) -> SafeString:
        return path(rule.target)

    @admin.display(description=_("Complete since"))
    def built(self, rule: LinkRule) -> SafeString:
        return age(rule.built_at)

    @button(_("Check and repair"))
    def repair(self, request: HttpRequest, rule: LinkRule) -> StrOrPromise:
        job = link_services.repair(rule.root, actor=actor(request)).job
        return _("Job #%s checks the links.") % job.pk

    @button(_("Sweep"))
    def sweep(self, request: HttpRequest, rule: LinkRule) -> StrOrPromise:
        job = link_services.repair(rule.root, sweep=True, actor=actor(request)).job
        return _("Job #%s removes links that have lost their source.") % job.pk

    def save_model(self, request: HttpRequest, obj: LinkRule, form: Any, change: bool) -> None:
        for sentence in link_services.store_rule(obj):
            messages.warning(request, sentence)


@admin.register(Link)
class LinkAdmin(ReadOnlyAdmin[Link]):
    list_display = ("shown", "status", "how", "leads_to", "changed_at")
    list_filter = ("state", "how", "folder__rule__root")
    list_select_related = ("folder",)
    search_fields = ("folder__path", "name")
    ordering = ("-id",)

    @admin.display(description=_("Link"))
    def shown(self, link: Link) -> SafeString:
        return path(link.path)

    @admin.display(description=_("State"))
    def status(self, link: Link) -> SafeString:
        return badge(Link.State(link.state).label, TONES[link.state])

    @admin.display(description=_("Source"))
    def leads_to(self, link: Link) -> str:
        return for_people(link.content if link.how == Link.How.SYMLINK else link.source)
