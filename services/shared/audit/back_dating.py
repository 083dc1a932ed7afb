"""Events that say they were recorded before what they follow: hashes may be right, and the moment made up.

Whoever holds the database can append an event with a hash of its own. What it cannot have is a place before
events that are chained already, or inside a checkpoint that was signed before.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

#: How far moments of an honest store may go back: clocks of a service's processes differ, and a command says
#: when it arrived, not when it was written (ADR 57). As much as clinical times may lie ahead.
#: The exported verifier stands alone and says it again (tests/contract/test_written_twice.py).
BACK_DATING_TOLERANCE = timedelta(minutes=5)


@dataclass(frozen=True, kw_only=True, slots=True)
class SignedMoment:
    """A checkpoint does not have what an aggregate did after a version: that was written after it."""

    #: 0 when it has nothing of the aggregate
    after_version: int
    #: of the checkpoint
    number: int
    made_at: datetime


class Moments:
    """The moments of one chain, told in the order of its versions."""

    def __init__(self, signed: Iterable[SignedMoment] = ()) -> None:
        self._signed = tuple(signed)
        self._latest: tuple[datetime, int] | None = None

    def back_dated(self, version: int, recorded_at: datetime) -> str:
        """By how much an event lies before what it follows, and what that is; empty when it may.

        The latest moment so far counts, so that nobody goes back in small steps.
        """
        follows = [
            (made_at, f"checkpoint {number}, which does not have it")
            for made_at, number in (
                (each.made_at, each.number) for each in self._signed if each.after_version < version
            )
        ]
        if self._latest is not None:
            follows.append((self._latest[0], f"version {self._latest[1]}, which it follows"))
        if self._latest is None or recorded_at > self._latest[0]:
            self._latest = (recorded_at, version)
        if not follows:
            return ""
        moment, named = max(follows)
        if not is_back_dated(recorded_at, moment):
            return ""
        return f"it says it was recorded {moment - recorded_at} before {named}"


def is_back_dated(recorded_at: datetime, moment: datetime) -> bool:
    """Whether something that was written after `moment` says that it was recorded too long before."""
    return recorded_at < moment - BACK_DATING_TOLERANCE
