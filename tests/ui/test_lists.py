"""Lists on phones: no head of the table is shown there, so each cell says what it is."""

from __future__ import annotations

import re

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from .rows import fill_every_table

CELL = re.compile(r"<t[dh][^>]*>")
SAID = re.compile(r"data-label=|data-none|action-checkbox|field-row_buttons")


@pytest.mark.django_db
def test_every_cell_of_every_list_has_a_label(client: Client) -> None:
    client.force_login(User.objects.create_superuser("boss"))
    fill_every_table()
    reverse("admin:index")  # loads all admins
    labels = set()
    for model in admin.site._registry:
        address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        page = client.get(address).content.decode()
        row = page.partition('id="result_list"')[2].partition("<tbody>")[2].partition("</tr>")[0]
        bare = [cell for cell in CELL.findall(row) if not SAID.search(cell)]
        assert len(bare) <= 1, (address, bare)  # the name of the row
        labels |= set(re.findall(r'data-label="([^"]+)"', row))
    assert {"Gaps", "Events", "Due"} <= labels and all(label[0].isupper() for label in labels)
