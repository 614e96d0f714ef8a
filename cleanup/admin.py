"""The clean-up in the admin, one module a table."""

from . import admin_folders, admin_hosts, admin_rows, admin_runs  # noqa: F401
