"""When a centre's daily drill is held: one deadline, moved on a day by the event that holds it."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from services.notification.domain.board_policy import BoardPolicy
from services.notification.domain.drill_events import DrillPlanEnded, DrillPlanned
from services.shared.kernel.command import Deadline, Recorded
from services.shared.kernel.ids import resource_name

#: Key of its only deadline.
HOLD = "hold"

DrillPlanEvent = DrillPlanned | DrillPlanEnded
EVENTS: tuple[type, ...] = (DrillPlanned, DrillPlanEnded)


@dataclass(frozen=True, kw_only=True, slots=True)
class DrillPlan:
    """A centre's daily drill."""

    #: `drill_plans/{uuid}`
    name: str
    version: int
    facility: str
    centre: str
    #: None when none is held
    next_at: datetime | None


def plan_name(facility: str, centre: str) -> str:
    """The name of a centre's plan."""
    return resource_name("drill_plans", facility, centre)


def plan(
    state: DrillPlan | None, facility: str, centre: str, next_at: datetime | None
) -> tuple[DrillPlanEvent, ...]:
    """Has the next drill at `next_at`, or none; nothing where it is so."""
    if (state.next_at if state else None) == next_at:
        return ()
    if next_at is None:
        return (DrillPlanEnded(),)
    return (DrillPlanned(facility=facility, centre=centre, next_at=next_at),)


def is_held_at(state: DrillPlan, policy: BoardPolicy) -> bool:
    """Whether the plan follows the site's time: a change of it takes effect before the next drill."""
    if state.next_at is None:
        return policy.drill.at is None
    return policy.next_drill(state.next_at - timedelta(microseconds=1)) == state.next_at


def evolve(state: DrillPlan | None, recorded: Recorded[DrillPlanEvent]) -> DrillPlan:
    """The plan after one more event. Raises ValueError for one that ends before it begins."""
    event, metadata = recorded.event, recorded.metadata
    if isinstance(event, DrillPlanEnded):
        if state is None:
            raise ValueError(f"{metadata.aggregate_id} begins with its end")
        return replace(state, version=metadata.version, next_at=None)
    return DrillPlan(
        name=metadata.aggregate_id,
        version=metadata.version,
        facility=event.facility,
        centre=event.centre,
        next_at=event.next_at,
    )


def deadlines(state: DrillPlan) -> tuple[Deadline, ...]:
    """The next drill."""
    return () if state.next_at is None else (Deadline(key=HOLD, due_at=state.next_at),)


def facets(state: DrillPlan) -> dict[str, str | bool | list[str]]:
    """What lists are filtered by."""
    return {"parties": [state.facility], "live": state.next_at is not None, "facility": state.facility}
