"""A drill: a silent test alert to a centre, and how long it took until somebody answered."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from statistics import median

from services.notification.domain.drill_events import (
    DrillAnswered,
    DrillClosed,
    DrillMissed,
    DrillNotHeld,
    DrillStarted,
)
from services.shared.kernel.actor import Actor
from services.shared.kernel.command import Deadline, EventMetadata, Recorded
from services.shared.kernel.ids import resource_name

#: Rule of the test alert.
DRILL = "DRILL"
#: Keys of its deadlines: until when to answer, and that the answered alert goes from the boards.
MISSED, CLOSE = "missed", "close"

DrillEvent = DrillStarted | DrillAnswered | DrillMissed | DrillNotHeld | DrillClosed
EVENTS: tuple[type, ...] = (DrillStarted, DrillAnswered, DrillMissed, DrillNotHeld, DrillClosed)


class DrillState(StrEnum):
    """What became of a drill."""

    OPEN = "OPEN"
    ANSWERED = "ANSWERED"
    MISSED = "MISSED"
    NOT_HELD = "NOT_HELD"


@dataclass(frozen=True, kw_only=True, slots=True)
class Drill:
    """A silent test alert. 演练"""

    #: `drills/{uuid}`
    name: str
    version: int
    facility: str
    centre: str
    state: DrillState
    scheduled: bool
    started_at: datetime
    answer_by: datetime | None = None
    answered_at: datetime | None = None
    answered_by: Actor | None = None
    #: from the start to the answer
    response_ms: int | None = None
    alert: str = ""
    without_board: bool = False
    #: its alert is off the boards
    closed: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class StartDrill:
    """A person starts one now."""

    #: empty for the caller's own
    facility: str
    #: empty for the facility's first
    centre: str


@dataclass(frozen=True, kw_only=True, slots=True)
class DrillSummary:
    """How a centre answers its drills."""

    facility: str
    centre: str
    held: int
    answered: int
    missed: int
    not_held: int
    median_response_ms: int | None
    slowest_response_ms: int | None


COMMANDS: tuple[type, ...] = (StartDrill,)


def scheduled_drill_name(plan: str, due_at: datetime) -> str:
    """Of the plan's drill that is due then: so there is one of it, whoever starts it."""
    return resource_name("drills", plan, due_at.isoformat())


def drill_key(name: str) -> str:
    """The dedup key of a drill's alert."""
    return f"{DRILL}/{name}"


def drill_alert_name(name: str) -> str:
    """The name of a drill's alert."""
    return resource_name("alerts", drill_key(name))


def start(
    name: str,
    *,
    facility: str,
    centre: str,
    scheduled: bool,
    without_board: bool,
    at: datetime,
    answer_within_s: int,
) -> DrillStarted:
    """A drill that begins at `at`."""
    return DrillStarted(
        facility=facility,
        centre=centre,
        scheduled=scheduled,
        answer_by=at + timedelta(seconds=answer_within_s),
        alert=drill_alert_name(name),
        without_board=without_board,
    )


def answer(state: Drill | None) -> tuple[DrillEvent, ...]:
    """Somebody answered the test alert; nothing for one that is over."""
    return (DrillAnswered(),) if state is not None and state.state is DrillState.OPEN else ()


def meet_deadline(state: Drill, key: str) -> tuple[DrillEvent, ...]:
    """Nothing for a key that is open no longer. That it is due is the database's to say."""
    if key not in {deadline.key for deadline in deadlines(state)}:
        return ()
    return (DrillMissed(),) if key == MISSED else (DrillClosed(),)


def evolve(state: Drill | None, recorded: Recorded[DrillEvent]) -> Drill:
    """The drill after one more event. Raises ValueError for one that does not begin at its beginning."""
    event, metadata = recorded.event, recorded.metadata
    if state is None:
        return _begun(event, metadata)
    after = replace(state, version=metadata.version)
    match event:
        case DrillAnswered():
            taken = metadata.recorded_at - state.started_at
            return replace(
                after,
                state=DrillState.ANSWERED,
                answered_at=metadata.recorded_at,
                answered_by=metadata.actor,
                response_ms=max(0, round(taken / timedelta(milliseconds=1))),
            )
        case DrillMissed():
            return replace(after, state=DrillState.MISSED, closed=True)
        case DrillClosed():
            return replace(after, closed=True)
        case _:
            raise ValueError(f"{state.name} has begun before")


def _begun(event: DrillEvent, metadata: EventMetadata) -> Drill:
    match event:
        case DrillStarted():
            return Drill(
                name=metadata.aggregate_id,
                version=metadata.version,
                facility=event.facility,
                centre=event.centre,
                state=DrillState.OPEN,
                scheduled=event.scheduled,
                started_at=metadata.recorded_at,
                answer_by=event.answer_by,
                alert=event.alert,
                without_board=event.without_board,
            )
        case DrillNotHeld():
            return Drill(
                name=metadata.aggregate_id,
                version=metadata.version,
                facility=event.facility,
                centre=event.centre,
                state=DrillState.NOT_HELD,
                scheduled=True,
                started_at=event.due_at,
                closed=True,
            )
        case _:
            raise ValueError(f"{metadata.aggregate_id} begins with {metadata.type}")


def deadlines(state: Drill) -> tuple[Deadline, ...]:
    """Until when to answer; once answered, that its alert goes."""
    if state.state is DrillState.OPEN and state.answer_by is not None:
        return (Deadline(key=MISSED, due_at=state.answer_by),)
    if state.state is DrillState.ANSWERED and not state.closed and state.answered_at is not None:
        return (Deadline(key=CLOSE, due_at=state.answered_at),)
    return ()


def facets(state: Drill) -> dict[str, str | bool | list[str]]:
    """What lists are filtered by."""
    return {
        "parties": [state.facility],
        "live": state.state is DrillState.OPEN,
        "facility": state.facility,
        "state": state.state.value,
    }


def summaries(drills: Iterable[Drill]) -> tuple[DrillSummary, ...]:
    """By facility and centre, in their order."""
    by_centre: dict[tuple[str, str], list[Drill]] = {}
    for drill in drills:
        by_centre.setdefault((drill.facility, drill.centre), []).append(drill)
    return tuple(_summary(*centre, held) for centre, held in sorted(by_centre.items()))


def _summary(facility: str, centre: str, drills: list[Drill]) -> DrillSummary:
    def count(state: DrillState) -> int:
        return sum(drill.state is state for drill in drills)

    took = [drill.response_ms for drill in drills if drill.response_ms is not None]
    return DrillSummary(
        facility=facility,
        centre=centre,
        held=len(drills) - count(DrillState.NOT_HELD),
        answered=count(DrillState.ANSWERED),
        missed=count(DrillState.MISSED),
        not_held=count(DrillState.NOT_HELD),
        median_response_ms=round(median(took)) if took else None,
        slowest_response_ms=max(took, default=None),
    )
