"""Forms: a playlist, playlists from a file, another folder when one is full, and what a job is to do."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from mediasync.core.errors import MediasyncError

from . import scopes, timing
from .models import DownloadSource, Playlist, Source, StorageBackend
from .playlist_file import LARGEST


class PlaylistForm(forms.ModelForm[Playlist]):
    """What people decide about a playlist."""

    every_hours = forms.IntegerField(
        label=_("Synchronise every (hours)"),
        required=False,
        min_value=0,
        max_value=24 * 366,
        help_text=_("By itself, and download what is new. Empty or 0: never by itself."),
    )

    class Meta:
        model = Playlist
        fields = ("wanted", "mode")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk and "every_hours" in self.fields:
            self.fields["every_hours"].initial = timing.every(self.instance) // 3600 or None


class IntakeForm(forms.Form):
    """Playlists, one a line, or a file of them."""

    file = forms.FileField(label=_("File"), required=False, help_text=_("Lines of addresses, M3U, XSPF or JSPF."))
    text = forms.CharField(
        label=_("Or addresses, one a line"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 8}),
        help_text=_("An address, or “platform,address”. Empty lines, and those that begin with #, are left out."),
    )
    download = forms.BooleanField(label=_("Download their songs too"), required=False, initial=True)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        given, text = cleaned.get("file"), cleaned.get("text", "")
        if self.errors:
            return cleaned
        if bool(given) == bool(text.strip()):
            raise ValidationError(_("Give a file or some lines."))
        if given and given.size > LARGEST:
            raise ValidationError(_("The file is too large."))
        cleaned["content"] = given.read() if given else text.encode()
        cleaned["name"] = given.name if given else ""
        return cleaned


class RoomForm(forms.Form):
    """Another folder for a job that has no room left."""

    folder = forms.CharField(
        label=_("Another folder"),
        max_length=4000,
        widget=forms.TextInput(attrs={"class": "vTextField"}),
        help_text=_("The whole path; it may be on another disk. Files that are still to come go there."),
    )


class JobForm(forms.Form):
    """What a job of the catalog is to do; all of it may be left empty."""

    sources = forms.MultipleChoiceField(
        label=_("Sources of playlists"), required=False, help_text=_("None: all that are switched on.")
    )
    playlists = forms.CharField(
        label=_("Playlists"), required=False, help_text=_("Their numbers, separated by commas. Empty: all.")
    )
    wanted = forms.BooleanField(label=_("Only wanted playlists"), required=False)
    download_sources = forms.MultipleChoiceField(
        label=_("Download sources"), required=False, help_text=_("None: all that are switched on, in their order.")
    )
    root = forms.ModelChoiceField(
        StorageBackend.objects.filter(kind=StorageBackend.Kind.LOCAL),
        label=_("Folder for new files"),
        required=False,
    )
    backend = forms.ModelChoiceField(
        StorageBackend.objects.exclude(kind=StorageBackend.Kind.LOCAL), label=_("Upload to"), required=False
    )
    limit = forms.IntegerField(
        label=_("At most"), required=False, min_value=0, help_text=_("Begin with a few to see whether all is well.")
    )
    workers = forms.IntegerField(label=_("At once"), required=False, min_value=0, max_value=64)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, model in (("sources", Source), ("download_sources", DownloadSource)):
            field = self.fields[name]
            assert isinstance(field, forms.MultipleChoiceField)
            names = model._default_manager.filter(enabled=True).values_list("name", flat=True)
            field.choices = [(each, each) for each in names]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        scope: dict[str, Any] = {name: value for name, value in cleaned.items() if value}
        for name in ("root", "backend"):
            if scope.get(name):
                scope[name] = scope[name].pk
        try:
            return scopes.check_scope(scope)
        except MediasyncError as error:
            raise ValidationError(str(error)) from None
