"""How each kind of aggregate of this service is encoded: domain values to the messages of `protos/`."""

from services.notification.application.aggregates import Aggregates
from services.notification.domain import alert as alerts
from services.notification.domain import board as boards
from services.notification.domain import contact_points as books
from services.notification.domain import drill as drills
from services.notification.domain import drill_plan as plans
from services.notification.domain import roster as rosters
from services.notification.domain.alert_fold import AlertEvent
from services.notification.domain.alert_state import Alert
from services.notification.domain.board import Board, BoardEvent
from services.notification.domain.contact_points import ContactBook, ContactPointsChanged
from services.notification.domain.drill import Drill, DrillEvent
from services.notification.domain.drill_plan import DrillPlan, DrillPlanEvent
from services.notification.domain.roster import Roster, RosterEvent
from services.shared.eventstore.aggregate import AggregateKind
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


def build_aggregates() -> Aggregates:
    """Compiles the codecs. Raises CodecMismatch when an event and its message do not fit."""
    metadata = type_pb2.EventMetadata
    alert: EventCodec[AlertEvent] = EventCodec(alert_events_pb2.AlertEvent, metadata, alerts.EVENTS)
    roster: EventCodec[RosterEvent] = EventCodec(roster_events_pb2.RosterEvent, metadata, rosters.EVENTS)
    contacts: EventCodec[ContactPointsChanged] = EventCodec(
        contact_events_pb2.ContactEvent, metadata, books.EVENTS
    )
    board: EventCodec[BoardEvent] = EventCodec(board_events_pb2.BoardEvent, metadata, boards.EVENTS)
    drill: EventCodec[DrillEvent] = EventCodec(drill_events_pb2.DrillEvent, metadata, drills.EVENTS)
    plan: EventCodec[DrillPlanEvent] = EventCodec(drill_events_pb2.DrillPlanEvent, metadata, plans.EVENTS)
    return Aggregates(
        alert=AggregateKind(
            name="alert",
            topic=ALERT_TOPIC,
            state_type=Alert,
            evolve=alerts.evolve,
            encode_event=lambda meta, event, state: alert.encode(meta, event),
            decode_event=alert.decode,
            deadlines=alerts.deadlines,
            facets=alerts.facets,
            fold_version=2,
        ),
        roster=AggregateKind(
            name="roster",
            topic=None,
            state_type=Roster,
            evolve=rosters.evolve,
            encode_event=lambda meta, event, state: roster.encode(meta, event),
            decode_event=roster.decode,
            deadlines=rosters.deadlines,
            facets=rosters.facets,
        ),
        contacts=AggregateKind(
            name="contacts",
            topic=None,
            state_type=ContactBook,
            evolve=books.evolve,
            encode_event=lambda meta, event, state: contacts.encode(meta, event),
            decode_event=contacts.decode,
            deadlines=books.deadlines,
            facets=books.facets,
        ),
        board=AggregateKind(
            name="board",
            topic=None,
            state_type=Board,
            evolve=boards.evolve,
            encode_event=lambda meta, event, state: board.encode(meta, event),
            decode_event=board.decode,
            deadlines=boards.deadlines,
            facets=boards.facets,
        ),
        drill=AggregateKind(
            name="drill",
            topic=None,
            state_type=Drill,
            evolve=drills.evolve,
            encode_event=lambda meta, event, state: drill.encode(meta, event),
            decode_event=drill.decode,
            deadlines=drills.deadlines,
            facets=drills.facets,
        ),
        drill_plan=AggregateKind(
            name="drill_plan",
            topic=None,
            state_type=DrillPlan,
            evolve=plans.evolve,
            encode_event=lambda meta, event, state: plan.encode(meta, event),
            decode_event=plan.decode,
            deadlines=plans.deadlines,
            facets=plans.facets,
        ),
    )
