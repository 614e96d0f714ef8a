"""What people may do with listeners; the watcher acts on it within some seconds."""

from __future__ import annotations

from django.db import transaction

from mediasync.servers.models import KnownItem, Listener


def switch(row: Listener, on: bool) -> None:
    """Listen to a server, or do not."""
    Listener.objects.filter(pk=row.pk).update(enabled=on)


def restart(row: Listener) -> None:
    """Have it connect anew."""
    Listener.objects.filter(pk=row.pk).update(restart=True)


@transaction.atomic
def begin_anew(row: Listener) -> None:
    """Forget what the server is known to have: its next look is a first one, which calls nothing new."""
    KnownItem.objects.filter(server=row.server_id).delete()
    Listener.objects.filter(pk=row.pk).update(begun_at=None, asked_until=None, restart=True)
