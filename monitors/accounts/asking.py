"""Threads that ask an account: its limit stands in the database, so each of them has a connection to it."""

from __future__ import annotations

from django.db import connections

from monitors.listers.threads import Threads


class Asking(Threads):
    """A crew like ``Threads``, which leaves no connection behind."""

    def _work(self) -> None:
        try:
            super()._work()
        finally:
            connections.close_all()
