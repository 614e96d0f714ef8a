"""Watched roots, their snapshots and what changed in them."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class MonitorsConfig(AppConfig):
    name = "monitors"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = _("Libraries")

    def ready(self) -> None:
        from mediasync.jobs.registry import JobKind, register

        from . import scopes
        from .release_stage import Release, check_release
        from .texts import TEXTS

        try:
            from .stages import Crawl
        except ModuleNotFoundError:
            return
        register(
            JobKind(
                name="crawl",
                label=_("Crawl"),
                stages=(Crawl(),),
                lanes=scopes.root_lane,
                title=scopes.crawl_title,
                check_scope=scopes.check_crawl,
                form="monitors.forms.CrawlForm",
                texts=TEXTS,
            )
        )
        register(
            JobKind(
                name="release",
                label=_("Release held removals"),
                stages=(Release(),),
                lanes=scopes.root_lane,
                title=scopes.release_title,
                check_scope=check_release,
                permission="monitors.change_change",
            )
        )
