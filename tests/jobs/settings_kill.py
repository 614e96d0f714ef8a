"""Settings for tests that start and kill real processes: the project's own, with a kind to be killed in."""

from __future__ import annotations

from mediasync.settings import *  # noqa: F403
from mediasync.settings import INSTALLED_APPS as _apps

INSTALLED_APPS = [*_apps, "tests.jobs.kinds.KindsConfig"]
