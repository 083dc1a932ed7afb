"""How each kind of aggregate of this service is encoded: domain values to the messages of `protos/`."""

from collections.abc import Callable
from typing import Protocol, TypeVar

from google.protobuf.message import Message

from services.notification.application.aggregates import Aggregates
from services.notification.domain import alert as alerts
from services.notification.domain import board as boards
from services.notification.domain import contact_points as books
from services.notification.domain import drill as drills
from services.notification.domain import drill_plan as plans
from services.notification.domain import roster as rosters
from services.notification.domain.alert_state import Alert
from services.notification.domain.board import Board
from services.notification.domain.contact_points import ContactBook
from services.notification.domain.drill import Drill
from services.notification.domain.drill_plan import DrillPlan
from services.notification.domain.roster import Roster
from services.shared.eventstore.aggregate import AggregateKind, Facets
from services.shared.kernel.command import Deadline, Recorded
from services.shared.protocodec import EventCodec
from tierlink.notification.v1 import (
    alert_events_pb2,
    board_events_pb2,
    contact_events_pb2,
    drill_events_pb2,
    roster_events_pb2,
)
from tierlink.type.v1 import type_pb2

ALERT_TOPIC = "tierlink.notification.events.v1"


S = TypeVar("S")
E = TypeVar("E")
E_contra = TypeVar("E_contra", contravariant=True)


class _Decider(Protocol[S, E_contra]):
    """What the module of an aggregate gives."""

    EVENTS: tuple[type, ...]

    @property
    def evolve(self) -> Callable[[S | None, Recorded[E_contra]], S]: ...

    @property
    def deadlines(self) -> Callable[[S], tuple[Deadline, ...]]: ...

    @property
    def facets(self) -> Callable[[S], Facets]: ...


def build_aggregates() -> Aggregates:
    """Compiles the codecs. Raises CodecMismatch when an event and its message do not fit."""
    # A state that got another field is of another fold: a snapshot without it is not the fold of the events,
    # byte for byte, and the audit would say so.
    return Aggregates(
        alert=_kind("alert", Alert, alerts, alert_events_pb2.AlertEvent, topic=ALERT_TOPIC, fold_version=2),
        roster=_kind("roster", Roster, rosters, roster_events_pb2.RosterEvent, fold_version=2),
        contacts=_kind("contacts", ContactBook, books, contact_events_pb2.ContactEvent),
        board=_kind("board", Board, boards, board_events_pb2.BoardEvent, fold_version=2),
        drill=_kind("drill", Drill, drills, drill_events_pb2.DrillEvent),
        drill_plan=_kind("drill_plan", DrillPlan, plans, drill_events_pb2.DrillPlanEvent),
    )


def _kind(
    name: str,
    state_type: type[S],
    decider: _Decider[S, E],
    message: type[Message],
    *,
    topic: str | None = None,
    fold_version: int = 1,
) -> AggregateKind[S, E]:
    codec: EventCodec[E] = EventCodec(message, type_pb2.EventMetadata, decider.EVENTS)
    return AggregateKind(
        name=name,
        topic=topic,
        state_type=state_type,
        evolve=decider.evolve,
        encode_event=lambda meta, event, state: codec.encode(meta, event),
        decode_event=codec.decode,
        deadlines=decider.deadlines,
        facets=decider.facets,
        fold_version=fold_version,
    )
