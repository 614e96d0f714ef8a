"""``manage.py catalog``: collect, synchronise, download, upload and export music from a shell."""

from __future__ import annotations

import json
import os
import shutil
from argparse import ArgumentParser
from contextlib import suppress
from dataclasses import asdict
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError, ProgrammingError

from catalog import bundles, dedupe, defaults, exporting, finding, playlist_file, presence, rooms, uploads
from catalog.management.running import Runner
from catalog.models import Playlist, StorageBackend
from mediasync.core.errors import MediasyncError, NotFound, UsageError
from mediasync.core.paths import for_people, from_argument, to_bytes

EXITS = """
Exit codes: 0 well, 1 failed, 2 usage, 3 done with errors, 4 refused, 5 not found, 6 a person must act, 75 no worker
or no database now.
"""
OBJECT = ("endpoint", "region", "base_prefix", "addressing_style", "public_base_url", "credential_env_prefix")
OPTIONS: dict[str, dict[str, Any]] = {
    "--sources": {"default": "", "metavar": "A,B", "help": "only these sources of playlists"},
    "--download-sources": {"default": "", "metavar": "A,B", "help": "only these sources of files, in this order"},
    "--playlist-ids": {"default": "", "metavar": "1,2", "help": "only these playlists"},
    "--wanted": {"action": "store_true", "help": "only playlists on the wanted list"},
    "--limit": {"type": int, "metavar": "N", "help": "at most so many: begin with a few"},
    "--workers": {"type": int, "metavar": "N", "help": "so many at once"},
    "--library-root": {"metavar": "PATH", "help": "folder for new files"},
    "--enqueue": {"action": "store_true", "help": "leave it to the worker and return at once"},
}
JOB = ("--limit", "--workers", "--enqueue")
DOWNLOAD = ("--library-root", "--download-sources", "--playlist-ids", "--wanted")


class Command(BaseCommand):
    """See the module's docstring; each subcommand is a method."""

    help = "Collect, synchronise, download, upload and export music." + EXITS
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        verbs = parser.add_subparsers(
            dest="do",
            required=True,
            metavar="init-db|collect|sync|download|run|register-object-backend|upload|export|dedupe|presence",
        )
        self._verb(verbs, "init-db", "set up the database, and the folder for music", "--library-root")
        self._verb(verbs, "collect", "find playlists in squares and toplists", "--sources", "--enqueue")
        self._verb(verbs, "sync", "read the songs of playlists", "--sources", "--playlist-ids", "--wanted", *JOB)
        self._verb(verbs, "download", "download the songs that are not here", "--sources", *DOWNLOAD, *JOB)
        run = self._verb(verbs, "run", "collect, synchronise and download", "--sources", *DOWNLOAD, *JOB)
        run.add_argument("--playlist-file", metavar="FILE", help="do not collect: only the playlists in this file")
        backend = self._verb(verbs, "register-object-backend", "make an object storage known, or change it")
        backend.add_argument("--backend", required=True, metavar="NAME")
        backend.add_argument("--bucket", required=True)
        for name in OBJECT:
            backend.add_argument(f"--{name.replace('_', '-')}", default="", metavar="X")
        upload = self._verb(verbs, "upload", "upload what a backend lacks", "--sources", "--playlist-ids", *JOB)
        upload.add_argument("--backend", metavar="NAME", help="where to (default: what the settings OBJECT_… name)")
        upload.add_argument("--verify", action="store_true", help="look on the backend instead of trusting our rows")
        export = self._verb(verbs, "export", "refresh the folders of playlists, or pack them", "--playlist-ids")
        export.add_argument("--zip", metavar="FILE", help="pack them into this file; refused unless all songs are here")
        dupes = self._verb(verbs, "dedupe", "keep one of the copies of each file")
        dupes.add_argument("--dry-run", action="store_true", help="only say what would go")
        there = self._verb(verbs, "presence", "which songs are on which backend")
        there.add_argument("--rebuild", action="store_true", required=True, help="derive it anew from the files")

    @staticmethod
    def _verb(verbs: Any, name: str, text: str, *options: str) -> Any:
        parser = verbs.add_parser(name, help=text, description=text.capitalize() + ".")
        for option in options:
            parser.add_argument(option, **OPTIONS[option])
        parser.add_argument("--json", action="store_true", help="one JSON document")
        return parser

    def handle(self, *args: Any, **options: Any) -> None:
        self.options = options
        try:
            code = getattr(self, f"_{options['do'].replace('-', '_')}")()
        except MediasyncError as error:
            raise CommandError(for_people(str(error)), returncode=error.exit_code) from error
        except (OperationalError, ProgrammingError) as error:
            if "no such table" in str(error) or "does not exist" in str(error):
                text = "The database is not set up. Do it: manage.py catalog init-db"
                raise CommandError(text, returncode=2) from error
            raise CommandError(f"The database cannot answer now: {error}.", returncode=75) from error
        if code:
            raise SystemExit(code)

    # -- Jobs

    def _init_db(self) -> int:
        settings.DATA_DIR.mkdir(parents=True, exist_ok=True)  # SQLite makes its file, not the folder
        call_command("migrate", verbosity=0)
        facts: dict[str, Any] = {"ready": True}
        if defaults.settle():
            facts["sources"] = "library, file"
        if self.options["library_root"]:
            folder = rooms.backend_for(from_argument(self.options["library_root"]))
            if not StorageBackend.objects.filter(is_default=True).exists():
                StorageBackend.objects.filter(pk=folder.pk).update(is_default=True)
            facts |= {"backend": folder.name, "folder": for_people(folder.container_name)}
        return self._say(facts, *[f"{name}: {value}" for name, value in facts.items()])

    def _collect(self) -> int:
        return self._job("collect_only")

    def _sync(self) -> int:
        return self._job("sync_only")

    def _download(self) -> int:
        return self._job("download_only")

    def _run(self) -> int:
        if not self.options["playlist_file"]:
            return self._job("catalog_sync")
        if self.options["playlist_ids"] or self.options["wanted"]:
            raise UsageError("A playlist file says itself which playlists: leave --playlist-ids and --wanted out.")
        taken = playlist_file.take_file(from_argument(self.options["playlist_file"]))
        for line, text in taken.problems:
            self.stderr.write(f"line {line}: {text}")
        if not taken.playlists:
            raise UsageError("No playlist in this file can be used.", code="no_playlists")
        code = self._job("sync_download", playlists=taken.playlists, sources="")
        return code or (3 if taken.problems else 0)

    def _upload(self) -> int:
        backend: Any = self.options["backend"]
        if not backend:
            registered = uploads.register_from_settings()
            backend = registered.pk if registered else None
        return self._job("upload_only", backend=backend)

    def _job(self, kind: str, **more: Any) -> int:
        names = ("sources", "download_sources", "wanted", "limit", "workers", "verify")
        scope = {name: self.options[name] for name in names if self.options.get(name)}
        if self.options.get("playlist_ids"):
            scope["playlists"] = self._playlists()
        if self.options.get("library_root"):
            scope["root"] = rooms.backend_for(from_argument(self.options["library_root"])).pk
        scope = {name: value for name, value in (scope | more).items() if value}
        return Runner(self, enqueue=self.options["enqueue"], as_json=self.options["json"]).run(kind, scope)

    # -- The rest

    def _register_object_backend(self) -> int:
        config = {name: self.options[name] for name in OBJECT}
        backend, new = uploads.register_object_backend(self.options["backend"], self.options["bucket"], **config)
        said = "is new" if new else "was known, and is as you said now"
        facts = {"backend": backend.name, "id": backend.pk, "new": new}
        return self._say(facts, f"{backend.name} {said}.")

    def _export(self) -> int:
        ids = self._playlists() or list(Playlist.objects.order_by("pk").values_list("pk", flat=True))
        if self.options["zip"]:
            return self._zip(ids)
        made = [(row, exporting.refresh(row)) for row in Playlist.objects.filter(pk__in=ids).order_by("pk")]
        facts = [asdict(each) | {"playlist": row.pk, "path": for_people(each.path)} for row, each in made]
        lines = [f"{for_people(each.path)}: {each.files} files, {each.missing} are not here" for _row, each in made]
        return self._say({"folders": facts}, *lines)

    def _zip(self, ids: list[int]) -> int:
        made = bundles.make(ids)
        path = from_argument(self.options["zip"])
        target, shown = to_bytes(path), for_people(path)
        part = target + b".part"
        if os.path.lexists(target) and not os.path.isfile(target):
            raise UsageError(f"{shown} is there, and is no file.", code="bad_file")
        try:
            shutil.copyfile(bundles.find(made.name), part)
            os.replace(part, target)
        except OSError as error:
            with suppress(OSError):
                os.unlink(part)
            raise UsageError(f"{shown}: {error.strerror}.", code="bad_file") from None
        return self._say({"file": shown, "size": made.size}, f"{shown}: {made.size} bytes")

    def _dedupe(self) -> int:
        if not self.options["dry_run"]:
            done = dedupe.run()
            text = f"{done.inactive} copies of {done.groups} files taken away, {done.freed} bytes are free."
            return self._say(asdict(done), text, *done.problems) or (3 if done.problems else 0)
        groups = dedupe.scan()
        lines = []
        for group in groups:
            lines.append(f"{group.song}: {for_people(group.keep.locator)} stays")
            lines += [f"    {for_people(copy.locator)} would go" for copy in group.drop]
        return self._say({"groups": [group.as_json() for group in groups]}, *lines, f"{len(groups)} files lie twice.")

    def _presence(self) -> int:
        wrong = presence.rebuild()
        return self._say({"changed": wrong}, f"{wrong} rows were wrong.")

    # -- Pieces

    def _playlists(self) -> list[int]:
        """Return the playlists that were named; UsageError, NotFound."""
        text = self.options.get("playlist_ids") or ""
        parts = [part.strip() for part in text.split(",") if part.strip()]
        if wrong := [part for part in parts if not part.isdecimal()]:
            raise UsageError(f"Playlists are named by their numbers, not {wrong[0]!r}.", code="bad_playlist")
        ids = finding.numbers(text)
        if text and not ids:
            raise UsageError("No playlist is named: leave --playlist-ids out for all.", code="no_playlists")
        there = set(Playlist.objects.filter(pk__in=ids).values_list("pk", flat=True))
        if missing := [pk for pk in ids if pk not in there]:
            raise NotFound(f"There is no playlist {missing[0]}.", code="no_playlist", playlist=missing[0])
        return ids

    def _say(self, facts: dict[str, Any], *lines: str) -> int:
        if self.options["json"]:
            self.stdout.write(json.dumps(facts, ensure_ascii=False))
        else:
            for line in lines:
                self.stdout.write(line)
        return 0
