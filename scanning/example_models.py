"""Examples of the mapping rules: paths of which a person said "this is right"."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils import timezone


class MappingExample(models.Model):
    """A path as it arrives and what the rules made of it when a person saved it. Judged anew whenever it is shown.

    ``expected`` holds, by the id of a server as text, the path as that server sees it, or ``"!code"`` where the rules
    give none (codes of ``texts.py``). ``local`` is the path here ("" if the source's rules give none).
    """

    source = models.CharField(max_length=50, blank=True)  # "": a path of this machine
    path = models.TextField()
    local = models.TextField(blank=True)
    expected = models.JSONField(default=dict)
    saved_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["source", "path"], name="scanning_example_once")]

    def __str__(self) -> str:
        return f"{self.source}: {self.path}" if self.source else self.path
