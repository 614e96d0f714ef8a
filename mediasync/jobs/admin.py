"""What people see of the engine: registered here, written in ``admin_*.py``."""

from . import admin_jobs  # noqa: F401
