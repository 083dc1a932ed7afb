"""A hold's deadline is due."""

from services.bed.application.aggregates import Aggregates
from services.bed.domain import ward as wards
from services.bed.domain.commands import MeetDeadline
from services.shared.eventstore.work import Reaction, Work


def meet_deadline(kinds: Aggregates, stream_id: str, key: str) -> Reaction:
    """Does nothing when the deadline is not open any more."""

    async def reaction(work: Work) -> None:
        state = await work.load(kinds.ward, stream_id)
        if state is None:
            return
        events = wards.decide(state, MeetDeadline(key=key), work.context)
        if events:
            await work.record(kinds.ward, stream_id, events)

    return reaction
