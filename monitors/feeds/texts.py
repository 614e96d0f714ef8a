"""The sentences of feeds: which, why, and how they are."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from mediasync.jobs.registry import Text

TEXTS: dict[str, Text] = {
    # Which feed a root has, and why
    "feed_off": _("It is not watched: only crawls look"),
    "feed_chosen": _("Chosen by hand"),
    "feed_by_account": _("The account “%(account)s” tells of changes"),
    "feed_not_mounted": _("Nothing is mounted here and its account tells of no changes: it is crawled by schedule"),
    "feed_remote": _("The kernel does not hear what others do on %(type)s, so folders are asked for their times"),
    "feed_local": _("A local disk (%(type)s): the kernel tells of changes"),
    # How it is
    "feed_nobody": _("Nobody is listening: manage.py watch does not run"),
    "feed_failed": _("It failed: %(error)s"),
    "feed_watch_limit": _(
        "Only %(watched)s of %(folders)s folders are watched: the limit of inotify watches (%(limit)s) is reached, and "
        "%(needed)s are needed. Raise it: sysctl -w %(setting)s=%(wanted)s (for good: a line in "
        "/etc/sysctl.d/). Until then the root is polled, too"
    ),
    "feed_instance_limit": _(
        "The limit of inotify instances (%(limit)s) is reached. Raise it: sysctl -w "
        "%(setting)s=%(wanted)s (for good: a line in /etc/sysctl.d/). Until then the root is polled"
    ),
    # Self-test
    "test_heard": _("%(name)s: the file was written, and the feed heard of it after %(seconds)s s"),
    "test_heard_remote": _(
        "%(name)s: the feed heard of the file after %(seconds)s s. But this is %(type)s: what others do there, and not "
        "through this mount, the kernel never tells"
    ),
    "test_silent": _("%(name)s: the file was written, but the feed did not hear of it within %(seconds)s s"),
    "test_silent_remote": _(
        "%(name)s: the file was written, and nothing came within %(seconds)s s. On %(type)s that is expected: let it "
        "be polled, or give it an account that tells of changes"
    ),
    "test_time_moves": _(
        "%(name)s: the time of the folder moved when a file was written, so polling can see changes that are made "
        "through this mount. Whether it moves for changes made elsewhere depends on the provider"
    ),
    "test_time_rests": _(
        "%(name)s: the time of the folder did not move when a file was written. Switch off “Folder times tell of "
        "changes”: then folders are listed instead"
    ),
    "test_nobody": _("Nobody is listening: start manage.py watch (manage.py up does)"),
    "test_no_feed": _("%(name)s has no feed that could be tested: %(why)s"),
    "test_by_account": _("%(name)s hears by an account, and nothing is written there: test the account"),
    "test_feed_down": _("The feed of %(name)s does not work now: %(why)s"),
    "test_read_only": _("%(name)s cannot be tested: nothing can be written there (%(error)s)"),
    "test_hangs": _("%(name)s cannot be tested: its mount does not answer within %(seconds)s s"),
}
