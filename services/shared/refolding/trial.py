"""Folds what the topics have in memory: whether this version of the program can read and fold all of it.

Nothing is written and nothing compared, so that it can be run anywhere before a new version serves.
"""

from typing import Any

from services.shared.refolding.faults import Faults
from services.shared.refolding.folding import MissingEvent, Unfoldable, evolved
from services.shared.refolding.rounds import OnRead
from services.shared.refolding.subject import SourceEvent, Subject
from services.shared.refolding.topic_source import TopicSource

#: Aggregates whose states are kept, of 10 KiB each as measured. What comes of others is counted, left alone.
_STATES_MAX = 100_000


class Trial:
    """One pass over the topics."""

    def __init__(self, subject: Subject, *, states_max: int = _STATES_MAX) -> None:
        self._subject = subject
        self._states_max = states_max
        self._states: dict[str, tuple[int, Any]] = {}
        self.faults = Faults()
        #: events that were folded
        self.folded = 0
        #: first events of aggregates that were too many, and what followed on them
        self.left_alone = 0

    @property
    def aggregates(self) -> int:
        """How many were folded."""
        return len(self._states)

    async def of_topics(self, source: TopicSource, on_read: OnRead) -> None:
        """From the beginning to where the topics end at the call. Raises KafkaError, RecordsGone."""
        async for page in source.pages({}):
            for fault in page.unreadable:
                self.faults.tell(fault)
            for event in page.events:
                self._take(event)
            on_read(len(page.events))

    def _take(self, event: SourceEvent) -> None:
        kind = self._subject.kind_of(event)
        if kind is None:
            self.faults.tell(f"{event.stream_id}: no aggregate of this service")
            return
        known = self._states.get(event.stream_id)
        if known is None and len(self._states) >= self._states_max:
            self.left_alone += 1
            return
        version, state = known or (0, None)
        if event.version <= version:
            # Published twice, as a relay does that was cut.
            return
        try:
            after = evolved(kind, version, state, event)
        except (MissingEvent, Unfoldable) as error:
            self.faults.tell(str(error))
            return
        self._states[event.stream_id] = (event.version, after)
        self.folded += 1
