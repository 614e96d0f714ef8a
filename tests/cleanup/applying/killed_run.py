"""Run by test_kills.py: one job of the clean-up in a process of its own, killed with SIGKILL at a given point.

``python killed_run.py FOLDER WHAT POINT COUNT``: WHAT is apply, restore or purge; POINT a key of POINTS, after whose
COUNT-th call the process dies ("never": it does not). Prints the states of the job and the run as JSON.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from typing import Any

import django

POINTS = {
    "manifest": ("cleanup.manifest", "Manifest", "lines"),
    "rename": ("cleanup.plexdata.safe", "Root", "rename"),
    "unlink": ("cleanup.plexdata.safe", "Root", "unlink"),
    "rmdir": ("cleanup.plexdata.safe", "Root", "rmdir"),
    "makedirs": ("cleanup.plexdata.safe", "Root", "makedirs"),
    "commit": ("cleanup.plexdata.methods", "TriggersOff", "apply"),  # Plex's database has it, ours does not know
    "stored": ("cleanup.apply_rows", None, "write"),
    "references": ("cleanup.apply_checks", "LiveReferences", "in_use"),
    "settled": ("cleanup.services", None, "move"),
    "copied": ("cleanup.quarantine_copy", None, "_compare"),
}


def die_after(point: str, count: int) -> None:
    module, owner, name = POINTS[point]
    holder: Any = __import__(module, fromlist=["x"])
    holder = getattr(holder, owner) if owner else holder
    original, calls = getattr(holder, name), [0]

    def counted(*args: Any, **named: Any) -> Any:
        found = original(*args, **named)
        calls[0] += 1
        if calls[0] == count:
            os.kill(os.getpid(), signal.SIGKILL)
        return found

    setattr(holder, name, counted)


if __name__ == "__main__":
    os.environ["DJANGO_SETTINGS_MODULE"] = "mediasync.settings"
    django.setup()

    from cleanup import apply_signals, services
    from cleanup.apply_verify import Verify
    from cleanup.asking import Answer
    from cleanup.models import PlanRow, Run
    from cleanup.plexdata.pms import Signs
    from mediasync.jobs.choices import TERMINAL
    from mediasync.jobs.drain import drain

    class Web:
        def ask(self, url: str, **_how: Any) -> Answer:
            return Answer(True, "", 206, "image/jpeg", 5000)

    Verify.asker = lambda self, scene: Web()  # type: ignore[method-assign,assignment,return-value]
    apply_signals.look = lambda folder, database, now: Signs(False)
    _folder, what, point, count = sys.argv[1:]
    run = Run.objects.select_related("job").get()
    kind = f"cleanup_{what}"
    going = run.job is not None and run.job.kind == kind and run.job.state not in TERMINAL
    job = run.job if going else getattr(services, what)(run).job
    if point != "never":
        die_after(point, int(count))
    job = drain(job.pk, threads=False)
    run.refresh_from_db()
    outcomes = sorted(PlanRow.objects.values_list("path", "item", "column", "outcome"), key=repr)
    sys.stdout.write(json.dumps({"job": job.state, "reason": job.reason_code, "run": run.state, "outcomes": outcomes}))
