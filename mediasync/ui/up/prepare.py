"""Everything that must be true before the first process starts; each step says what it did, or nothing."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Callable
from pathlib import Path

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from mediasync.backup import backup, prune
from mediasync.core.clock import system

KEEP_BACKUPS = 5
Say = Callable[[str], None]


def folders() -> None:
    """Make the data folder; only the owner may look into it."""
    settings.DATA_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)


def migrate(say: Say, *, keep_backup: bool = True) -> None:
    """Bring the database to this version, after a backup if it holds anything."""
    executor = MigrationExecutor(connection)
    pending = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if not pending:
        return
    if keep_backup and executor.loader.applied_migrations:
        place = settings.DATA_DIR / "backups"
        say(f"Backup before {len(pending)} migrations: {_backup(place)}")
    call_command("migrate", interactive=False, verbosity=0)
    say(f"Database ready ({len(pending)} migrations applied).")


def _backup(place: Path) -> Path:
    made = backup(settings.DATABASES["default"], place, now=system.now(), label="before-migrations")
    prune(place, label="before-migrations", keep=KEEP_BACKUPS)
    return made


def first_admin(say: Say) -> None:
    """Make the user ``admin`` with a random password if there is no superuser yet; the password is shown this once."""
    users = get_user_model()
    if users.objects.filter(is_superuser=True).exists():
        return
    name = next(
        n for n in ("admin", *(f"admin{i}" for i in range(2, 100))) if not users.objects.filter(username=n).exists()
    )
    password = secrets.token_urlsafe(12)
    users.objects.create_superuser(name, password=password)
    say(f"\n  First admin made. It is shown only now:\n\n    user      {name}\n    password  {password}\n")


def static_files() -> None:
    """Collect the static files unless the collected ones are of exactly these sources."""
    mark = Path(settings.STATIC_ROOT) / ".sources"
    print_now = _fingerprint()
    if mark.is_file() and mark.read_text() == print_now:
        return
    call_command("collectstatic", interactive=False, verbosity=0, clear=True)
    mark.write_text(print_now)


def _fingerprint() -> str:
    digest = hashlib.sha256()
    for finder in get_finders():
        for name, storage in finder.list([]):
            status = os.stat(storage.path(name))
            digest.update(f"{name}\0{status.st_size}\0{status.st_mtime_ns}\n".encode())
    return digest.hexdigest()
