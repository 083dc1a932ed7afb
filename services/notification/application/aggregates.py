"""The kinds of aggregate that the use cases work with. `main` puts in how each is encoded."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from services.notification.domain.alert_fold import AlertEvent
from services.notification.domain.alert_state import Alert
from services.notification.domain.board import Board, BoardEvent
from services.notification.domain.contact_points import ContactBook, ContactPointsChanged
from services.notification.domain.drill import Drill, DrillEvent
from services.notification.domain.drill_plan import DrillPlan, DrillPlanEvent
from services.notification.domain.roster import Roster, RosterEvent
from services.shared.eventstore.aggregate import AggregateKind


@dataclass(frozen=True, kw_only=True)
class Aggregates:
    """Every kind of aggregate of this service."""

    alert: AggregateKind[Alert, AlertEvent]
    roster: AggregateKind[Roster, RosterEvent]
    contacts: AggregateKind[ContactBook, ContactPointsChanged]
    board: AggregateKind[Board, BoardEvent]
    drill: AggregateKind[Drill, DrillEvent]
    drill_plan: AggregateKind[DrillPlan, DrillPlanEvent]

    def by_name(self) -> Mapping[str, AggregateKind[Any, Any]]:
        """Every kind by its name, as the store keeps it."""
        kinds = (self.alert, self.roster, self.contacts, self.board, self.drill, self.drill_plan)
        return {kind.name: kind for kind in kinds}
