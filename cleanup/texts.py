"""Sentences for the codes of the clean-up: reasons, refusals, titles and events."""

from __future__ import annotations

from collections.abc import Mapping

from mediasync.jobs.registry import Text

TEXTS: Mapping[str, Text] = {}
