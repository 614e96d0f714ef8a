"""Small schemas of our own that behave like Plex's: the same errors at the same statements, in three generations.

What stock SQLite cannot create (a tokenizer and a collation of Plex's own program) is put into ``sqlite_master`` by
hand, so that the file opens and then fails exactly where a real one does. Facts are of the reference, chapter D.1.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

BESIDE = Path(__file__).resolve().parents[4] / "shared" / "fixtures"
OLD = ("user_thumb_url", "user_art_url", "user_banner_url", "user_music_url")
NEW = (*OLD, "user_clear_logo_url", "user_square_art_url")
SEED = "-- @@SEED@@"

TABLES = """
PRAGMA page_size=1024;
PRAGMA encoding='UTF-8';
BEGIN;
CREATE TABLE schema_migrations (version varchar(255) NOT NULL);
CREATE TABLE library_sections (id INTEGER PRIMARY KEY AUTOINCREMENT, name varchar(255), section_type integer,
  agent varchar(255), scanner varchar(255), user_thumb_url varchar(255), user_art_url varchar(255),
  user_theme_music_url varchar(255), uuid varchar(255));
CREATE TABLE section_locations (id INTEGER PRIMARY KEY AUTOINCREMENT, library_section_id integer,
  root_path varchar(255), available boolean DEFAULT 't');
CREATE TABLE directories (id INTEGER PRIMARY KEY AUTOINCREMENT, library_section_id integer,
  parent_directory_id integer, path varchar(255));
CREATE TABLE metadata_items (id INTEGER PRIMARY KEY AUTOINCREMENT, library_section_id integer, parent_id integer,
  metadata_type integer, guid varchar(255), title varchar(255), title_sort varchar(255), original_title varchar(255),
  "index" integer, {columns}, user_fields varchar(255), hash varchar(255), refreshed_at dt_integer(8),
  changed_at integer(8) DEFAULT 0, deleted_at dt_integer(8));
CREATE TABLE media_items (id INTEGER PRIMARY KEY AUTOINCREMENT, library_section_id integer, metadata_item_id integer);
CREATE TABLE media_parts (id INTEGER PRIMARY KEY AUTOINCREMENT, media_item_id integer, directory_id integer,
  hash varchar(255), file varchar(255), "index" integer, size integer(8));
CREATE TABLE tags (id INTEGER PRIMARY KEY AUTOINCREMENT, metadata_item_id integer, tag varchar(255), tag_type integer,
  user_thumb_url varchar(255), user_art_url varchar(255), user_music_url varchar(255));
CREATE TABLE taggings (id INTEGER PRIMARY KEY AUTOINCREMENT, metadata_item_id integer, tag_id integer,
  "index" integer, text varchar(255), thumb_url varchar(255), extra_data varchar(255));
CREATE TABLE metadata_item_views (id INTEGER PRIMARY KEY AUTOINCREMENT, guid varchar(255), thumb_url varchar(255));
CREATE INDEX index_metadata_items_on_hash ON metadata_items (hash);
CREATE INDEX index_metadata_items_on_parent_id ON metadata_items (parent_id);
CREATE INDEX index_metadata_items_on_changed_at ON metadata_items (changed_at);
CREATE INDEX index_media_items_on_metadata_item_id ON media_items (metadata_item_id);
CREATE INDEX index_media_parts_on_hash ON media_parts (hash);
CREATE INDEX index_media_parts_on_media_item_id ON media_parts (media_item_id);
CREATE INDEX index_taggings_on_metadata_item_id ON taggings (metadata_item_id);
CREATE INDEX index_title_sort ON metadata_items (title_sort);
CREATE VIRTUAL TABLE fts4_metadata_titles USING fts4(content='metadata_items', title, title_sort, original_title);
CREATE VIRTUAL TABLE fts4_tag_titles USING fts4(content='tags', tag);
COMMIT;
"""
ICU_SHADOWS = """
CREATE TABLE fts4_{0}_titles_icu_segments (blockid INTEGER PRIMARY KEY, block BLOB);
CREATE TABLE fts4_{0}_titles_icu_segdir (level INTEGER, idx INTEGER, start_block INTEGER, leaves_end_block INTEGER,
  end_block INTEGER, root BLOB, PRIMARY KEY(level, idx));
CREATE TABLE fts4_{0}_titles_icu_docsize (docid INTEGER PRIMARY KEY, size BLOB);
CREATE TABLE fts4_{0}_titles_icu_stat (id INTEGER PRIMARY KEY, value BLOB);
"""
PUT = "INSERT INTO sqlite_master(type, name, tbl_name, rootpage, sql) VALUES('{}', '{}', '{}', 0, '{}');"
TITLES = "title, title_sort, original_title"


def own(generation: str = "G2", columns: Sequence[str] = NEW) -> str:
    """Return a schema with the triggers of G1, G2 or G3 as a script with a line ``@@SEED@@``."""
    first = TABLES.format(columns=", ".join(f"{name} varchar(255)" for name in columns))
    icu = generation != "G1"
    if icu:
        first += "".join(ICU_SHADOWS.format(what) for what in ("metadata", "tag"))
    return f"{first}\n{SEED}\nBEGIN;\nPRAGMA writable_schema=ON;\n{_second(generation, icu)}\nCOMMIT;\n" + (
        "PRAGMA writable_schema=RESET;\n"
    )


def _second(generation: str, icu: bool) -> str:
    end, collation = ("_icu", "icu_root") if icu else ("", "naturalsort")
    found = []
    if icu:
        for what, table, columns in (("metadata", "metadata_items", TITLES), ("tag", "tags", "tag")):
            name = f"fts4_{what}_titles_icu"
            sql = f"CREATE VIRTUAL TABLE {name} USING fts4(content={table!r}, {columns}, tokenize=collating 'root')"
            found.append(PUT.format("table", name, name, sql.replace("'", "''")))
    sql = f"CREATE INDEX index_title_sort ON metadata_items (title_sort COLLATE {collation})"
    found.append(f"UPDATE sqlite_master SET sql='{sql}' WHERE name='index_title_sort';")
    narrow = f" OF {TITLES}" if generation == "G3" else ""
    for table, what, columns in (("metadata_items", "metadata", TITLES), ("tags", "tag", "tag")):
        fts = f"fts4_{what}_titles{end}"
        new = ", ".join(f"new.{name}" for name in columns.split(", "))
        put = f"INSERT INTO {fts}(docid, {columns}) VALUES(new.rowid, {new});"
        take = f"DELETE FROM {fts} WHERE docid=old.rowid;"
        of = narrow if table == "metadata_items" else ""
        for when, event, body in (
            ("before_update", f"BEFORE UPDATE{of}", take),
            ("before_delete", "BEFORE DELETE", take),
            ("after_update", f"AFTER UPDATE{of}", put),
            ("after_insert", "AFTER INSERT", put),
        ):
            name = f"fts4_{what}_titles_{when}{end}"
            found.append(
                PUT.format("trigger", name, table, f"CREATE TRIGGER {name} {event} ON {table} BEGIN {body} END")
            )
    return "\n".join(found)


def fixture(name: str) -> str | None:
    """Return a real schema (``schema_2025.sql``) that lies beside the checkout, None where it is missing."""
    file = Path(os.environ.get("MEDIASYNC_FIXTURES", BESIDE)) / "plex" / name
    return file.read_text("utf-8") if file.is_file() else None


@cache
def _insert(table: str, names: tuple[str, ...]) -> str:
    columns = ", ".join(f'"{name}"' for name in names)
    return f'INSERT INTO "{table}" ({columns}) VALUES ({", ".join("?" * len(names))})'


def write(path: Path, script: str, rows: Mapping[str, Iterable[Mapping[str, Any]]], *, wal: bool = True) -> None:
    """Make the database ``path`` with these rows; columns that the schema lacks are left out."""
    first, _, second = script.partition(f"\n{SEED}")
    con = sqlite3.connect(path, isolation_level=None)
    con.executescript(first)
    con.execute("BEGIN")
    for table, each in rows.items():
        there = {row[1] for row in con.execute(f'PRAGMA table_info("{table}")')}
        for row in each:
            kept = {name: value for name, value in row.items() if name in there}
            con.execute(_insert(table, tuple(kept)), list(kept.values()))
    con.execute("COMMIT")
    con.executescript("-- " + second)
    con.close()
    if wal:
        con = sqlite3.connect(path)
        con.execute("PRAGMA journal_mode=WAL")
        con.close()
