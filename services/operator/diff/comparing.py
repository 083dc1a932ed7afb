"""Compares two sides aggregate by aggregate: what is missing, extra, altered, or in another order."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum


class DifferenceKind(StrEnum):
    #: the first side alone has it
    MISSING = "MISSING"
    #: the second side alone has it
    EXTRA = "EXTRA"
    #: both have it, and its bytes differ
    ALTERED = "ALTERED"
    #: both have it, and on the second side it stands behind one that follows it on the first
    REORDERED = "REORDERED"


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """One event that is not the same on both sides."""

    kind: DifferenceKind
    topic: str
    aggregate: str
    #: 0 for a record that is no event
    version: int


class Side:
    """The events of one side, in the order in which they were first seen. Keeps some 150 bytes of each."""

    def __init__(self) -> None:
        self._events: dict[str, dict[int, bytes]] = {}
        self._contradicted: set[tuple[str, int]] = set()
        #: records that are no events, by key and fingerprint
        self._unread: Counter[tuple[str, bytes]] = Counter()
        self.count = 0
        #: events that were seen again with the same bytes, as relays may send them
        self.repeats = 0

    def add(self, aggregate: str, version: int, fingerprint: bytes) -> None:
        """`version` is 0 for a record that is no event."""
        self.count += 1
        if not version:
            self._unread[aggregate, fingerprint] += 1
            return
        versions = self._events.setdefault(aggregate, {})
        known = versions.setdefault(version, fingerprint)
        if known is not fingerprint:
            if known == fingerprint:
                self.repeats += 1
            else:
                self._contradicted.add((aggregate, version))

    def differences(self, other: "Side", topic: str) -> Iterator[Difference]:
        """What of `other` is not as it is here, by aggregate and version."""
        for aggregate in sorted(self._events.keys() | other._events.keys()):
            ours, theirs = self._events.get(aggregate, {}), other._events.get(aggregate, {})
            moved = _moved([v for v in ours if v in theirs], [v for v in theirs if v in ours])
            for version in sorted(ours.keys() | theirs.keys()):
                kinds = []
                if version not in theirs:
                    kinds.append(DifferenceKind.MISSING)
                elif version not in ours:
                    kinds.append(DifferenceKind.EXTRA)
                elif ours[version] != theirs[version] or (
                    ((aggregate, version) in self._contradicted)
                    != ((aggregate, version) in other._contradicted)
                ):
                    kinds.append(DifferenceKind.ALTERED)
                if version in moved:
                    kinds.append(DifferenceKind.REORDERED)
                for kind in kinds:
                    yield Difference(kind=kind, topic=topic, aggregate=aggregate, version=version)
        for kind, left in (
            (DifferenceKind.MISSING, self._unread - other._unread),
            (DifferenceKind.EXTRA, other._unread - self._unread),
        ):
            for aggregate, _ in sorted(left.elements()):
                yield Difference(kind=kind, topic=topic, aggregate=aggregate, version=0)


def _moved(ours: Sequence[int], theirs: Sequence[int]) -> frozenset[int]:
    """What stands in `theirs` behind one that comes after it in `ours`; both have the same members."""
    rank = {version: number for number, version in enumerate(ours)}
    found = set()
    furthest = -1
    for version in theirs:
        if rank[version] < furthest:
            found.add(version)
        furthest = max(furthest, rank[version])
    return frozenset(found)
