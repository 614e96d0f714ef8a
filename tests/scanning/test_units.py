"""What each kind of server is asked about."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from scanning.units import Unit, climb, is_ignored, unit_for


def never(_path: str) -> bool:
    return False


def always(_path: str) -> bool:
    return True


def only(*there: str) -> Callable[[str], bool]:
    return lambda path: path in there


def change(below: str, update: str = "Created", *, is_dir: bool = False) -> Unit:
    return Unit(f"/srv/tv/{below}", f"/mnt/tv/{below}", update, is_dir)


def asked(kind: str, unit: Unit, *, new: Callable[[str], bool] = never, exists: Callable[[str], bool] = always) -> Unit:
    return unit_for(kind, unit, "/srv/tv", new, exists)


def test_plex_gets_the_folder_of_a_file() -> None:
    unit = asked("plex", change("A/S1/e.mkv"))
    assert (unit.path, unit.local, unit.is_dir, unit.top_level) == ("/srv/tv/A/S1", "/mnt/tv/A/S1", True, False)


@pytest.mark.parametrize("name", ["Mr. Robot", "S.W.A.T.", "Film (1080p.x265)"])
def test_plex_gets_a_folder_with_dots_as_it_is(name: str) -> None:
    assert asked("plex", change(name, is_dir=True)).path == f"/srv/tv/{name}"


def test_plex_collects_what_covers_a_whole_location() -> None:
    assert asked("plex", change("film.mkv")).top_level
    gone = asked("plex", change("A", "Deleted", is_dir=True), exists=never)
    assert (gone.path, gone.top_level) == ("/srv/tv/A", True)
    assert not asked("plex", change("A/S1", "Deleted", is_dir=True), exists=only("/mnt/tv/A")).top_level


def test_it_climbs_to_the_nearest_folder_that_is_there() -> None:
    gone = change("A/S1/x", "Deleted", is_dir=True)
    assert climb(gone, "/srv/tv", only("/mnt/tv/A")).path == "/srv/tv/A"
    assert climb(gone, "/srv/tv", never).path == "/srv/tv"
    assert climb(gone, "/srv/tv", always) == gone


def test_it_climbs_past_the_point_where_the_name_spaces_part() -> None:
    gone = Unit("/srv/tv/kids/A", "/data/x/A", "Deleted", True)
    assert climb(gone, "/srv/tv", never).path == "/srv/tv"
    assert climb(gone, "/srv/tv", only("/data/x")).path == "/srv/tv/kids"


def test_it_leaves_alone_what_it_cannot_look_at() -> None:
    unit = Unit("D:\\tv\\A", "", "Deleted", True)
    assert climb(unit, "D:\\TV", never) == unit


def test_what_emby_must_look_through_a_location_for_is_collected() -> None:
    unit = asked("emby", change("caf\U0010dce9/e.mkv"))
    assert (unit.path, unit.top_level) == ("/srv/tv", True)
    assert not asked("emby", change("A/caf\U0010dce9.mkv")).top_level


def test_emby_gets_the_path_with_the_true_change() -> None:
    for update in ("Created", "Modified", "Deleted"):
        assert asked("emby", change("A/S1/e.mkv", update), new=always) == change("A/S1/e.mkv", update)


def test_jellyfin_gets_files_of_known_folders() -> None:
    assert asked("jellyfin", change("A/S1/e.mkv")) == change("A/S1/e.mkv")


def test_jellyfin_gets_a_new_top_level_folder_once() -> None:
    unit = asked("jellyfin", change("A/S1/e.mkv"), new=only("/mnt/tv/A"))
    assert (unit.path, unit.is_dir, unit.top_level, unit.update) == ("/srv/tv/A", True, True, "Created")
    film = asked("jellyfin", change("film.mkv"))
    assert (film.path, film.is_dir, film.top_level) == ("/srv/tv/film.mkv", False, True)
    assert not asked("jellyfin", change("film.mkv", "Modified")).top_level


def test_jellyfin_gets_a_vanished_top_level_folder_once() -> None:
    unit = asked("jellyfin", change("A/S1/e.mkv", "Deleted"), exists=never)
    assert (unit.path, unit.top_level, unit.update) == ("/srv/tv/A", True, "Deleted")
    assert not asked("jellyfin", change("A/S1/e.mkv", "Deleted"), exists=only("/mnt/tv/A")).top_level


@pytest.mark.parametrize(
    ("below", "path"),
    [
        ("A/Subs/en.srt", "A"),
        ("A/extrafanart/1.jpg", "A"),
        ("A/S1/.hidden", "A/S1"),
        ("A/film.sample.mkv", "A"),
        ("A/S1/e.trickplay/320.jpg", "A/S1"),
        ("A/samples of life.mkv", "A/samples of life.mkv"),
    ],
)
def test_jellyfin_gets_the_folder_above_what_it_ignores(below: str, path: str) -> None:
    assert asked("jellyfin", change(below)).path == f"/srv/tv/{path}"


@pytest.mark.parametrize(("name", "ignored"), [("Sample", True), ("x.SAMPLE.mkv", True), ("Sampled", False)])
def test_it_knows_the_ignore_list(name: str, ignored: bool) -> None:
    assert is_ignored(name) is ignored


@pytest.mark.parametrize("kind", ["plex", "emby", "jellyfin"])
def test_a_disc_is_its_movie_folder(kind: str) -> None:
    unit = asked(kind, change("Film/BDMV/STREAM/00001.m2ts", "Deleted"))
    assert (unit.path, unit.is_dir, unit.update) == ("/srv/tv/Film", True, "Modified")


def test_a_name_that_json_cannot_say_becomes_its_folder() -> None:
    unit = change("A/\U0010dcff.mkv")
    assert asked("emby", unit).path == asked("jellyfin", unit).path == "/srv/tv/A"
    assert asked("plex", change("\U0010dcff/x.mkv")).path == "/srv/tv/\U0010dcff"


def test_it_works_for_windows_servers() -> None:
    unit = unit_for("plex", Unit("M:\\TV\\A\\e.mkv", "/mnt/tv/A/e.mkv", "Created", False), "m:\\tv", never, always)
    assert unit.path == "M:\\TV\\A"


@pytest.mark.parametrize("top", ["M:\\TV", "\\\\nas\\tv"])
def test_it_climbs_and_collects_on_windows_and_shares_too(top: str) -> None:
    gone = Unit(f"{top}\\A\\S1", "/mnt/tv/A/S1", "Deleted", True)
    assert climb(gone, top.swapcase(), only("/mnt/tv/A")).path == f"{top}\\A"
    assert climb(gone, top, never).path == top
    new = unit_for(
        "jellyfin", Unit(f"{top}\\A\\S1\\e.mkv", "/mnt/tv/A/S1/e.mkv", "Created", False), top, always, always
    )
    assert (new.path, new.top_level) == (f"{top}\\A", True)
    ignored = unit_for("jellyfin", Unit(f"{top}\\A\\Subs\\e.srt", "", "Created", False), top, never, always)
    assert ignored.path == f"{top}\\A"
    emby = unit_for("emby", Unit(f"{top}\\A\\e.mkv", "", "Deleted", False), top, never, never)
    assert (emby.path, emby.update) == (f"{top}\\A\\e.mkv", "Deleted")
