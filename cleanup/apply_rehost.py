"""The step that puts art from Media on an image host, so that its value can become a web address (rule C4)."""

from __future__ import annotations

import os
from collections.abc import Iterator

from django.utils.translation import gettext_lazy as _

from mediasync.jobs.registry import JSON, Context, Done, ItemInfo, JobInfo, Outcome, Planned, Skipped, Stage

from . import apply_rows, hosting
from .apply_open import open_root, scene
from .apply_rows import UPDATES, Row, Verdict
from .apply_verify import updates
from .choices import Klass
from .choices import Outcome as Became
from .hosts.base import MOST_BYTES, Uploads, type_of
from .models import PlanRow
from .plexdata import layout
from .plexdata.safe import Root

ROWS = 50  # of one item


class Rehost(Stage):
    """Upload each picture once and note its address in its rows; the next step asks that address."""

    name = "rehost"
    label = _("Put art on the image host")

    def plan(self, job: JobInfo, cursor: JSON) -> Iterator[Planned]:
        found = updates(job.scope["run"]).filter(klass=Klass.REHOST, new="")
        yield from apply_rows.items("pictures", found, cursor, ROWS)

    def run(self, item: ItemInfo, ctx: Context) -> Outcome:
        found = scene(ctx.job.scope["run"])
        rows = apply_rows.rows(found.run.pk, UPDATES, item.payload["first"], item.payload["last"], Became.PLANNED)
        rows = [row for row in rows if row.klass == Klass.REHOST and not row.new]
        if not rows:
            return Skipped("cleanup_nothing_left")
        host = found.folder.image_host
        if host is None:
            apply_rows.write(ctx, {row.id: Verdict(Became.SKIPPED, "no_image_host") for row in rows})
            return Skipped("cleanup_no_host")
        uploads = hosting.open_host(host)
        sent: dict[str, str | Verdict] = {}  # old value → address, or why there is none
        with open_root(found.data.root) as root:
            for row in rows:
                ctx.checkpoint()
                if row.old not in sent:
                    ctx.progress(row.old)
                    sent[row.old] = _upload(root, row, uploads)
                answer = sent[row.old]
                if isinstance(answer, Verdict):
                    apply_rows.write(ctx, {row.id: answer})
                else:
                    with ctx.transaction():
                        PlanRow.objects.filter(pk=row.id, new="").update(new=answer)
        return Done({"uploaded": sum(isinstance(each, str) for each in sent.values())})


def _upload(root: Root, row: Row, uploads: Uploads) -> str | Verdict:
    """Return the address of the picture that a row's value names, or why it has none; Transient is passed on."""
    ref = layout.parse(row.old)
    path = f"{layout.MEDIA}/{ref.rel}"
    if ref.scheme != "media" or layout.place_of(path) is None:
        return Verdict(Became.ERROR, "cleanup_bad_path")
    try:
        with os.fdopen(root.open_file(path), "rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError:
        return Verdict(Became.CHANGED, "gone")
    kind = type_of(data)
    if not kind or len(data) > MOST_BYTES:
        return Verdict(Became.SKIPPED, "no_picture")
    return uploads.upload(data, kind)
