"""The end of a hold or a block has come."""

from services.bed.application.aggregates import Aggregates
from services.bed.application.ward_recording import WardRecorder
from services.bed.domain.commands import MeetDeadline
from services.shared.eventstore.work import Reaction, Work


def meet_deadline(kinds: Aggregates, stream_id: str, key: str) -> Reaction:
    """Does nothing when the deadline is not open any more."""
    recorder = WardRecorder(kinds)

    async def reaction(work: Work) -> None:
        state = await work.load(kinds.ward, stream_id)
        if state is None:
            return
        await recorder.decide(work, state, MeetDeadline(key=key), stream_id)

    return reaction
