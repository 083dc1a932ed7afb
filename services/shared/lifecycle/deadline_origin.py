"""Which unit of work set a deadline: the trace that its command is linked to."""

from datetime import UTC, timedelta

from google.protobuf.message import DecodeError

from services.shared.deadlines.traced import Origin
from services.shared.deadlines.worker import DueDeadline
from services.shared.eventstore.store import EventStore
from services.shared.kernel.refusals import DependencyDown
from tierlink.type.v1 import type_pb2

#: What is due later than this is no step of the same story: a roster that is looked at every day would hand
#: the word that it is recorded on for ever.
_STORY = timedelta(hours=6)


def origin_in(store: EventStore) -> Origin:
    """Reads the event that set a deadline; asked for only where traces are recorded."""

    async def origin(due: DueDeadline) -> str:
        try:
            events = await store.read_events(due.stream_id, after_version=due.set_version - 1, limit=1)
            if not events:
                return ""
            head = type_pb2.EventHead.FromString(events[0].payload).metadata
        except (DependencyDown, DecodeError):
            # It is run, and tried again where the store is away; a link less keeps nobody from it.
            return ""
        if due.due_at - head.recorded_at.ToDatetime(UTC) > _STORY:
            return ""
        return head.traceparent

    return origin
