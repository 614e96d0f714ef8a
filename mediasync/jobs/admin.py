"""What people see of the engine: registered here, written in ``admin_*.py``."""

from . import admin_jobs, admin_logs, admin_queue, admin_schedules  # noqa: F401
