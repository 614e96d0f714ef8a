"""Filters of change lists that stand above the list as tabs."""

from __future__ import annotations

from django.contrib import admin


class TabFilter(admin.SimpleListFilter):
    """A SimpleListFilter shown as a row of tabs; "All" is added by Django."""

    template = "ms/tabs.html"
    tabs = True  # templates/admin/change_list.html puts it above the list
