"""What people see of the catalog: registered here, written in ``admin_*.py``."""

from . import admin_music, admin_playlists, admin_plugged, admin_reviews, admin_revisions, admin_uploads  # noqa: F401
