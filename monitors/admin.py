"""What people see of roots: registered here, written in ``admin_*.py``."""

from . import admin_accounts, admin_changes, admin_feeds, admin_hints, admin_hooks, admin_payloads, admin_roots  # noqa: F401
