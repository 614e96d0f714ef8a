"""Watched roots, their snapshots and what changed in them."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class MonitorsConfig(AppConfig):
    name = "monitors"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = _("Libraries")

    def ready(self) -> None:
        from mediasync.jobs.registry import JobKind, register, register_texts

        from . import scopes
        from .accounts.gdrive_texts import TEXTS as GDRIVE_TEXTS
        from .accounts.rclone_texts import TEXTS as RCLONE_TEXTS
        from .accounts.texts import TEXTS as ACCOUNT_TEXTS
        from .feeds.texts import TEXTS as FEED_TEXTS
        from .held_stage import Held, check_held
        from .hints.texts import TEXTS as HINT_TEXTS
        from .stages import Crawl
        from .texts import TEXTS
        from .triggers.texts import TEXTS as HOOK_TEXTS

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
                name="held",
                label=_("Held removals"),
                stages=(Held(),),
                lanes=scopes.root_lane,
                title=scopes.held_title,
                check_scope=check_held,
                permission="monitors.change_change",
            )
        )
        register_texts(ACCOUNT_TEXTS)
        register_texts(GDRIVE_TEXTS)
        register_texts(HINT_TEXTS)
        register_texts(HOOK_TEXTS)
        register_texts(RCLONE_TEXTS)
        register_texts(FEED_TEXTS)
