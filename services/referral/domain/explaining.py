"""What is known of a referral before anything is created: the question, the answer, and its order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from services.referral.domain.acceptance_times import Acceptance, ExpectedWait, expected_wait
from services.referral.domain.decide_results import result_faults
from services.referral.domain.directory_state import Directory, Facility
from services.referral.domain.examination_results import ExaminationResult
from services.referral.domain.expected_alerts import ExpectedAlert, expected_alerts
from services.referral.domain.free_beds import FreeBeds, WardBeds, free_beds, free_of
from services.referral.domain.norms import Assessment, Request, assess, destination_faults
from services.referral.domain.norms_channel import channel_faults
from services.referral.domain.norms_move import capable
from services.referral.domain.policy import ReferralPolicy
from services.referral.domain.recognition import (
    ResultRecognition,
    asked_of,
    do_not_repeat,
    recognition,
)
from services.referral.domain.referral_values import (
    ClinicalSummary,
    Consent,
    RuleResult,
)
from services.referral.domain.rehabilitation import RehabilitationPlan
from services.referral.domain.values import BedType, Direction, Pathway, Scope, Urgency
from services.shared.kernel.refusals import FieldViolation, InvalidInput
from services.shared.kernel.text import BilingualText

#: Destinations looked at when the caller names none.
SUGGESTIONS_MAX = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class ExplainReferral:
    """The question of the RPC of the same name."""

    #: empty is the caller's
    origin_facility: str = ""
    episode: str = ""
    #: every capable facility when empty, the nearest first, at most SUGGESTIONS_MAX
    destinations: tuple[str, ...] = ()
    urgency: Urgency
    pathway: Pathway
    green_channel: str = ""
    clinical_summary: ClinicalSummary | None = None
    consent: Consent | None = None
    rehabilitation_plan: RehabilitationPlan | None = None
    #: destinations are compared by free beds of this type; None is all of them
    bed_type: BedType | None = None
    #: those that would travel with the patient
    results: tuple[ExaminationResult, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class DestinationExplanation:
    """The answer for one destination, as the RPC gives it."""

    facility: str
    facility_name: BilingualText
    direction: Direction
    scope: Scope
    travel_minutes: int | None
    #: as if it were asked first
    norms: tuple[RuleResult, ...]
    needs_approval: bool
    #: every norm passes, if it is asked first
    allowed: bool
    #: by type; empty when nothing is known
    free_beds: tuple[FreeBeds, ...]
    #: None when it would be based on too few cases
    expected_wait: ExpectedWait | None
    alerts: tuple[ExpectedAlert, ...]
    #: every norm passes at this place of the order: those before it were asked before
    allowed_in_order: bool
    approval_in_retrospect: bool
    insurance_filing_needed: bool
    #: whose referral office approves or reviews; empty when nobody must
    approval_facility: str
    #: by its green channel: LEVEL_BY_LEVEL, APPROVAL_QUEUE, DEPOSIT
    skips: tuple[str, ...] = ()
    #: one for each result, in the order of the question; a result's name is its place there
    recognitions: tuple[ResultRecognition, ...] = ()
    #: those that it would recognise
    do_not_repeat: tuple[ResultRecognition, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Known:
    """What the platform knows of one facility beside the directory."""

    wards: tuple[WardBeds, ...] = ()
    #: recent ones of the urgency in question
    acceptances: tuple[Acceptance, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """A question with the facilities that it is about."""

    request: Request
    candidates: tuple[Facility, ...]
    bed_type: BedType | None
    results: tuple[ExaminationResult, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class _Candidate:
    """One destination with everything that it is compared by."""

    alone: Assessment
    beds: tuple[FreeBeds, ...]
    wait: ExpectedWait | None


def question(
    query: ExplainReferral,
    *,
    actor_facility: str,
    directory: Directory,
    policy: ReferralPolicy,
    live_referrals: tuple[str, ...] = (),
    now: datetime,
) -> Question:
    """Whom the question is about: the named destinations, or the nearest capable ones.

    Raises InvalidInput for an unknown facility, and for results that no referral would take.
    """
    origin_id = query.origin_facility or actor_facility
    origin = directory.facility(origin_id)
    faults = destination_faults(directory, origin_id, query.destinations) if query.destinations else []
    if origin is None:
        description = f"facility {origin_id} is not in the directory"
        fault = FieldViolation(field="origin_facility", reason="UNKNOWN_FACILITY", description=description)
        faults.insert(0, fault)
    faults += channel_faults(directory, query.green_channel)
    faults += result_faults(query.results, now, policy)
    if origin is None or faults:
        raise InvalidInput(*faults)
    request = Request(
        directory=directory,
        policy=policy,
        origin=origin,
        urgency=query.urgency,
        pathway=query.pathway,
        consent=query.consent,
        rehabilitation_plan=query.rehabilitation_plan,
        live_referrals=live_referrals,
        green_channel=query.green_channel,
        listed=query.destinations,
    )
    named = [directory.facilities[each] for each in query.destinations]
    return Question(
        request=request,
        candidates=tuple(named or _suggested(request)),
        bed_type=query.bed_type,
        results=tuple([replace(each, name=f"results/{place}") for place, each in enumerate(query.results)]),
    )


def explain(asked: Question, known: Mapping[str, Known], now: datetime) -> tuple[DestinationExplanation, ...]:
    """One answer for each candidate, the best first (`_order`).

    Each is judged as if it were asked first, for it may be; and once more at its place in the answer.
    """
    policy = asked.request.policy
    found = []
    for facility in asked.candidates:
        of_it = known.get(facility.id, Known())
        found.append(
            _Candidate(
                alone=assess(asked.request, (facility,))[0],
                beds=free_beds(of_it.wards, now, policy.bed_counts_stale_s),
                wait=expected_wait(of_it.acceptances, asked.request.urgency, now, policy),
            )
        )
    found.sort(key=lambda each: _order(each, asked.bed_type))
    in_order = assess(asked.request, [each.alone.facility for each in found])
    return tuple(
        [_explanation(each, placed, asked, now) for each, placed in zip(found, in_order, strict=True)]
    )


def _order(
    candidate: _Candidate, bed_type: BedType | None
) -> tuple[bool, bool, int, bool, int, bool, int, str]:
    """The best first: norms, travel time (unknown last, in the county first), free beds, expected wait, id.

    The id makes the order total: the same facts give the same answer, whatever order they came in.
    """
    alone, wait = candidate.alone, candidate.wait
    minutes = alone.travel_minutes
    return (
        not alone.allowed,
        minutes is None,
        minutes or 0,
        minutes is None and alone.scope is Scope.OUT_OF_COUNTY,
        -free_of(candidate.beds, bed_type),
        wait is None,
        0 if wait is None else wait.median_s,
        alone.facility.id,
    )


def _suggested(request: Request) -> Sequence[Facility]:
    """Capable facilities, the nearest first; where the way is unknown, by county and id."""
    directory, origin = request.directory, request.origin
    candidates = []
    for facility in directory.facilities.values():
        direction = directory.direction(origin, facility)
        if facility.id != origin.id and capable(facility, request.pathway, direction):
            minutes = directory.travel_minutes(origin.id, facility.id)
            scope = directory.scope(origin, facility)
            far = (minutes is None, minutes or 0, scope is Scope.OUT_OF_COUNTY, facility.id)
            candidates.append((far, facility))
    candidates.sort(key=lambda each: each[0])
    return [facility for _, facility in candidates[:SUGGESTIONS_MAX]]


def _explanation(
    candidate: _Candidate, placed: Assessment, asked: Question, now: datetime
) -> DestinationExplanation:
    alone, request = candidate.alone, asked.request
    recognitions = tuple(
        [
            recognition(
                asked_of(
                    result,
                    alone.facility.id,
                    directory=request.directory,
                    policy=request.policy.recognition,
                    now=now,
                )
            )
            for result in asked.results
        ]
    )
    leaves = alone.needs_approval or alone.approval_in_retrospect
    return DestinationExplanation(
        facility=alone.facility.id,
        facility_name=alone.facility.name,
        direction=alone.direction,
        scope=alone.scope,
        travel_minutes=alone.travel_minutes,
        norms=alone.norms,
        needs_approval=alone.needs_approval,
        allowed=alone.allowed,
        free_beds=candidate.beds,
        expected_wait=candidate.wait,
        alerts=expected_alerts(alone, request),
        allowed_in_order=placed.allowed,
        approval_in_retrospect=alone.approval_in_retrospect,
        insurance_filing_needed=alone.insurance_filing_needed,
        approval_facility=request.directory.lead_of(request.origin) if leaves else "",
        skips=alone.skips,
        recognitions=recognitions,
        do_not_repeat=do_not_repeat(recognitions),
    )
