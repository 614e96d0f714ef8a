"""Weak matches: a person says "use this" or "never", and the song is looked for again."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any

from django.db.models import Count, Q, QuerySet

from mediasync.core.errors import Conflict
from mediasync.core.texts import plain

from .downloads.base import Candidate
from .matching import Scored
from .models import Review, Song
from .songs import is_downloaded

MOST = 10  # a song: who would read more?
LONGEST = 500  # characters of a key


def open_reviews() -> QuerySet[Review]:
    """Return what waits for a person, best first."""
    return Review.objects.filter(state=Review.State.OPEN).select_related("song").order_by("song", "-score", "pk")


def unmatched() -> QuerySet[Song]:
    """Return the songs that were looked for and are not here, with ``open_matches``: those a person could settle."""
    rows = Song.objects.filter(resolved=True, kind=Song.Kind.MUSIC).exclude(is_downloaded())
    return rows.annotate(open_matches=Count("reviews", Q(reviews__state=Review.State.OPEN))).order_by("pk")


def take(review: Review, actor: str) -> None:
    """Use this candidate for its song from now on; another one of it that was taken before is open again.

    The song comes with the next download; Conflict if the answer was given already.
    """
    _settle(review, Review.State.TAKEN, actor)
    others = Review.objects.filter(song_id=review.song_id, state=Review.State.TAKEN).exclude(pk=review.pk)
    others.update(state=Review.State.OPEN)


def never(review: Review, actor: str) -> None:
    """Do not use this candidate for its song, and do not ask again; Conflict if the answer was given already."""
    _settle(review, Review.State.NEVER, actor)


def reopen(review: Review, actor: str) -> None:
    """Take an answer back; Conflict if there was none."""
    _settle(review, Review.State.OPEN, actor)


def _settle(review: Review, state: Review.State, actor: str) -> None:
    rows = Review.objects.filter(pk=review.pk).exclude(state=state)
    if not rows.update(state=state, actor=actor[:150]):
        raise Conflict("This has been answered already.", code="review_settled")


def note(song: Song, weak: Sequence[Scored]) -> int:
    """Write down candidates that a person is to look at, and return how many; an answer that was given stays."""
    if not weak:
        return 0
    best = sorted(weak, key=lambda each: -each.score)[:MOST]
    Review.objects.bulk_create(
        [
            Review(
                song=song,
                source=each.candidate.source,
                key=key_of(each.candidate),
                title=plain(each.candidate.title)[:300],
                artists=plain(" / ".join(each.candidate.artists))[:500],
                score=each.score,
                candidate=as_json(each.candidate),
            )
            for each in best
        ],
        update_conflicts=True,
        unique_fields=["song", "source", "key"],
        update_fields=["title", "artists", "score", "candidate"],
    )
    return len(best)


def answers(song: Song) -> tuple[list[Candidate], set[tuple[str, str]]]:
    """Return the candidates that a person chose, and (source, key) of those that he refused."""
    chosen, refused = [], set()
    for review in Review.objects.filter(song=song).exclude(state=Review.State.OPEN):
        if review.state == Review.State.TAKEN:
            chosen.append(from_json(review.candidate))
        else:
            refused.add((review.source, review.key))
    return chosen, refused


def key_of(candidate: Candidate) -> str:
    """Return the key of a candidate as its column takes it: of a long one the beginning and a digest."""
    key = candidate.key
    return key if len(key) <= LONGEST else f"{key[: LONGEST - 17]}#{hashlib.sha256(key.encode()).hexdigest()[:16]}"


def as_json(candidate: Candidate) -> dict[str, Any]:
    """Return a candidate as a JSON column holds it."""
    return asdict(candidate)


def from_json(saved: Mapping[str, Any]) -> Candidate:
    """Return the candidate of a JSON column; what newer versions do not know is left out."""
    known = {each.name for each in fields(Candidate)}
    values = {name: value for name, value in saved.items() if name in known}
    return Candidate(**(values | {"artists": tuple(values.get("artists") or ())}))
