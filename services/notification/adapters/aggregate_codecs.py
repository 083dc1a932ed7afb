"""How each kind of aggregate of this service is encoded: domain values to the messages of `protos/`."""

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
from services.shared.protocodec.stored_kind import stored_kind
from tierlink.notification.v1 import (
    alert_events_pb2,
    board_events_pb2,
    contact_events_pb2,
    drill_events_pb2,
    roster_events_pb2,
)

ALERT_TOPIC = "tierlink.notification.events.v1"
#: Kinds whose events operators may export as they are stored; how somebody is reached is not for them.
EXPORTED_KINDS = frozenset({"alert", "roster", "board", "drill", "drill_plan"})


def build_aggregates() -> Aggregates:
    """Compiles the codecs. Raises CodecMismatch when an event and its message do not fit."""
    # A state that got another field is of another fold: a snapshot without it is not the fold of the events,
    # byte for byte, and the audit would say so.
    return Aggregates(
        alert=stored_kind(
            "alert", Alert, alerts, alert_events_pb2.AlertEvent, topic=ALERT_TOPIC, fold_version=2
        ),
        roster=stored_kind("roster", Roster, rosters, roster_events_pb2.RosterEvent, fold_version=2),
        contacts=stored_kind("contacts", ContactBook, books, contact_events_pb2.ContactEvent),
        board=stored_kind("board", Board, boards, board_events_pb2.BoardEvent, fold_version=2),
        drill=stored_kind("drill", Drill, drills, drill_events_pb2.DrillEvent),
        drill_plan=stored_kind("drill_plan", DrillPlan, plans, drill_events_pb2.DrillPlanEvent),
    )
