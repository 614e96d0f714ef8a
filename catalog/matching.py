"""Is this file that song? Pure functions: texts made comparable, a score from 0 to 100, and the order to try.

90 and more is trusted, from 75 a person looks, below is another song. The same ISRC or MusicBrainz recording is 100.
The weights come from tries with pairs of songs (tests/catalog/test_matching.py has them as a table).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

from rapidfuzz import fuzz

from .downloads.base import Candidate
from .sources.base import TrackMeta

TRUSTED = 90.0
WEAK = 75.0
ALIKE = 90.0  # of 100: two names of artists are one from here
SAME_QUALITY = 0.10  # candidates within this share of the best are equally good
VERSION_PENALTY = 25.0
NUMBER_PENALTY = 30.0  # never more than 70 are left
UNKNOWN_DURATION, UNKNOWN_ARTISTS = 70.0, 60.0
CLOSENESS = ((2.0, 100.0), (5.0, 90.0), (10.0, 60.0), (20.0, 20.0))  # seconds apart → points
SHORT = 3  # Chinese characters: shorter titles must be equal
LOSSLESS = frozenset({"flac", "wav", "ape", "alac", "aiff", "aif", "wv", "dsf", "tta"})

VERSIONS: Mapping[str, tuple[str, ...]] = {
    "live": ("live", "现场", "演唱会"),
    "instrumental": ("instrumental", "inst", "karaoke", "off vocal", "伴奏", "纯音乐", "卡拉ok"),
    "remix": ("remix", "mix", "混音"),
    "cover": ("cover", "翻唱", "翻自"),
    "dj": ("dj", "dj版"),
    "demo": ("demo", "小样"),
    "ringtone": ("ringtone", "铃声"),
    "speed": ("sped up", "speed up", "slowed", "nightcore", "加速", "加速版", "降速", "慢速"),
    "acoustic": ("acoustic", "unplugged", "不插电"),
    "piano": ("piano version", "钢琴版"),
    "clip": ("preview", "snippet", "片段", "试听"),
}
_BRACKETS = re.compile(
    r"\([^()]*\)|\[[^\[\]]*\]|\{[^{}]*\}|【[^【】]*】|《[^《》]*》|「[^「」]*」|〈[^〈〉]*〉|<[^<>]*>"
)
_FEATURED = re.compile(r"\s(?:feat|ft|featuring)\b\.?\s.*$", re.IGNORECASE)
_SUFFIX = re.compile(r"\s[-–—~]\s.*$")
_NO_WORD = re.compile(r"[\W_]+")
_NUMBER = re.compile(r"\d{1,18}|\b(?:ii|iii|iv|vi|vii|viii|ix)\b")
# The only numbers in brackets that tell songs apart:
_PART = re.compile(r"[(\[【](?:part|pt|no|vol|第)[\W_]*(\d{1,18}|[ivx]+)")
_ROMAN = dict(zip("i ii iii iv v vi vii viii ix x".split(), range(1, 11), strict=True))
_ARTISTS = re.compile(r"\s*(?:[/、;；,，&＆|]|\s(?:feat|ft|featuring|vs|with|x|和|与)\b\.?\s)\s*")
_CHINESE = re.compile(r"[\u3400-\u9fff\uf900-\ufaff\u3040-\u30ff\uac00-\ud7af]")


@dataclass(frozen=True, slots=True)
class Scored:
    """A candidate with its points; ``place`` is that of its source in the order that was asked for."""

    candidate: Candidate
    score: float
    place: int = 0

    @property
    def trusted(self) -> bool:
        return self.score >= TRUSTED

    @property
    def weak(self) -> bool:
        return WEAK <= self.score < TRUSTED


@cache
def _simplified() -> Callable[[str], str]:
    """Return what makes traditional characters simplified ones; without OpenCC (extra ``zh``) nothing does."""
    try:
        from opencc import OpenCC
    except ImportError:
        return str
    convert: Callable[[str], str] = OpenCC("t2s").convert
    return convert


def _folded(text: str) -> str:
    text = unicodedata.normalize("NFKC", text)
    return (_simplified()(text) if not text.isascii() else text).casefold().strip()


@lru_cache(maxsize=100_000)
def title_of(text: str) -> str:
    """Return a title as it is compared: without brackets, guests and marks. Nothing left: all of it."""
    folded = _folded(text)
    bare = _SUFFIX.sub("", _FEATURED.sub("", _BRACKETS.sub(" ", folded)))
    return _words(bare) or _words(folded) or folded


def bare(text: str) -> str:
    """Return a title as one searches for it: as it is written, without brackets and guests."""
    plain = unicodedata.normalize("NFKC", text)
    short = _SUFFIX.sub("", _FEATURED.sub("", _BRACKETS.sub(" ", plain))).strip()
    return " ".join((short or plain).split())


@lru_cache(maxsize=100_000)
def artist_of(text: str) -> str:
    """Return the name of an artist as it is compared (rows: ``store.artist_key``)."""
    folded = _folded(text)
    return _words(_BRACKETS.sub(" ", folded)) or _words(folded) or folded


def artists_of(names: Iterable[str]) -> frozenset[str]:
    """Return the artists of texts that may name several each ("A & B", "A feat. B", "A、B")."""
    return frozenset(artist_of(part) for name in names for part in _ARTISTS.split(_folded(name)) if part.strip())


def _words(text: str) -> str:
    return _NO_WORD.sub(" ", text).strip()


@lru_cache(maxsize=100_000)
def versions_of(text: str) -> frozenset[str]:
    """Return which versions a title names; Latin words count as whole words only."""
    folded = _folded(text)
    padded = f" {_words(folded)} "
    return frozenset(
        version
        for version, words in VERSIONS.items()
        if any((f" {word} " in padded) if word.isascii() else (word in folded) for word in words)
    )


@lru_cache(maxsize=100_000)
def numbers_of(text: str) -> tuple[int, ...]:
    """Return the numbers of a title ("No. 5", "Part II"): two that differ in them are two songs, however alike."""
    found = _NUMBER.findall(title_of(text)) + _PART.findall(_folded(text))
    return tuple(sorted(_ROMAN.get(each) or int(each) for each in found if each in _ROMAN or each.isdecimal()))


def title_points(wanted: str, found: str) -> float:
    """Return 0 to 100 for two titles; a short title in Chinese, Japanese or Korean must be the same."""
    one, two = title_of(wanted), title_of(found)
    if one == two:
        return 100.0
    short = min(len(one.replace(" ", "")), len(two.replace(" ", ""))) <= SHORT
    if short and (_CHINESE.search(one) or _CHINESE.search(two)):
        return 0.0
    return fuzz.ratio(one, two)


def artist_points(wanted: Sequence[str], found: Sequence[str]) -> float:
    """Return 0 to 100 for two sets of artists; half of it for all of the shorter, half for all of the longer."""
    one, two = artists_of(wanted), artists_of(found)
    if not one or not two:
        return UNKNOWN_ARTISTS
    if one == two or _joined(wanted) == _joined(found):
        return 100.0
    shared = sum(any(_alike(name, other) for other in two) for name in one)
    shared = min(shared, len(one), len(two))
    return 50.0 * shared / min(len(one), len(two)) + 50.0 * shared / max(len(one), len(two))


def _joined(names: Sequence[str]) -> str:
    return "".join(sorted(_words(_folded(" ".join(names))).split()))


def _alike(one: str, two: str) -> bool:
    """Tell whether two names are one: nearly equal, or one is a whole part of the other ("g e m 邓紫棋")."""
    if one == two or fuzz.ratio(one, two) >= ALIKE:
        return True
    short, long = sorted((one, two), key=len)
    return len(short) > 1 and f" {short} " in f" {long} "


def duration_points(wanted: float | None, found: float | None) -> float:
    """Return 0 to 100 for two durations in seconds."""
    if not wanted or not found:
        return UNKNOWN_DURATION
    apart = abs(wanted - found)
    return next((points for seconds, points in CLOSENESS if apart <= seconds), 0.0)


def score(want: TrackMeta, found: Candidate) -> float:
    """Return how sure it is that ``found`` is ``want``, from 0 to 100."""
    if found.exact or _same_id(want.isrc, found.isrc) or _same_id(want.mbid, found.mbid):
        return 100.0
    points = (
        0.5 * title_points(want.title, found.title)
        + 0.3 * artist_points(want.artists, found.artists)
        + 0.2 * duration_points(want.duration, found.duration)
    )
    if versions_of(want.title) != versions_of(found.title):
        points -= VERSION_PENALTY
    if numbers_of(want.title) != numbers_of(found.title):
        points -= NUMBER_PENALTY
    return round(max(0.0, points), 1)


def _same_id(one: str, two: str) -> bool:
    plain = [_NO_WORD.sub("", each).casefold() for each in (one, two)]
    return bool(plain[0]) and plain[0] == plain[1]


def is_lossless(candidate: Candidate) -> bool:
    """Tell whether nothing was lost, as the source says or as its kind of file tells."""
    if candidate.lossless is not None:
        return candidate.lossless
    return candidate.ext.casefold().lstrip(".") in LOSSLESS


def rate_of(candidate: Candidate) -> float:
    """Return kbit/s, from the size and the duration where the source does not say it; 0 = nobody knows."""
    if candidate.bitrate:
        return float(candidate.bitrate)
    if candidate.size and candidate.duration:
        return candidate.size * 8 / candidate.duration / 1000
    return 0.0


def rank(candidates: Iterable[Scored]) -> list[Scored]:
    """Return the trusted ones in the order to try them: lossless, bit rate, size; equally good ones by their source."""
    left = sorted((each for each in candidates if each.trusted), key=_quality, reverse=True)
    ranked: list[Scored] = []
    while left:
        equal = [left[0], *(each for each in left[1:] if _as_good(each.candidate, left[0].candidate))]
        ranked += sorted(equal, key=lambda each: (each.place, -each.score))
        left = [each for each in left if each not in equal]
    return ranked


def _quality(each: Scored) -> tuple[bool, float, int]:
    return is_lossless(each.candidate), rate_of(each.candidate), each.candidate.size or 0


def _as_good(one: Candidate, best: Candidate) -> bool:
    if is_lossless(one) != is_lossless(best):
        return False
    mine, its = rate_of(one), rate_of(best)
    if not its:
        mine, its = float(one.size or 0), float(best.size or 0)
    return mine >= its * (1 - SAME_QUALITY)
