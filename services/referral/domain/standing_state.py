"""The state of a standing order: the fold of its events, and what follows from it alone."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from services.referral.domain.standing_values import (
    StandingOrderState,
    StandingPlan,
    Suspension,
    Visit,
    VisitState,
)
from services.referral.domain.values import CodedReason, Pathway, Urgency
from services.shared.kernel.command import Deadline

LIVE = frozenset({StandingOrderState.ACTIVE, StandingOrderState.SUSPENDED})

#: Visits that take up their time.
TAKING_TIME = frozenset({VisitState.SCHEDULED, VisitState.ATTENDED, VisitState.MISSED})

#: Visits that are over and still shown; older ones are in the timeline.
VISITS_KEPT = 40


@dataclass(frozen=True, kw_only=True, slots=True)
class StandingOrder:
    """Many visits of one referral: haemodialysis three times a week. FHIR `CarePlan` with `Appointment`s."""

    name: str
    version: int
    referral: str
    episode: str
    #: pseudonym
    patient: str
    origin_facility: str
    #: of the visits
    facility: str
    pathway: Pathway
    urgency: Urgency
    state: StandingOrderState
    plan: StandingPlan
    #: those to come and the latest that are over, by their beginning
    visits: tuple[Visit, ...]
    #: YYYY-MM-DD: visits are made up to this day
    scheduled_until: str
    suspensions: tuple[Suspension, ...] = ()
    #: the latest visits that were due and missed
    missed_in_a_row: int = 0
    attended_count: int = 0
    missed_count: int = 0
    moved_count: int = 0
    cancelled_count: int = 0
    #: why it ended
    end_reason: CodedReason | None = None
    create_time: datetime
    update_time: datetime

    #: visits that were ever made: the next one's id
    visits_made: int
    #: when more visits are to be made; None when there are no more, or nobody knows when it goes on
    schedule_at: datetime | None
    #: when its last day is over
    ends_at: datetime


#: Fields of `StandingOrder` that the resource does not show.
INTERNAL_FIELDS = frozenset({"visits_made", "schedule_at", "ends_at"})


@dataclass(frozen=True, kw_only=True, slots=True)
class StandingEnvelope:
    """What stands beside each event's payload in `StandingEvent`: whom it concerns, as of after it."""

    referral: str
    episode: str
    patient: str
    origin_facility: str
    facility: str
    #: as in a referral's events: the rules of alerts read it there
    destination_facility: str
    pathway: Pathway
    urgency: Urgency
    state: StandingOrderState


def envelope(state: StandingOrder) -> StandingEnvelope:
    return StandingEnvelope(
        referral=state.referral,
        episode=state.episode,
        patient=state.patient,
        origin_facility=state.origin_facility,
        facility=state.facility,
        destination_facility=state.facility,
        pathway=state.pathway,
        urgency=state.urgency,
        state=state.state,
    )


def is_live(state: StandingOrder) -> bool:
    return state.state in LIVE


def visit_named(state: StandingOrder, name: str) -> Visit | None:
    for visit in state.visits:
        if visit.id == name:
            return visit
    return None


def scheduled(state: StandingOrder) -> tuple[Visit, ...]:
    """Visits that nobody has said anything of yet."""
    return tuple([visit for visit in state.visits if visit.state is VisitState.SCHEDULED])


def overlapping(state: StandingOrder, starts_at: datetime, *, but: str = "") -> Visit | None:
    """A visit that would be under way at the same time as one beginning at `starts_at`."""
    length = timedelta(minutes=state.plan.duration_minutes)
    for visit in state.visits:
        if visit.id != but and visit.state in TAKING_TIME and abs(visit.starts_at - starts_at) < length:
            return visit
    return None


def missed_run(visits: tuple[Visit, ...]) -> tuple[Visit, ...]:
    """The visits missed since the patient last came, by their beginning."""
    due = [visit for visit in visits if visit.state in (VisitState.ATTENDED, VisitState.MISSED)]
    run: list[Visit] = []
    for visit in sorted(due, key=lambda visit: visit.starts_at, reverse=True):
        if visit.state is VisitState.ATTENDED:
            break
        run.append(visit)
    return tuple(reversed(run))


def deadlines(state: StandingOrder) -> tuple[Deadline, ...]:
    """A visit waits to be recorded, more visits wait to be made, and the last day waits to be over."""
    if state.state not in LIVE:
        return ()
    waiting = scheduled(state)
    found = [Deadline(key=f"visit:{visit.id}", due_at=visit.record_by) for visit in waiting]
    if state.schedule_at is not None:
        found.append(Deadline(key=f"schedule:{state.scheduled_until}", due_at=state.schedule_at))
    # The last visit may be recorded for a while after its day.
    over_at = max([state.ends_at, *[visit.record_by for visit in waiting]])
    found.append(Deadline(key="complete", due_at=over_at))
    return tuple(found)


def facets(state: StandingOrder) -> dict[str, str | bool | list[str]]:
    """What lists are filtered by."""
    days = sorted({visit.day for visit in state.visits})
    return {
        "parties": list(dict.fromkeys((state.origin_facility, state.facility))),
        "live": is_live(state),
        "state": state.state.value,
        "referral": state.referral,
        "episode": state.episode,
        "patient": state.patient,
        "pathway": state.pathway.value,
        "urgency": state.urgency.value,
        "facility": state.facility,
        "days": days,
        "weeks": sorted({week_of(day) for day in days}),
        "created": state.create_time.isoformat(),
    }


def week_of(day: str) -> str:
    """The ISO week of a calendar day, such as 2026-W10."""
    year, week, _ = date.fromisoformat(day).isocalendar()
    return f"{year}-W{week:02}"
