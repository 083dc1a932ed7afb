"""How the asking of a referral went, or would have gone, in words that both courses share."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from services.referral.domain.values import Pathway, Urgency
from services.referral.domain.what_if_habits import Basis
from services.referral.domain.what_if_record import AnswerKind, RecordedReferral


class Outcome(StrEnum):
    """How the asking ended."""

    ACCEPTED = "ACCEPTED"
    #: nobody was left to ask
    EXHAUSTED = "EXHAUSTED"
    APPROVAL_REFUSED = "APPROVAL_REFUSED"
    #: it ended, or still waits, with somebody asked
    UNDECIDED = "UNDECIDED"
    #: the directory does not have the origin: there is no other course to compare with
    ORIGIN_GONE = "ORIGIN_GONE"


class Assumption(StrEnum):
    """What beside answers is assumed of a course."""

    #: an approval that nobody was asked for takes as long as the middle of those recorded
    APPROVAL_MEDIAN = "APPROVAL_MEDIAN"
    #: as nothing is known of approvals, it takes no time
    APPROVAL_UNKNOWN = "APPROVAL_UNKNOWN"
    #: when the origin's own list came to nothing, the platform's ranking was asked, without a pause
    RANKING_ASKED = "RANKING_ASKED"
    #: the patient leaves as long after the acceptance as was recorded
    DEPARTURE_FOLLOWS = "DEPARTURE_FOLLOWS"


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """One facility that is asked, and what it says."""

    facility: str
    kind: AnswerKind
    wait_s: int
    is_late: bool
    basis: Basis
    #: answers that the assumption rests on; 0 where nothing is assumed
    cases: int
    travel_minutes: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class LeftOut:
    """One that the origin listed and cannot ask."""

    facility: str
    #: norms that stand in the way; NOT_IN_DIRECTORY for one that is not there
    rules: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Course:
    """What happened, or would have."""

    outcome: Outcome
    asked: tuple[Asked, ...]
    accepted_by: str
    #: from the request; None when nobody accepts
    accepted_s: int | None
    #: to who accepts; None when unknown
    travel_minutes: int | None
    #: at the origin; None without a known door-in, a departure or an acceptance
    door_in_door_out_s: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """One referral, both ways."""

    name: str
    episode: str
    origin: str
    urgency: Urgency
    pathway: Pathway
    requested_at: datetime
    recorded: Course
    what_if: Course
    left_out: tuple[LeftOut, ...]
    assumptions: tuple[Assumption, ...]


def recorded_course(referral: RecordedReferral, door_in_at: datetime | None) -> Course:
    """What happened, in the same words."""
    asked = tuple(
        Asked(
            facility=answer.facility,
            kind=answer.kind,
            wait_s=answer.wait_s,
            is_late=answer.is_late,
            basis=Basis.RECORDED,
            cases=0,
            travel_minutes=answer.travel_minutes,
        )
        for answer in referral.answers
    )
    accepted = next((each for each in reversed(asked) if each.facility == referral.accepted_by), None)
    stay_s = None
    if door_in_at is not None and referral.departed_at is not None and accepted is not None:
        stay_s = max(0, round((referral.departed_at - door_in_at).total_seconds()))
    return Course(
        outcome=_recorded_outcome(referral),
        asked=asked,
        accepted_by=referral.accepted_by,
        accepted_s=referral.accepted_s,
        travel_minutes=None if accepted is None else accepted.travel_minutes,
        door_in_door_out_s=stay_s,
    )


def _recorded_outcome(referral: RecordedReferral) -> Outcome:
    if referral.accepted_by:
        return Outcome.ACCEPTED
    if referral.approved is False:
        return Outcome.APPROVAL_REFUSED
    undecided = not referral.answers or referral.answers[-1].kind is AnswerKind.UNDECIDED
    return Outcome.UNDECIDED if undecided else Outcome.EXHAUSTED
