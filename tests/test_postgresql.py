"""What differs between databases holds on PostgreSQL too: the same tests again, on a server of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import postgres

TOP = Path(__file__).resolve().parent.parent
AGAIN = [
    "tests/catalog/test_admin_pages.py",
    "tests/catalog/test_admin_playlists.py",
    "tests/catalog/test_admin_revisions.py",
    "tests/catalog/test_api.py",
    "tests/catalog/test_command.py",
    "tests/catalog/test_defaults.py",
    "tests/catalog/test_intake.py",
    "tests/catalog/test_dedupe.py",
    "tests/catalog/test_presence.py",
    "tests/catalog/test_collect.py",
    "tests/catalog/test_download.py",
    "tests/catalog/test_leaving.py",
    "tests/catalog/test_selectors.py",
    "tests/catalog/test_sync.py",
    "tests/catalog/test_sync_kills.py",
    "tests/catalog/test_playlist_file.py",
    "tests/catalog/test_reviews.py",
    "tests/catalog/test_rooms.py",
    "tests/catalog/test_upload.py",
    "tests/cleanup/applying/test_adversary_back.py",
    "tests/cleanup/applying/test_apply.py",
    "tests/cleanup/applying/test_back.py",
    "tests/cleanup/test_admin_runs.py",
    "tests/cleanup/test_crew.py",
    "tests/cleanup/test_command_apply.py",
    "tests/cleanup/test_hours.py",
    "tests/explain/test_arriving.py",
    "tests/explain/test_explain.py",
    "tests/explain/test_missing.py",
    "tests/jobs/test_conductor.py",
    "tests/jobs/test_leases.py",
    "tests/jobs/test_retention.py",
    "tests/jobs/test_services.py",
    "tests/jobs/test_slice_crashes.py",
    "tests/jobs/test_slice_flow.py",
    "tests/jobs/test_slice_requests.py",
    "tests/jobs/test_transitions.py",
    "tests/jobs/test_trees.py",
    "tests/monitors/accounts/test_clouddrive_budget.py",
    "tests/monitors/accounts/test_limits.py",
    "tests/monitors/gdrive/test_first.py",
    "tests/monitors/test_bulk.py",
    "tests/monitors/test_crawl.py",
    "tests/monitors/test_crawl_removals.py",
    "tests/monitors/test_desk.py",
    "tests/monitors/test_feeds.py",
    "tests/monitors/test_hints.py",
    "tests/monitors/test_hints_gone.py",
    "tests/monitors/test_hints_settling.py",
    "tests/monitors/test_hostile.py",
    "tests/monitors/test_intake.py",
    "tests/monitors/test_slow_slices.py",
    "tests/notify/test_conditions.py",
    "tests/notify/test_flow.py",
    "tests/notify/test_from_cause.py",
    "tests/notify/test_noticing.py",
    "tests/ondemand/test_services.py",
    "tests/scanning/test_arriving.py",
    "tests/scanning/test_away.py",
    "tests/scanning/test_costs.py",
    "tests/scanning/test_delivery.py",
    "tests/scanning/test_figures.py",
    "tests/scanning/test_link_build.py",
    "tests/scanning/test_rootless.py",
    "tests/scanning/test_scan_stage.py",
    "tests/scanning/test_windows.py",
    "tests/scanning/test_requests.py",
    "tests/servers/listeners/test_arrivals.py",
    "tests/servers/listeners/test_asking.py",
    "tests/scanning/test_verify.py",
    "tests/scanning/test_verify_killed.py",
    "tests/servers/test_library_scan.py",
    "tests/servers/test_limits.py",
    "tests/servers/test_tokens.py",
    "tests/test_metrics.py",
]


@pytest.mark.slow
@pytest.mark.xdist_group("processes")
@pytest.mark.skipif(postgres.binaries() is None, reason="PostgreSQL is not installed")
@pytest.mark.skipif("postgres" in os.environ.get("DATABASE_URL", ""), reason="these run on PostgreSQL already")
def test_it_holds_on_postgresql() -> None:
    missing = [path for path in AGAIN if not (TOP / path).is_file()]
    assert not missing
    environment = {name: value for name, value in os.environ.items() if name != "MEDIASYNC_MUST_NOT_SKIP"}
    with postgres.server() as url:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *AGAIN],
            cwd=TOP,
            env=environment | {"DATABASE_URL": url},  # a few tests are about SQLite alone and skip
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stdout[-4000:]
