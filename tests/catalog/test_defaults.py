"""Tests for what a new installation has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from catalog import defaults
from catalog.models import ConfigRevision, DownloadSource, Source
from tests.catalog import audio
from tests.catalog.downloading import download, library, locators, playlist

pytestmark = pytest.mark.django_db
SOURCES = {"file": True, "netease": False, "qq": False, "kuwo": False}


@pytest.fixture(autouse=True)
def _data(tmp_path: Path, settings: Any) -> None:
    settings.DATA_DIR = tmp_path / "data"


def test_a_new_installation_has_a_folder_of_its_own_and_asks_no_platform(tmp_path: Path) -> None:
    assert defaults.settle()
    assert dict(Source.objects.values_list("name", "enabled")) == SOURCES
    assert dict(DownloadSource.objects.values_list("name", "enabled")) == {"library": True}
    audio.write(tmp_path / "data/own-music/a.mp3", audio.mp3("Hello", "One"))
    library(tmp_path)
    playlist("one", ("Hello", "One"))
    assert download().job.state == "completed"
    assert locators() == ["library/One/Hello.mp3"]


def test_it_brings_back_nothing_that_was_removed() -> None:
    defaults.settle()
    Source.objects.all().delete()
    DownloadSource.objects.all().delete()
    assert not defaults.settle() and not Source.objects.exists()


def test_it_leaves_alone_what_was_set_up_before() -> None:
    Source.objects.create(name="netease", plugin="netease", enabled=True)
    assert not defaults.settle()
    assert not DownloadSource.objects.exists() and not ConfigRevision.objects.exists()


@pytest.mark.parametrize("kind", ["source", "downloadsource"])
def test_whoever_looks_first_finds_them(admin_client: Client, kind: str) -> None:
    page = admin_client.get(reverse(f"admin:catalog_{kind}_changelist"))
    assert page.status_code == 200
    assert dict(Source.objects.values_list("name", "enabled")) == SOURCES
    assert ("netease" if kind == "source" else "library") in page.content.decode()
