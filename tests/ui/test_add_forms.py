"""A form for something new begins with the defaults of its columns: nobody should have to invent them."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.db.models import NOT_PROVIDED, Model
from django.test import RequestFactory
from django.urls import get_resolver

get_resolver().url_patterns  # noqa: B018  (loads the admin)
ADMINS = sorted(admin.site._registry.items(), key=lambda pair: pair[0]._meta.label)


@pytest.mark.django_db
@pytest.mark.parametrize(("model", "model_admin"), ADMINS, ids=[model._meta.label for model, _ in ADMINS])
def test_its_form_begins_with_the_defaults(model: type[Model], model_admin: Any, rf: RequestFactory) -> None:
    request = rf.get("/")
    request.user = User.objects.create_superuser("boss")
    if not model_admin.has_add_permission(request):
        return
    form = model_admin.get_form(request)()
    for field in model._meta.fields:
        if (
            field.name in form.fields
            and field.default is not NOT_PROVIDED
            and field.get_default() not in (None, "", [])
        ):
            shown = form.get_initial_for_field(form.fields[field.name], field.name)
            assert shown not in (None, ""), f"{field.name} is empty, its default is {field.default!r}"
