"""The kinds of aggregate that the use cases work with. `main` puts in how each is encoded."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from services.bed.domain.bed_desk import BedDesk
from services.bed.domain.desk_events import DeskEvent
from services.bed.domain.events import Event
from services.bed.domain.state import Ward
from services.shared.eventstore.aggregate import AggregateKind


@dataclass(frozen=True, kw_only=True)
class Aggregates:
    """Every kind of aggregate of this service."""

    ward: AggregateKind[Ward, Event]
    desk: AggregateKind[BedDesk, DeskEvent]

    def by_name(self) -> Mapping[str, AggregateKind[Any, Any]]:
        """Every kind by its name, as the store keeps it."""
        return {self.ward.name: self.ward, self.desk.name: self.desk}
