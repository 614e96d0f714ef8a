"""One data folder with everything in it, each thing by name: what the rules, the run and the pages are tried on."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from cleanup.plexdata import layout

from . import schema
from .builder import Made, PlexBuilder, sha1
from .legacy import Legacy, image, info

WEB = "https://images.example"
SERIES = "tv.plex.agents.series"


@dataclass
class Sample:
    """``paths`` are below the data folder, ``values`` what a column says, ``urls`` where a picture came from."""

    plex: PlexBuilder
    outside: Path  # nothing in here may ever change
    items: dict[str, Made] = field(default_factory=dict)
    paths: dict[str, str] = field(default_factory=dict)
    values: dict[str, str] = field(default_factory=dict)
    urls: dict[str, str] = field(default_factory=dict)
    legacy: dict[str, Legacy] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        return self.plex.path


def make(path: Path, script: str = "") -> Sample:
    """Build ``path/plex`` (and ``path/outside``, to which a bundle's link leads) and write its database."""
    plex = PlexBuilder(path / "plex", script or schema.own())
    outside = path / "outside"
    outside.mkdir(parents=True)
    (outside / "precious").write_text("not ours")
    (path / "media").mkdir(exist_ok=True)
    sample = Sample(plex, outside)
    for name, kind in (("Films", 1), ("Shows", 2), ("Music", 8)):
        plex.section(name, kind, path / "media")
    for add in (_modern_film, _modern_show, _legacy_film, _legacy_show, _windows_film, _music, _media, _uploads):
        add(sample)
    for add in (_collection, _orphans, _odd, _cache):
        add(sample)
    plex.finish()
    return sample


def _picture(sample: Sample, name: str, owner: Made, attribute: str, *, item: Made | None = None, agent: str) -> None:
    url = f"{WEB}/{name.replace(' ', '-')}.jpg"
    path, value = sample.plex.modern(owner, attribute, url, agent=agent, item=item)
    sample.paths[name], sample.values[name], sample.urls[name] = path, value, url


def _modern_film(sample: Sample) -> None:
    film = sample.items["film"] = sample.plex.item(1, "Modern film", 1)
    for name, attribute in (("film poster", "posters"), ("film art", "art"), ("film logo", "clearLogos")):
        _picture(sample, name, film, attribute, agent="tv.plex.agents.movie")
        _picture(sample, f"{name} unused", film, attribute, agent="tv.plex.agents.movie")
    values = sample.values
    sample.plex.set(film, thumb=values["film poster"], art=values["film art"], clear_logo=values["film logo"])


def _modern_show(sample: Sample) -> None:
    """Pictures of seasons and episodes lie flat in the bundle of the show."""
    show = sample.items["show"] = sample.plex.item(2, "Modern show", 2)
    season = sample.items["season"] = sample.plex.item(3, "Season 1", 2, show, 1)
    episode = sample.items["episode"] = sample.plex.item(4, "Episode 1", 2, season, 1)
    for name, item in (("show poster", show), ("season poster", season), ("episode thumb", episode)):
        _picture(sample, name, show, "posters", item=item, agent=SERIES)
        sample.plex.set(item, thumb=sample.values[name])
    _picture(sample, "show theme", show, "themes", agent=SERIES)
    sample.plex.set(show, music=sample.values["show theme"])
    _picture(sample, "show poster unused", show, "posters", agent=SERIES)
    left = f"{season.bundle}/Contents/_combined/posters/{SERIES}_{sha1('old season')}"
    sample.paths["season bundle file"] = sample.plex.file(left)  # older servers gave seasons bundles of their own


def _legacy_film(sample: Sample) -> None:
    film = sample.items["legacy film"] = sample.plex.item(1, "Legacy film", 1)
    add = sample.legacy
    add["stored"] = image(sample.plex, film, "posters", f"{WEB}/l1.jpg", stored=True)  # selected, fully loaded
    add["preview"] = image(sample.plex, film, "art", f"{WEB}/l2.jpg")  # selected, only a preview
    add["unused"] = image(sample.plex, film, "posters", f"{WEB}/l3.jpg")
    add["external"] = image(sample.plex, film, "banners", f"{WEB}/l4.jpg", external=True)  # selected, no address
    xml = info(sample.plex, film, [add[name] for name in ("stored", "preview", "unused", "external")])
    sample.paths |= {f"legacy xml {number}": path for number, path in enumerate(xml)}
    sample.plex.set(film, thumb=add["stored"].value, art=add["preview"].value, banner=add["external"].value)


def _legacy_show(sample: Sample) -> None:
    plex = sample.plex
    show = sample.items["legacy show"] = plex.item(2, "Legacy show", 2)
    season = sample.items["legacy season"] = plex.item(3, "Season 1", 2, show, 1)
    episode = sample.items["legacy episode"] = plex.item(4, "Episode 2", 2, season, 2)
    agent = "com.plexapp.agents.thetvdb"
    add = sample.legacy
    add["show"] = image(plex, show, "posters", f"{WEB}/s0.jpg", agent=agent, stored=True)
    add["season"] = image(plex, show, "posters", f"{WEB}/s1.jpg", below="seasons/1", agent=agent)
    add["episode"] = image(plex, show, "thumbs", f"{WEB}/s2.jpg", below="seasons/1/episodes/2", agent=agent)
    # The same picture offered for another season, where nobody chose it.
    add["other season"] = image(plex, show, "posters", f"{WEB}/s1.jpg", below="seasons/2", agent=agent)
    info(plex, show, [add[name] for name in ("show", "season", "episode", "other season")], root="TVShow")
    for name, item in (("show", show), ("season", season), ("episode", episode)):
        plex.set(item, thumb=add[name].value)


def _windows_film(sample: Sample) -> None:
    film = sample.items["windows film"] = sample.plex.item(1, "Windows film", 1)
    add = sample.legacy
    add["hard"] = image(sample.plex, film, "posters", f"{WEB}/w1.jpg", stored=True, windows=True)
    add["hard unused"] = image(sample.plex, film, "posters", f"{WEB}/w2.jpg", windows=True)
    info(sample.plex, film, [add["hard"], add["hard unused"]])
    sample.plex.set(film, thumb=add["hard"].value)


def _music(sample: Sample) -> None:
    artist = sample.items["artist"] = sample.plex.item(8, "Artist", 3)
    album = sample.items["album"] = sample.plex.item(9, "Album", 3, artist)
    sample.items["track"] = sample.plex.item(10, "Track", 3, album, 1)
    _picture(sample, "artist poster", artist, "posters", agent="tv.plex.agents.music")
    sample.plex.set(artist, thumb=sample.values["artist poster"])
    embedded = f"posters/{sha1('embedded')}"  # a picture out of a music file: no agent, no address
    sample.paths["embedded"] = sample.plex.file(f"{album.bundle}/{layout.COMBINED}/{embedded}")
    sample.plex.set(album, thumb=f"metadata://{embedded}")


def _media(sample: Sample) -> None:
    """One part that two episodes share, of which one still shows its thumbnail; and one of an item with an address."""
    plex, season = sample.plex, sample.items["season"]
    double = sample.items["double"] = plex.item(4, "Episode 2", 2, season, 2)
    second = sample.items["second"] = plex.item(4, "Episode 3", 2, season, 3)
    shared = plex.part(double, "/media/e2e3.mkv", sha1("shared part"))
    plex.part(second, "/media/e2e3.mkv", sha1("shared part"))
    value = f"media://{layout.media_path(shared)}/Contents/Thumbnails/thumb1.jpg"
    plex.set(double, thumb=value)
    plex.set(second, thumb=f"{WEB}/e3.jpg")
    done = sample.items["done"] = plex.item(1, "Done film", 1, thumb=f"{WEB}/d.jpg", art=f"{WEB}/da.jpg")
    own = plex.part(done)
    for name, bundle in (("shared", shared), ("done", own)):
        sample.paths[f"{name} thumb"] = plex.file(f"{bundle}/Contents/Thumbnails/thumb1.jpg")
        sample.paths[f"{name} art"] = plex.file(f"{bundle}/Contents/Art/art1.jpg")
        sample.paths[f"{name} chapter"] = plex.file(f"{bundle}/Contents/Chapters/chapter1.jpg")
        sample.paths[f"{name} index"] = plex.file(f"{bundle}/Contents/Indexes/index-sd.bif")
    art = sample.items["art film"] = plex.item(1, "Film with art of its own", 1, thumb=f"{WEB}/x.jpg")
    bundle = plex.part(art)
    sample.paths["art media"] = plex.file(f"{bundle}/Contents/Art/art1.jpg")
    plex.set(art, art=f"media://{layout.media_path(bundle)}/Contents/Art/art1.jpg")


def _uploads(sample: Sample) -> None:
    plex, film, show = sample.plex, sample.items["film"], sample.items["show"]
    sample.paths["upload unused"], _ = plex.upload(film, f"posters/{sha1('u1')}")
    sample.paths["upload young"], _ = plex.upload(film, f"posters/{sha1('u2')}", age=1)
    sample.paths["upload theme"], _ = plex.upload(film, f"themes/{sha1('u3')}")
    for number in range(6):
        sample.paths[f"upload old {number}"], _ = plex.upload(film, f"art/{sha1(f'o{number}')}", age=100 + number)
    season = plex.item(3, "Season 2", 2, show, 2)
    sample.items["season 2"] = season
    path, value = plex.upload(show, f"posters/seasons/2/{sha1('u4')}")
    sample.paths["upload season"], sample.values["upload season"] = path, value
    plex.set(season, thumb=value)


def _collection(sample: Sample) -> None:
    made = sample.items["collection"] = sample.plex.item(18, "Collection", 1)
    path, value = sample.plex.upload(made, f"posters/{sha1('c1')}")
    sample.paths["collection upload"], sample.values["collection upload"] = path, value
    sample.plex.set(made, thumb=value)
    # The tag of the collection names a picture of its own.
    tagged = f"posters/tv.plex.agents.movie_{sha1('tagged')}"
    sample.paths["tag poster"] = sample.plex.file(f"{made.bundle}/{layout.COMBINED}/{tagged}")
    sample.plex.row(
        "tags", metadata_item_id=made.id, tag="Collection", tag_type=2, user_thumb_url=f"metadata://{tagged}"
    )


def _orphans(sample: Sample) -> None:
    plex = sample.plex
    for folder in ("Movies", "TV Shows", "Artists", "Playlists"):
        bundle = layout.bundle_path(layout.METADATA, folder, sha1(f"orphan {folder}"))
        sample.paths[f"orphan {folder}"] = bundle
        plex.file(f"{bundle}/Contents/_combined/posters/a_{sha1(folder)}")
    young = sample.paths["orphan young"] = layout.bundle_path(layout.METADATA, "Movies", sha1("orphan young"))
    plex.file(f"{young}/Contents/_combined/posters/a_{sha1('old')}")
    plex.file(f"{young}/Contents/_combined/posters/a_{sha1('new')}", age=1)
    media = sample.paths["orphan media"] = layout.bundle_path(layout.MEDIA, "", sha1("orphan media"))
    plex.file(f"{media}/Contents/Thumbnails/thumb1.jpg")


def _odd(sample: Sample) -> None:
    plex, film = sample.plex, sample.items["film"]
    posters = f"{film.bundle}/{layout.COMBINED}/posters"
    sample.paths["none"] = plex.file(f"{film.bundle}/{layout.COMBINED}/art/agent_{sha1('none')}", b"None")
    sample.paths["half written"] = plex.file(f"{posters}/._tv.plex.agents.movie_{sha1('half')}", age=0)
    sample.paths["dangling"] = plex.link(f"{posters}/gone_{sha1('gone')}", f"../../_stored/posters/gone_{sha1('gone')}")
    sample.paths["empty folder"] = plex.empty(f"{film.bundle}/{layout.COMBINED}/banners")
    sample.paths["escaping link"] = plex.link(f"{posters}/evil_{sha1('evil')}", str(sample.outside / "precious"))
    base = f"{layout.METADATA}/Movies"
    sample.paths["foreign file"] = plex.file(f"{base}/README.txt")
    sample.paths["foreign in prefix"] = plex.file(f"{base}/{film.hash[0]}/notes.txt")
    sample.paths["prefix zz"] = plex.file(f"{base}/zz/{'a' * 39}.bundle/Contents/_combined/posters/x")
    sample.paths["prefix dots"] = plex.file(f"{base}/.../{'b' * 39}.bundle/Contents/x")
    sample.paths["upper"] = plex.file(f"{base}/a/{'A' * 39}.bundle/Contents/x")
    inside = sample.outside / "Contents/_combined/posters"
    inside.mkdir(parents=True)
    (inside / f"agent_{sha1('outside')}").write_text("not ours")
    sample.paths["linked bundle"] = plex.link(f"{base}/c/{'c' * 39}.bundle", str(sample.outside))
    sample.paths["linked prefix"] = plex.link(f"{layout.METADATA}/Artists/e", str(sample.outside))
    sample.paths["foreign type"] = plex.file(f"{layout.METADATA}/Home Videos/a/{'d' * 39}.bundle/Contents/x")


def _cache(sample: Sample) -> None:
    for number, age in enumerate((1, 20, 40, 400)):
        name = sha1(f"cached {number}")
        sample.paths[f"cache {age}"] = sample.plex.file(f"Cache/PhotoTranscoder/{name[:2]}/{name}.jpg", age=age)
    sample.paths["cache foreign"] = sample.plex.file("Cache/PhotoTranscoder/aa/keep.txt", age=400)
