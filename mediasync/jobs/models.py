"""The tables of the engine: they are the queue, the courier only wakes somebody up.

Job → Stage → Group → Item is the tree of the tables and of the page. ``Command`` rows ask, ``Event`` rows tell,
``Worker`` and ``SliceSlot`` show who does what now.

Who may write: *anybody* inserts Job and Command rows; the *conductor* changes Job, Stage and Item rows only while no
lease is live; a *slice* changes them only while it holds the lease, and fences each transaction by the epoch.

The states of a job and who moves it are the table in ``transitions.py``.
"""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone

from .choices import (
    WAITING,
    CommandState,
    ItemState,
    JobState,
    LaneMode,
    Level,
    OnError,
    Source,
    StageState,
    Trigger,
    Verb,
    WorkerState,
)


class Job(models.Model):
    """One piece of work: ``kind`` says what, ``scope`` on what, ``config`` is the snapshot of how."""

    created = models.DateTimeField(default=timezone.now)
    kind = models.CharField(max_length=50)
    title_code = models.CharField(max_length=100)
    title_params = models.JSONField(default=dict, blank=True)
    state = models.CharField(max_length=25, choices=JobState.choices, default=JobState.QUEUED)
    reason_code = models.CharField(max_length=100, blank=True)
    reason_params = models.JSONField(default=dict, blank=True)
    priority = models.IntegerField(default=50)
    trigger = models.CharField(max_length=20, choices=Trigger.choices, default=Trigger.MANUAL)
    actor = models.CharField(max_length=150, blank=True)
    scope = models.JSONField(default=dict, blank=True)
    config = models.JSONField(default=dict, blank=True)
    dedupe_key = models.CharField(max_length=200, blank=True)
    idempotency_key = models.CharField(max_length=200, null=True, blank=True, unique=True)
    parent = models.ForeignKey("self", models.SET_NULL, null=True, blank=True, related_name="children")
    rerun_of = models.ForeignKey("self", models.SET_NULL, null=True, blank=True, related_name="reruns")
    not_before = models.DateTimeField(null=True, blank=True)
    started = models.DateTimeField(null=True, blank=True)
    finished = models.DateTimeField(null=True, blank=True)

    # Delivery: see leases.py.
    epoch = models.PositiveIntegerField(default=0)
    lease_owner = models.CharField(max_length=100, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    handed_over_at = models.DateTimeField(null=True, blank=True)
    interruptions = models.PositiveIntegerField(default=0)
    attempt = models.PositiveIntegerField(default=1)
    auto_resume = models.BooleanField(default=True)

    # What the page shows without counting rows.
    total = models.PositiveIntegerField(default=0)
    total_final = models.BooleanField(default=False)
    done = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    skipped = models.PositiveIntegerField(default=0)
    rev = models.PositiveIntegerField(default=0)
    current = models.CharField(max_length=300, blank=True)
    rate = models.FloatField(default=0.0)

    class Meta:
        permissions: ClassVar = [("control_job", "Can pause, resume, cancel and retry jobs")]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["dedupe_key"],
                condition=Q(state__in=[str(s) for s in WAITING]) & ~Q(dedupe_key=""),
                name="jobs_one_waiting_per_key",
            )
        ]
        indexes: ClassVar = [
            models.Index(fields=["state", "priority", "id"], name="jobs_job_queue"),
            models.Index(fields=["finished"], name="jobs_job_finished"),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.kind}"


class JobLane(models.Model):
    """A lane that the job needs while it is active; occupancy is derived, never counted."""

    job = models.ForeignKey(Job, models.CASCADE, related_name="lanes")
    key = models.CharField(max_length=100)
    mode = models.CharField(max_length=10, choices=LaneMode.choices, default=LaneMode.SHARED)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["job", "key"], name="jobs_lane_once")]
        indexes: ClassVar = [models.Index(fields=["key"], name="jobs_lane_key")]


class Stage(models.Model):
    """One step of a job. ``name`` finds the code in the registry; the label comes from there too."""

    job = models.ForeignKey(Job, models.CASCADE, related_name="stages")
    seq = models.PositiveSmallIntegerField()
    name = models.CharField(max_length=50)
    state = models.CharField(max_length=25, choices=StageState.choices, default=StageState.PENDING)
    workers = models.PositiveSmallIntegerField(default=1)
    on_error = models.CharField(max_length=15, choices=OnError.choices, default=OnError.CONTINUE)
    stop_after = models.PositiveIntegerField(default=0)
    plan_cursor = models.JSONField(null=True, blank=True)
    planned = models.BooleanField(default=False)
    total = models.PositiveIntegerField(default=0)
    done = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    skipped = models.PositiveIntegerField(default=0)
    rev = models.PositiveIntegerField(default=0)
    result = models.JSONField(default=dict, blank=True)  # sums of what the items returned
    started = models.DateTimeField(null=True, blank=True)
    finished = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["job", "seq"], name="jobs_stage_once")]


class Group(models.Model):
    """Items that belong together on the page (a folder, a playlist, a server), with running counts."""

    stage = models.ForeignKey(Stage, models.CASCADE, related_name="groups")
    key = models.CharField(max_length=300)
    label = models.CharField(max_length=300, blank=True)
    total = models.PositiveIntegerField(default=0)
    done = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    skipped = models.PositiveIntegerField(default=0)
    running = models.PositiveIntegerField(default=0)
    rev = models.PositiveIntegerField(default=0)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["stage", "key"], name="jobs_group_once")]


class Item(models.Model):
    """The smallest thing that is done, retried and counted. Attempts are counted before the work."""

    stage = models.ForeignKey(Stage, models.CASCADE, related_name="items", db_index=False)
    group = models.ForeignKey(Group, models.CASCADE, null=True, related_name="items", db_index=False)
    key = models.CharField(max_length=500)
    state = models.CharField(max_length=15, choices=ItemState.choices, default=ItemState.PENDING)
    attempt = models.PositiveIntegerField(default=0)
    crashes = models.PositiveIntegerField(default=0)
    not_before = models.DateTimeField(null=True, blank=True)
    payload = models.JSONField(null=True, blank=True)
    cursor = models.JSONField(null=True, blank=True)
    result = models.JSONField(null=True, blank=True)
    error_code = models.CharField(max_length=100, blank=True)
    error_params = models.JSONField(null=True, blank=True)
    force = models.BooleanField(default=False)  # a forced retry: the stage skips its "unchanged" tests
    started = models.DateTimeField(null=True, blank=True)
    finished = models.DateTimeField(null=True, blank=True)
    rev = models.PositiveIntegerField(default=0)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["stage", "key"], name="jobs_item_once")]
        indexes: ClassVar = [
            models.Index(fields=["stage", "state", "id"], name="jobs_item_next"),
            models.Index(fields=["group", "key"], name="jobs_item_page"),
        ]

    @property
    def idem_key(self) -> str:
        """The key that outside effects carry, the same for every attempt."""
        return f"{self.stage_id}:{self.key}"


class Worker(models.Model):
    """One process that takes slices (or a command that drains a job by itself)."""

    host = models.CharField(max_length=200)
    boot = models.CharField(max_length=64)  # changes with every start of the machine or container
    pid = models.PositiveIntegerField()
    version = models.CharField(max_length=50, blank=True)
    state = models.CharField(max_length=10, choices=WorkerState.choices, default=WorkerState.STARTING)
    started = models.DateTimeField(default=timezone.now)
    beat_at = models.DateTimeField(default=timezone.now)
    stop_requested_at = models.DateTimeField(null=True, blank=True)
    rss = models.PositiveBigIntegerField(default=0)  # bytes

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["host", "boot", "pid"], name="jobs_worker_once")]

    @property
    def owner(self) -> str:
        """The text in ``Job.lease_owner`` that names this worker."""
        return f"{self.host}/{self.boot}/{self.pid}"


class SliceSlot(models.Model):
    """What one thread of a slice is busy with; rewritten at most once a second."""

    worker = models.ForeignKey(Worker, models.CASCADE, related_name="slots")
    job = models.ForeignKey(Job, models.CASCADE, related_name="slots")
    slot = models.PositiveSmallIntegerField()
    item_key = models.CharField(max_length=500, blank=True)
    text = models.CharField(max_length=300, blank=True)
    bytes_per_second = models.FloatField(default=0.0)
    updated = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["worker", "job", "slot"], name="jobs_slot_once")]


class Command(models.Model):
    """A request to the engine; ``job`` is empty for the engine as a whole."""

    created = models.DateTimeField(default=timezone.now)
    job = models.ForeignKey(Job, models.CASCADE, null=True, blank=True, related_name="commands")
    verb = models.CharField(max_length=20, choices=Verb.choices)
    args = models.JSONField(default=dict, blank=True)
    actor = models.CharField(max_length=150, blank=True)
    source = models.CharField(max_length=10, choices=Source.choices, default=Source.SYSTEM)
    state = models.CharField(max_length=10, choices=CommandState.choices, default=CommandState.PENDING)
    result_code = models.CharField(max_length=100, blank=True)
    result_params = models.JSONField(default=dict, blank=True)
    applied_at = models.DateTimeField(null=True, blank=True)
    idempotency_key = models.CharField(max_length=200, null=True, blank=True, unique=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["state", "id"], name="jobs_command_queue")]


class Event(models.Model):
    """What happened, as code and facts; the sentence is made when it is shown (``registry.text``)."""

    job = models.ForeignKey(Job, models.CASCADE, null=True, blank=True, related_name="events")
    stage = models.ForeignKey(Stage, models.SET_NULL, null=True, blank=True, related_name="events")
    item_key = models.CharField(max_length=500, blank=True)
    at = models.DateTimeField(default=timezone.now)
    level = models.PositiveSmallIntegerField(choices=Level.choices, default=Level.INFO)
    code = models.CharField(max_length=100)
    params = models.JSONField(default=dict, blank=True)
    actor = models.CharField(max_length=150, blank=True)  # who: a user, a worker, a schedule

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["job", "id"], name="jobs_event_job"),
            models.Index(fields=["level", "at"], name="jobs_event_level"),
        ]


class JobLog(models.Model):
    """The newest lines that were logged while the job was worked on (logs.py)."""

    job = models.OneToOneField(Job, models.CASCADE, primary_key=True, related_name="log")
    text = models.TextField()
    updated = models.DateTimeField(default=timezone.now)


class Schedule(models.Model):
    """When the conductor submits a job by itself: every N seconds, or by a cron line in a time zone."""

    name = models.CharField(max_length=100, unique=True)
    kind = models.CharField(max_length=50)
    scope = models.JSONField(default=dict, blank=True)
    config = models.JSONField(default=dict, blank=True)
    every = models.PositiveIntegerField(null=True, blank=True)  # seconds
    cron = models.CharField(max_length=100, blank=True)  # five fields
    timezone = models.CharField(max_length=50, default="UTC")
    enabled = models.BooleanField(default=True)
    owner = models.CharField(max_length=100, blank=True)  # "root:7" when a service keeps it; "" when a person does
    next_at = models.DateTimeField(null=True, blank=True)
    last_at = models.DateTimeField(null=True, blank=True)
    last_job = models.ForeignKey(Job, models.SET_NULL, null=True, blank=True, related_name="+")
    problem = models.CharField(max_length=300, blank=True)  # why it could not fire last time

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(every__isnull=False, cron="") | (Q(every__isnull=True) & ~Q(cron="")),
                name="jobs_schedule_every_or_cron",
            )
        ]
        indexes: ClassVar = [models.Index(fields=["enabled", "next_at"], name="jobs_schedule_due")]

    def __str__(self) -> str:
        return self.name


class EngineState(models.Model):
    """The single row (pk 1) of the engine: the panic button and the conductor's lease."""

    paused_all = models.BooleanField(default=False)
    paused_by = models.CharField(max_length=150, blank=True)
    paused_at = models.DateTimeField(null=True, blank=True)
    conductor = models.CharField(max_length=100, blank=True)
    conductor_until = models.DateTimeField(null=True, blank=True)
    last_tick = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [models.CheckConstraint(condition=Q(pk=1), name="jobs_engine_single_row")]
