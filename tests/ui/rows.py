"""One row in every table, whatever tables there are: made from the fields themselves."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.db import connection, models
from django.utils import timezone

RIGHT = {  # what a constraint wants
    "jobs.Schedule": {"every": 60, "kind": "demo"},
    "jobs.Job": {"kind": "demo", "dedupe_key": "", "idempotency_key": None},
    "jobs.Stage": {"name": "one"},
    "jobs.EngineState": {"pk": 1},
    "django_q.OrmQ": {"key": "mediasync", "payload": "x"},
    "django_q.Task": {"success": False},
    "monitors.Root": {"path": "/srv/films"},
    "monitors.WatchLease": {"pk": 1},
    "servers.Server": {"url": "http://127.0.0.1:1", "kind": "plex"},
}
KEPT = {"contenttypes", "sessions"}  # have their rows from Django


def fill_every_table() -> dict[str, models.Model]:
    """Make a row in every table that has none and return one of each, by label."""
    made: dict[str, models.Model] = {}
    for model in apps.get_models():
        if model._meta.managed and not model._meta.proxy and model._meta.app_label not in KEPT:
            row(model, made)
    return made


def row(model: type[models.Model], made: dict[str, models.Model]) -> models.Model:
    """Return a row of this table, with the rows it points to."""
    label = model._meta.label
    if label in made:
        return made[label]
    known = model._default_manager.first()
    if known is None:
        values = {field.attname: value(field, made) for field in model._meta.concrete_fields if needed(field)}
        model._default_manager.bulk_create([model(**values | RIGHT.get(label, {}))])
        known = model._default_manager.first()
    assert known is not None
    made[label] = known
    return known


def needed(field: Any) -> bool:
    return not (isinstance(field, models.AutoField) or field.has_default() or field.null or field.blank)


def value(field: Any, made: dict[str, models.Model]) -> Any:
    """Return something that the field takes."""
    if field.remote_field:
        return row(field.remote_field.model, made).pk
    if field.choices:
        return field.choices[0][0]
    if isinstance(field, models.DateTimeField):
        return timezone.now()
    if isinstance(field, models.JSONField):
        return {}
    if isinstance(field, models.BooleanField):
        return True
    return 1 if isinstance(field, (models.IntegerField, models.FloatField)) else "x"


def everything() -> dict[str, list[tuple[Any, ...]]]:
    """Return all rows of all tables."""
    tables = {}
    with connection.cursor() as cursor:
        for name in sorted(connection.introspection.table_names(cursor)):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(name)}")
            tables[name] = sorted(cursor.fetchall(), key=repr)
    return tables
