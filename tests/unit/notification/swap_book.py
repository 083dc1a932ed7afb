"""A roster, and swaps that people ask for and answer, each event as the store would keep it."""

from dataclasses import replace
from datetime import datetime

import msgspec

from services.notification.domain import roster as rosters
from services.notification.domain import swaps
from services.notification.domain.roster import Roster, RosterEvent
from services.notification.domain.roster_values import Rotation, SwapSide
from services.notification.domain.swap_values import (
    ProposeSwap,
    SwapCommand,
    SwapEvent,
    SwapState,
)
from services.shared.kernel.actor import Actor, Role
from services.shared.kernel.command import CommandContext, EventMetadata, Recorded
from services.shared.kernel.ids import derive_id
from services.shared.protocodec import EventCodec
from tests.unit.notification.scenario import HOSPITAL
from tests.unit.notification.turns import REASON, STROKE, command, holder, local, rotation
from tierlink.notification.v1 import roster_events_pb2
from tierlink.type.v1 import type_pb2

CODEC: EventCodec[RosterEvent] = EventCodec(
    roster_events_pb2.RosterEvent, type_pb2.EventMetadata, rosters.EVENTS
)
SUNDAY = local("2026-01-04 12:00")
#: a has Monday, b Tuesday, c Wednesday, from 08:00 on
TURNS = rotation("a", "b", "c")
MONDAY, TUESDAY = local("2026-01-05 08:00"), local("2026-01-06 08:00")
OFFICE = Actor(user="office", name="转诊办", facility=HOSPITAL, roles=(Role.REFERRAL_OFFICE,))


def doctor(user: str, facility: str = HOSPITAL) -> Actor:
    return Actor(user=user, name=user, facility=facility, roles=(Role.CLINICIAN,))


def side(user: str, starts_at: datetime, **post: object) -> SwapSide:
    return SwapSide(post=replace(STROKE, **post), starts_at=starts_at, user=user)  # type: ignore[arg-type]


def asks(**changes: object) -> ProposeSwap:
    """a asks b to take over Monday."""
    asked = ProposeSwap(facility=HOSPITAL, first=side("a", MONDAY), taker="b", reason=REASON)
    return replace(asked, **changes)  # type: ignore[arg-type]


class Book:
    """A roster, what is done to it, and each of its events as the store would keep it."""

    def __init__(self, *rotations: Rotation, **fields: object) -> None:
        self.state: Roster | None = None
        self.now = SUNDAY
        self.applied(*(rotations or (TURNS,)), **fields)

    def applied(self, *rotations: Rotation, **fields: object) -> "Book":
        asked = command(rotations=rotations, **fields)
        for event in rosters.decide(self.state, asked, self._context(OFFICE)):
            self._keep(event, self._context(OFFICE))
        return self

    def at(self, moment: datetime) -> "Book":
        self.now = moment
        return self

    def does(self, by: Actor, asked: SwapCommand) -> SwapEvent | None:
        context = self._context(by)
        events = swaps.decide(self.state, asked, context)
        for event in events:
            self._keep(event, context)
        return events[0] if events else None

    def _context(self, by: Actor) -> CommandContext:
        request = derive_id("request", str(self.roster.version if self.state else 0))
        return CommandContext(request_id=request, actor=by, occurred_at=self.now, recorded_at=self.now)

    def _keep(self, event: RosterEvent, context: CommandContext) -> None:
        metadata = EventMetadata(
            event_id="e",
            aggregate_id=f"rosters/{HOSPITAL}",
            version=(self.state.version if self.state else 0) + 1,
            type=type(event).__name__,
            occurred_at=context.occurred_at,
            recorded_at=context.recorded_at,
            actor=context.actor,
            request_id=context.request_id,
        )
        entry: Recorded[RosterEvent] = Recorded(event=event, metadata=metadata)
        assert CODEC.decode(CODEC.encode(metadata, event)) == entry
        self.state = rosters.evolve(self.state, entry)
        kept = msgspec.msgpack.encode(self.state)
        assert msgspec.msgpack.decode(kept, type=Roster) == self.state

    @property
    def roster(self) -> Roster:
        assert self.state is not None
        return self.state

    @property
    def swap(self) -> str:
        return self.roster.proposals[-1].name

    def stands(self) -> SwapState:
        return self.roster.proposals[-1].state

    def on_monday(self) -> str:
        return holder(self.roster, "2026-01-05 12:00")

    def on_tuesday(self) -> str:
        return holder(self.roster, "2026-01-06 12:00")


def proposed(asked: ProposeSwap | None = None, by: Actor | None = None) -> Book:
    book = Book()
    book.does(by or doctor("a"), asked or asks())
    return book
