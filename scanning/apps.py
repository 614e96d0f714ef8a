"""Changes become links, and scans of servers."""

from dataclasses import replace

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ScanningConfig(AppConfig):
    name = "scanning"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = _("Scans")

    def ready(self) -> None:
        from mediasync.jobs.registry import JobKind, register, register_texts
        from monitors import scopes
        from monitors.stages import Crawl

        from . import kinds, link_stage, repairs, server_stages, stages, verify_texts
        from .texts import TEXTS

        register_texts(TEXTS)
        register_texts(verify_texts.TEXTS)
        register(
            JobKind(
                name="scan",
                label=_("Scan"),
                stages=(stages.Scan(),),
                lanes=kinds.scan_lanes,
                title=kinds.scan_title,
                check_scope=kinds.check_scan,
                form="scanning.forms.ScanForm",
                permission="scanning.add_scanrequest",
            )
        )
        register(
            JobKind(
                name="deliver",
                label=_("Tell a server"),
                stages=(server_stages.Deliver(),),
                lanes=kinds.server_lane,
                precondition=kinds.can_deliver,
                title=kinds.deliver_title,
                check_scope=kinds.check_server,
                permission="scanning.add_scanrequest",
            )
        )
        register(
            JobKind(
                name="verify",
                label=_("Ask what a server knows"),
                stages=(server_stages.Verify(),),
                lanes=kinds.server_lane,
                precondition=kinds.can_deliver,
                title=kinds.verify_title,
                check_scope=kinds.check_server,
                permission="scanning.add_scanrequest",
            )
        )
        links = (*link_stage.KIND.stages, repairs.TellRepairs())
        register(replace(link_stage.KIND, stages=links))
        register(
            JobKind(
                name="sync",
                label=_("Synchronise"),
                stages=(Crawl(), *links, stages.Scan()),
                lanes=scopes.root_lane,
                title=kinds.sync_title,
                check_scope=scopes.check_crawl,
                form="monitors.forms.CrawlForm",
            )
        )
