"""Forms: a root, and what a crawl looks at."""

from __future__ import annotations

from copy import copy
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from mediasync.core.errors import MediasyncError, Snooze, UsageError

from . import placing, services
from .filters import KINDS, translate
from .models import Root
from .scopes import check_crawl

KIND_LABELS = {
    "video": _("Video"),
    "audio": _("Audio"),
    "subtitle": _("Subtitles"),
    "image": _("Images"),
    "metadata": _("Metadata (nfo, cue, m3u …)"),
}
LABELS = {
    "enabled": _("In use"),
    "watch": _("Watch"),
    "lister": _("Read by"),
    "account": _("Account"),
    "remote_path": _("Folder in the account"),
    "mounted": _("It is on this machine"),
    "feed": _("Hears by"),
    "feed_every": _("Ask the feed every"),
    "poll_budget": _("Folders polled in a minute"),
    "every": _("Look every"),
    "reconcile_every": _("Full look every"),
    "hidden": _("Hidden files"),
    "must_be_mount": _("Must be a mount point"),
    "anchor": _("Anchor"),
    "minimum_entries": _("Least entries"),
    "max_removed_count": _("Most missing files"),
    "directory_mtime_moves": _("Folder times tell of changes"),
    "parallel": _("Listings at once"),
    "two_looks": _("Second look"),
    "second_look_after": _("Second look after"),
}
HELP = {
    "name": _("Empty: the name of the folder."),
    "path": _("The whole path, as this machine sees it. It may not lie in another root, nor hold one."),
    "watch": _("Hear of changes between two crawls."),
    "lister": _("A mounted folder is read like any other; the others read through the account, without a mount."),
    "account": _("The cloud that holds the folder, or what mounts it. It tells of changes, and reads where chosen."),
    "remote_path": _(
        "The same folder as the account names it. CloudDrive2: /115/TV. rclone: remote:TV. Google Drive: the folder's "
        "id, or its path from the root of the drive: /TV."
    ),
    "mounted": _("Off: nothing is at the folder on this machine, and it is read through the account."),
    "feed": _(
        "What fits best: an account that tells of changes; else the kernel on a local disk, and polling on network "
        "and FUSE mounts."
    ),
    "feed_every": _("Seconds between two questions, for feeds that ask; 0: as their kind."),
    "poll_budget": _("Of the folders that changed lately, more often; of the others in turn."),
    "every": _("Seconds between looks at what changed; 900 is a quarter of an hour, 0 is never."),
    "reconcile_every": _("Seconds between full looks at every folder; 604800 is a week, 0 is never."),
    "directory_mtime_moves": _("Off: the time of a folder says nothing of what is in it, so every look is a full one."),
    "parallel": _("Listings at once; 0: 1 on a local disk, 32 on network and FUSE mounts."),
    "two_looks": _("A missing file counts only after a second look. By file system: at once on a local disk."),
    "second_look_after": _("Seconds between the two looks."),
    "kinds": _("None chosen: every file."),
    "include": _("One pattern a line; nothing: all. *.mkv, Movies/**, {Movies,TV}/*"),
    "exclude": _("One pattern a line; wins over the patterns above. sample, *-trailer.*, Extras/"),
    "hidden": _("Names that begin with a dot, too."),
    "must_be_mount": _("The folder itself must be a mount point, else the root is down."),
    "anchor": _("A file or folder in it that is always there; without it the root is down."),
    "minimum_entries": _("Fewer entries in the folder look wrong; 0: it may be empty."),
    "max_removed_ratio": _("More than this share missing at once is held until you agree: 0.2 is a fifth, 1 is never."),
    "max_removed_count": _("More files than this missing at once are held until you agree; 0 holds every removal."),
}


class Globs(forms.CharField):
    """A list of patterns, one a line."""

    widget = forms.Textarea

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, strip=False, **{"widget": forms.Textarea(attrs={"rows": 3}), **kwargs})

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        return [line.strip() for line in (value or "").splitlines() if line.strip()]

    def validate(self, value: Any) -> None:
        for glob in value:
            try:
                translate(glob)
            except ValueError as error:
                raise ValidationError(str(error)) from None

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool((initial or []) != self.to_python(data))


class RootForm(forms.ModelForm[Root]):
    """A root; what is wrong with it is said at its field."""

    name = forms.CharField(label=_("Name"), required=False, max_length=100, help_text=HELP["name"])
    path = forms.CharField(
        label=_("Folder"), help_text=HELP["path"], strip=False, widget=forms.TextInput(attrs={"size": 60})
    )
    kinds = forms.MultipleChoiceField(
        label=_("Kinds of files"),
        choices=[(kind, KIND_LABELS[kind]) for kind in KINDS],
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=HELP["kinds"],
    )
    include = Globs(label=_("Only"), help_text=HELP["include"])
    exclude = Globs(label=_("Without"), help_text=HELP["exclude"])
    max_removed_ratio = forms.FloatField(
        label=_("Largest missing share"), initial=0.2, min_value=0, max_value=1, help_text=HELP["max_removed_ratio"]
    )

    class Meta:
        model = Root
        fields = (
            *("name", "path", "enabled", "watch", "every", "reconcile_every", "kinds", "include", "exclude", "hidden"),
            *("must_be_mount", "anchor", "minimum_entries", "max_removed_ratio", "max_removed_count"),
            *("directory_mtime_moves", "parallel", "two_looks", "second_look_after"),
            *("lister", "account", "remote_path", "mounted", "feed", "feed_every", "poll_budget"),
        )
        labels = LABELS
        help_texts = HELP
        widgets: ClassVar = {
            "anchor": forms.TextInput(attrs={"size": 40}),
            "remote_path": forms.TextInput(attrs={"size": 60}),
            "every": forms.NumberInput(),
            "reconcile_every": forms.NumberInput(),
        }

    def clean_path(self) -> str:
        path: str = self.cleaned_data["path"]
        if path == self.instance.path and self.instance.pk:
            return path  # its mount may be away just now
        mounted = bool(self.fields["mounted"].widget.value_from_datadict(self.data, self.files, "mounted"))
        try:
            return placing.check_path(path, but=self.instance if self.instance.pk else None, mounted=mounted)
        except UsageError as error:
            raise ValidationError(str(error)) from None

    def clean_anchor(self) -> str:
        try:
            return placing.below(self.cleaned_data["anchor"])
        except ValueError as error:
            raise ValidationError(str(error)) from None

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if not cleaned.get("name") and cleaned.get("path"):
            cleaned["name"] = self.instance.name or placing.free_name(cleaned["path"])
        if not self.errors:
            self._check_source(cleaned)
        return cleaned

    def _check_source(self, cleaned: dict[str, Any]) -> None:
        """Ask, before anything is written, whether the root can be read and heard like this."""
        twin = copy(self.instance)
        for name, value in cleaned.items():
            setattr(twin, name, value)
        try:
            services.check_feed(twin)
            if services.SOURCE & set(self.changed_data):
                placing.check_source(twin)
        except Snooze as error:
            raise ValidationError(_("The account may not be asked just now: %s") % error) from None
        except UsageError as error:
            raise ValidationError(str(error)) from None
        cleaned["remote_path"] = twin.remote_path


class CrawlForm(forms.Form):
    """What a crawl looks at; ``cleaned_data`` is the scope of its job."""

    root = forms.ModelChoiceField(label=_("Root"), queryset=Root.objects.order_by("name"))
    paths = Globs(label=_("Folders"), help_text=_("Below the root, one a line; none: all of it."))
    full = forms.BooleanField(label=_("List every folder"), required=False)
    dry_run = forms.BooleanField(label=_("Only say what changed"), required=False)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if self.errors:
            return cleaned
        try:
            return check_crawl({**cleaned, "root": cleaned["root"].pk})
        except MediasyncError as error:
            raise ValidationError(str(error)) from None
