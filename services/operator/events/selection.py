"""Which records an operator wants to see."""

from dataclasses import dataclass
from datetime import datetime

from services.operator.events.record import EventRecord


@dataclass(frozen=True, kw_only=True, slots=True)
class Selection:
    """Filters that all must hold; an empty one lets everything through."""

    #: ids, such as `referrals/…`
    aggregates: frozenset[str] = frozenset()
    episodes: frozenset[str] = frozenset()
    #: such as `ReferralAccepted`
    types: frozenset[str] = frozenset()
    facilities: frozenset[str] = frozenset()
    #: recorded at or after
    since: datetime | None = None
    #: recorded before
    until: datetime | None = None

    @property
    def is_everything(self) -> bool:
        """Whether it lets everything through."""
        return self == _EVERYTHING

    def wants(self, record: EventRecord) -> bool:
        """Whether the record passes. What could not be read passes only where nothing of it is asked."""
        if self.aggregates and record.aggregate not in self.aggregates:
            return False
        if self.types and record.type not in self.types:
            return False
        if self.since is not None and record.time < self.since:
            return False
        if self.until is not None and record.time >= self.until:
            return False
        if self.episodes and self.episodes.isdisjoint(record.episodes()):
            return False
        return not self.facilities or not self.facilities.isdisjoint(record.facilities())


_EVERYTHING = Selection()
