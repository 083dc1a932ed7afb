"""Gives appends to a store in the words of its tests."""

from typing import Any

from services.shared.eventstore.aggregate import absent, advance, change_of
from services.shared.eventstore.units import (
    AppendStatus,
    AppendUnit,
    InboxMark,
    RequestRecord,
)
from tests.doubles.parcel import PARCEL, Moved, context


class Writer:
    """Gives appends in the words of the tests."""

    def __init__(self, store: Any) -> None:
        self.store = store
        self.at: dict[str, Any] = {}

    def unit(self, stream_id: str, *events: Moved, request: str = "", inbox: int = 0) -> AppendUnit:
        before = self.at.get(stream_id) or absent(PARCEL, stream_id)
        step = advance(PARCEL, before, events, context(request or stream_id))
        self.after = step.after
        return AppendUnit(
            changes=(change_of(PARCEL, before, step.after, step.events),),
            messages=step.messages,
            request=RequestRecord(
                request_id=context(request).request_id, digest=b"d" * 32, stream_id=stream_id, version=1
            )
            if request
            else None,
            inbox=InboxMark(source="topic", aggregate_id="a", version=inbox) if inbox else None,
        )

    async def move(self, stream_id: str, *to: str, request: str = "", inbox: int = 0) -> AppendStatus:
        unit = self.unit(stream_id, *(Moved(to=place) for place in to), request=request, inbox=inbox)
        result = await self.store.append(unit)
        if result.status is AppendStatus.APPENDED:
            self.at[stream_id] = self.after
        status: AppendStatus = result.status
        return status
