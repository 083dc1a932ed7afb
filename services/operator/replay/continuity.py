"""Whether each aggregate's events follow one another."""

from services.operator.events.record import EventRecord


class Continuity:
    """Counts what does not follow: the first event seen of an aggregate is where its count begins."""

    def __init__(self) -> None:
        self._versions: dict[str, int] = {}
        #: of an aggregate whose event before it is missing
        self.gaps = 0
        #: at or before one that was seen already, as relays repeat them
        self.repeats = 0

    def see(self, record: EventRecord) -> None:
        if not record.version:
            return
        seen = self._versions.get(record.aggregate)
        if seen is not None and record.version <= seen:
            self.repeats += 1
            return
        if seen is not None and record.version > seen + 1:
            self.gaps += 1
        self._versions[record.aggregate] = record.version
