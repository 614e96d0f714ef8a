"""What the catalog tells those that it may not know: who connects is in ``mediasync/wiring.py``."""

from __future__ import annotations

from django.dispatch import Signal

stored = Signal()
"""Sent with ``paths`` (absolute stored text) when files came to lie there, in the transaction that notes them."""

removed = Signal()
"""Sent with ``paths`` (absolute stored text) when files were taken away from there."""
