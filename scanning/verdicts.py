"""What one look into a library shows of the requests that it should prove."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mediasync.servers.clients.base import Known
from mediasync.servers.models import Library
from monitors.glance import Glance

from . import expecting, following, taken
from .expecting import Expected, Proof
from .models import ScanRequest
from .parcels import Looks
from .sight import Unclear
from .telling import Listener

if TYPE_CHECKING:
    from .verifying import Verification

State = ScanRequest.State
PAUSES = (20.0, 60.0, 180.0, 600.0, 1800.0)  # seconds after each look; after one more it is settled


@dataclass(slots=True)
class Verdict:
    """How a proof stands."""

    wrong: list[Expected] = field(default_factory=list)
    unclear: bool = False
    here: bool = False  # something is known, as it should be
    replaced: set[str] = field(default_factory=set)  # items of files that have new content


def settle(row: ScanRequest, state: str, reason: str, at: dt.datetime | None = None) -> None:
    """Ask no more about a request; ``at`` is when it was proved."""
    row.state, row.reason, row.verify_at, row.verified_at = state, reason, None, at


class Look:
    """One look into one library, for many requests."""

    def __init__(self, run: Verification, library: Library, listener: Listener, sight: Looks) -> None:
        self.run, self.library, self.listener, self.sight = run, library, listener, sight
        self.busy = False
        self._glance: Glance | None = None
        self._mapped: bool | None = None

    def at(self, rows: Sequence[ScanRequest]) -> None:
        """Ask what is known of these requests' paths, and write down what that means."""
        proofs = expecting.proofs(self.listener, rows)
        paths = sorted({path for proof in proofs.values() for path in proof.paths})
        known = self.run.client.known(self.library.key, paths, self.run.turn)
        verdicts = {row.pk: self._verdict(proofs[row.pk], known) for row in rows}
        items = {item for each in verdicts.values() if not each.wrong for item in each.replaced}
        following.look_again(self.run, items)  # before the rows say that all is done: a crash repeats it
        blind = [row for row in rows if self._was_blind(row, verdicts[row.pk])]
        self.run.tell_again(blind)
        rows = [row for row in rows if row not in blind]
        with Glance() as self._glance:
            for row in rows:
                row.changed_at = proofs[row.pk].changed_at
                self._judge(row, verdicts[row.pk])
        self.run.save(rows)
        if any(row.state == State.GONE for row in rows) and not self.busy:
            following.empty_trash(self.run, self.library, self.listener, self.sight)

    def unclear(self, rows: Iterable[ScanRequest]) -> None:
        """Count a look that showed nothing."""
        for row in (rows := list(rows)):
            self._judge(row, Verdict(unclear=True))
        self.run.save(rows)

    def _verdict(self, proof: Proof, known: Mapping[str, Known]) -> Verdict:
        verdict = Verdict()
        for path, expected in proof.paths.items():
            answer = known[path]
            if answer.here is None:
                verdict.unclear = True
            elif answer.here != expected.here and not self._is_right(expected, here=answer.here):
                verdict.wrong.append(expected)
            elif answer.here:
                verdict.here = True
                verdict.replaced |= {answer.item} if expected.replaced and answer.item else set()
        return verdict

    def _is_right(self, expected: Expected, *, here: bool) -> bool:
        """Tell whether the server is right and what we expected is out of date."""
        try:
            return bool(expected.local) and self.sight.exists(expected.local) == here
        except Unclear:
            return False

    def _was_blind(self, row: ScanRequest, verdict: Verdict) -> bool:
        """Tell whether a folder that is gone still showed here when the server was told, out of some cache.

        Then it was not told of a folder above, the one thing that makes Plex forget what was in it.
        """
        if not verdict.wrong or row.update != ScanRequest.Update.DELETED or row.sent_path != row.path or self.busy:
            return False
        try:
            return self.run.client.unit == "directory" and not self.sight.exists(row.local_path)
        except Unclear:
            return False

    def _judge(self, row: ScanRequest, verdict: Verdict) -> None:
        now = self.run.ctx.now()
        row.checks += 1
        if not verdict.wrong and not verdict.unclear:
            settle(row, State.VERIFIED if verdict.here else State.GONE, "", now)
        elif row.checks <= len(PAUSES) and self.run.server.verify:  # else a person asked, or switched it off since
            row.verify_at = now + dt.timedelta(seconds=PAUSES[row.checks - 1])
            row.reason = self._guess(verdict.wrong) if verdict.wrong else "cannot_tell"
        elif verdict.wrong:
            settle(row, State.NOT_FOUND, self._guess(verdict.wrong) or self._why_not_taken())
        else:
            settle(row, State.SENT, "cannot_tell")

    # -- Why it is not found

    def _guess(self, wrong: Sequence[Expected]) -> str:
        """Return the likely reason as far as it can be seen from here; "" if none can."""
        first = wrong[0]
        if not first.here:
            return "still_scanning" if self.busy else "still_there"
        kind = self.listener.server.kind
        here = (self._glance, first.local) if self._glance and first.local else None
        seen = taken.refusal(kind, self.library.kind, first.path, is_dir=first.is_dir, here=here)
        return seen or ("still_scanning" if self.busy else "")

    def _why_not_taken(self) -> str:
        """Tell a wrong mapping (nothing at all of this library is known) from a name that no agent understands."""
        if self._mapped is None:
            places = list(self.library.paths.values_list("path", flat=True))
            known = self.run.client.known(self.library.key, places, self.run.turn) if places else {}
            self._mapped = any(each.here is not False for each in known.values())
        return "not_taken" if self._mapped else "mapping"
