"""Which parts of the work on availability stand still, though there is more to be done.

The stream processor skips a record now and then when its partitions are dealt anew: it has taken the record,
and the stream that was to handle it says that it is of before. What is committed stands in front of that
record for ever, and the count of its ward is wrong until the ward's next event.
"""

from collections.abc import Hashable, Mapping
from typing import Generic, TypeVar

P = TypeVar("P", bound=Hashable)


class Standstills(Generic[P]):
    """What was seen of each partition, from one look to the next."""

    def __init__(self, patience_s: float) -> None:
        """`patience_s` is longer than it takes to commit what is done."""
        self._patience_s = patience_s
        #: where each partition that is behind stands, and since when
        self._behind: dict[P, tuple[int, float]] = {}

    def found(self, done: Mapping[P, int], ends: Mapping[P, int], now_s: float) -> dict[P, int]:
        """The partitions to be read again, each from the first record that is not done.

        `done` has the next record to be handled of each partition, `ends` the record that will be written
        next. A partition that was found is given the same patience again.
        """
        behind: dict[P, tuple[int, float]] = {}
        still: dict[P, int] = {}
        for partition, end in ends.items():
            at = done.get(partition, 0)
            if at >= end:
                continue
            known_at, since_s = self._behind.get(partition, (-1, now_s))
            if known_at != at:
                since_s = now_s
            elif now_s - since_s >= self._patience_s:
                still[partition] = at
                since_s = now_s
            behind[partition] = (at, since_s)
        self._behind = behind
        return still
