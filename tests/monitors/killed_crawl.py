"""Run by test_crawl_kills.py: crawl in a process of its own that may be killed at any instruction of the database.

``python killed_crawl.py TREE STEPS [full]``: STEPS virtual machine instructions of SQLite (in tens) until SIGKILL;
0 never. Prints the state of the job and the changes as JSON.
"""

from __future__ import annotations

import json
import os
import signal
import sys

import django

if __name__ == "__main__":
    os.environ["DJANGO_SETTINGS_MODULE"] = "mediasync.settings"
    django.setup()

    from django.db import connection

    from mediasync.jobs import services
    from mediasync.jobs.choices import TERMINAL, JobState, Source
    from mediasync.jobs.drain import drain
    from mediasync.jobs.models import Job
    from monitors import exploring, looking, settling
    from monitors.listers import inline, processes
    from monitors.models import Change, Root

    exploring.FOLDERS, looking.FOLDERS, settling.AT_ONCE = 5, 3, 2
    inline.FOLDERS = processes.FOLDERS = 4
    root = Root.objects.get_or_create(path=sys.argv[1], defaults={"name": "tree", "max_removed_ratio": 1.0})[0]
    scope = {"root": root.pk, "full": True} if "full" in sys.argv else {"root": root.pk}
    job = Job.objects.exclude(state__in=TERMINAL).first() or services.submit("crawl", scope).job
    left = int(sys.argv[2])
    if left:

        def count() -> int:
            global left
            left -= 1
            if not left:
                os.kill(os.getpid(), signal.SIGKILL)
            return 0

        connection.ensure_connection()
        connection.connection.set_progress_handler(count, 10)
    if job.state == JobState.INTERRUPTED:  # it had five deaths without getting anywhere: a person says "go on"
        services.resume(job, actor="test", source=Source.CLI)
    job = drain(job.pk, threads=False)
    columns = ("kind", "state", "path", "old_path", "is_dir", "files", "size")
    changes = sorted(map(list, Change.objects.values_list(*columns)))
    sys.stdout.write(json.dumps({"state": job.state, "reason": job.reason_code, "changes": changes}))
