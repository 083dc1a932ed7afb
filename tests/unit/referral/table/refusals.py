"""Every guard and norm of every row, refusing by itself: the code that people are given.

The command is good but for the one thing that the guard looks at.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import timedelta

from services.referral.domain import commands as c
from services.referral.domain.policy import ReferralPolicy
from services.referral.domain.referral_values import (
    AcceptingClinician,
    Consent,
    CrewLevel,
    HandoverDocument,
    ReferralState,
    Transport,
)
from services.referral.domain.values import Urgency
from tests.unit.referral.referral.chart import Chart
from tests.unit.referral.referral.network import (
    AMBULANCE,
    COORDINATOR,
    EAST,
    GENERAL,
    GENERAL_OFFICE,
    START,
    TOWN,
    WUCAIWAN,
    WUCAIWAN_OFFICE,
)
from tests.unit.referral.referral.stories import (
    ACCEPT,
    ADVANCED,
    ARRANGE,
    ARRIVE,
    BACK,
    CANCEL,
    CLOSE,
    COMPLETE,
    CREATE,
    DEPART,
    ERROR,
    NO_REASON,
    PLAN,
    REASON,
    SUMMARY,
    TO_STATE,
    arrived,
    down_arrived,
    referred_back,
    requested,
)
from tests.unit.referral.table import tales, tales_down
from tests.unit.referral.table.cases import Rejected, Story, Who
from tests.unit.referral.table.moves import ANSWERS, BYPASS, CALLED_AN_ERROR, DIVERT, REROUTE, TAKEN_BACK
from tests.unit.referral.table.moves_plan import AMENDED, DONE, EXPLAINED, MISSED, NOT_NEEDED, STANDING
from tests.unit.referral.table.moves_results import TOO_MANY, with_many_results
from tests.unit.referral.table.moves_review import LEAD, REVIEW, TO_REVIEW
from tests.unit.referral.table.tales import ASK, DECLINE, WITHDRAW, of_custodian

S = ReferralState
BASIC = Transport(crew_level=CrewLevel.BASIC)
NO_DOCUMENT = HandoverDocument(summary=" ")


def _refused(place: S | Story, order: c.Command, who: Who, *codes: str) -> Rejected:
    story = TO_STATE[place] if isinstance(place, S) else place
    return Rejected(command=type(order).__name__, story=story, order=order, who=who, codes=codes)


def _no_hops_left() -> Chart:
    return TO_STATE[S.DECLINED]().fact(policy=ReferralPolicy(hops_max=0))


def _another_live() -> Chart:
    return TO_STATE[S.TREATED]().fact(live=("referrals/other",))


def _reasons() -> Iterator[Rejected]:
    missing = "REASON_MISSING"
    refuse = c.RefuseApproval(reason=NO_REASON)
    yield _refused(S.AWAITING_APPROVAL, refuse, GENERAL_OFFICE, missing)
    for asked in (S.REQUESTED, S.INFO_REQUESTED):
        yield _refused(asked, replace(DECLINE, reason=NO_REASON), GENERAL, missing)
    for taken in (S.ACCEPTED, S.TRANSPORT_ARRANGED):
        yield _refused(taken, replace(WITHDRAW, reason=NO_REASON), GENERAL, missing)
        yield _refused(taken, replace(CANCEL, reason=NO_REASON), WUCAIWAN, missing)
    yield _refused(S.IN_TRANSIT, replace(DIVERT, reason=NO_REASON), AMBULANCE, missing)
    yield _refused(S.REQUESTED, replace(CANCEL, reason=NO_REASON), WUCAIWAN, missing)
    yield _refused(S.REQUESTED, replace(ERROR, reason=NO_REASON), WUCAIWAN, missing)
    yield _refused(S.AWAITING_APPROVAL, replace(ERROR, reason=NO_REASON), GENERAL, missing)


def _asking() -> Iterator[Rejected]:
    closed = "OFFER_NOT_OPEN"
    for order in (c.AcknowledgeOffer(), ASK, ACCEPT, DECLINE):
        yield _refused(tales.other_declined, order, EAST, closed)
    for order in (c.AcknowledgeOffer(), ASK, ACCEPT, DECLINE):
        yield _refused(tales.other_declined_one_asks, order, EAST, closed)
    for asking in (S.REQUESTED, S.INFO_REQUESTED):
        yield _refused(asking, replace(ASK, questions=(" ",)), GENERAL, "QUESTIONS_MISSING")
    yield _refused(S.INFO_REQUESTED, replace(ANSWERS, answers=()), WUCAIWAN, "ANSWERS_MISSING")
    nobody = AcceptingClinician(user="u-li", name=" ")
    yield _refused(S.REQUESTED, replace(ACCEPT, accepting_clinician=nobody), GENERAL, "CLINICIAN_NOT_NAMED")
    yield _refused(_no_hops_left, REROUTE, WUCAIWAN, "HOPS_EXHAUSTED")


def _routine() -> Chart:
    return requested(replace(CREATE, urgency=Urgency.ROUTINE))


def _journey() -> Iterator[Rejected]:
    yield _refused(tales.no_bed_accepted, ARRANGE, WUCAIWAN, "BED_NOT_READY")
    claimed = replace(ARRANGE, emergency_room_bypass=True)
    yield _refused(S.ACCEPTED, claimed, WUCAIWAN, "BYPASS_NOT_GRANTED")
    yield _refused(tales.no_bed_accepted, claimed, AMBULANCE, "BED_NOT_READY", "BYPASS_NOT_GRANTED")
    claimed_late = replace(DEPART, emergency_room_bypass=True)
    yield _refused(S.TRANSPORT_ARRANGED, claimed_late, AMBULANCE, "BYPASS_NOT_GRANTED")
    yield _refused(tales.routine_accepted, BYPASS, GENERAL, "BYPASS_NOT_URGENT")
    yield _refused(S.ACCEPTED, replace(BYPASS, reason=NO_REASON), GENERAL, "REASON_MISSING")
    yield _refused(_routine, replace(ACCEPT, bypass_reason=REASON), GENERAL, "BYPASS_NOT_URGENT")
    yield _refused(S.ACCEPTED, replace(ARRANGE, transport=BASIC), WUCAIWAN, "CREW_TOO_LOW")
    yield _refused(tales.no_bed_accepted, replace(DEPART, transport=ADVANCED), WUCAIWAN, "BED_NOT_READY")
    yield _refused(S.ACCEPTED, DEPART, WUCAIWAN, "TRANSPORT_MISSING")
    yield _refused(S.ACCEPTED, replace(DEPART, transport=BASIC), WUCAIWAN, "CREW_TOO_LOW")
    unsaid = replace(DEPART, handover_document=NO_DOCUMENT)
    yield _refused(S.TRANSPORT_ARRANGED, unsaid, WUCAIWAN, "HANDOVER_MISSING")
    yield _refused(tales.filing_needed, DEPART, GENERAL, "FILING_MISSING")
    here = replace(DIVERT, destination_facility="jimsar-general")
    yield _refused(S.IN_TRANSIT, here, AMBULANCE, "DESTINATION_NOT_NEW")
    past = c.UpdateArrivalEstimate(estimated_arrival_time=START - timedelta(seconds=1))
    for state in (S.TRANSPORT_ARRANGED, S.IN_TRANSIT):
        yield _refused(state, past, AMBULANCE, "IN_THE_PAST")
    later = replace(past, estimated_arrival_time=START + timedelta(hours=9))
    for state in (S.ACCEPTED, S.NO_SHOW, S.ARRIVED, S.CANCEL_REQUESTED):
        yield _refused(state, later, WUCAIWAN, "NOT_ALLOWED_IN_STATE")
    yield _refused(S.IN_TRANSIT, replace(ARRIVE, patient="somebody-else"), GENERAL, "PATIENT_MISMATCH")
    yield _refused(S.TRANSPORT_ARRANGED, c.ReportNoShow(), GENERAL, "WINDOW_NOT_PASSED")


def _care() -> Iterator[Rejected]:
    unsaid = replace(COMPLETE, discharge_summary=replace(SUMMARY, summary=" "))
    yield _refused(S.IN_TREATMENT, unsaid, GENERAL, "DISCHARGE_SUMMARY_MISSING")
    # Tasks without a day are the guard's alone: the norm asks for medication and follow-up too.
    undated = replace(PLAN, red_flags=())
    yield _refused(S.TREATED, replace(BACK, rehabilitation_plan=undated), GENERAL, "PLAN_INCOMPLETE")
    sideways = replace(BACK, destination_facility="east-hospital")
    yield _refused(S.TREATED, sideways, GENERAL, "NOT_DOWNWARD", "CAPABILITY")
    yield _refused(referred_back, BACK, GENERAL, "REFERRED_BACK_ALREADY")
    unread = c.CloseReferral()
    yield _refused(S.TREATED, unread, WUCAIWAN, "REPORT_NOT_ACKNOWLEDGED")
    yield _refused(referred_back, CLOSE, WUCAIWAN, "CHILD_NOT_FOLLOWED_UP")
    follow_up = c.RecordFollowUp(findings="肌力4级")
    yield _refused(arrived, follow_up, GENERAL, "DOWN_ONLY")


def _norms() -> Iterator[Rejected]:
    silent = replace(CREATE, consent=Consent(recorded=False))
    routine = replace(silent, urgency=Urgency.ROUTINE)
    yield _refused(tales.nothing, routine, WUCAIWAN, "CONSENT")
    small = replace(REROUTE, destinations=("jimsar-town",))
    yield _refused(S.DECLINED, small, WUCAIWAN, "CAPABILITY", "NEAREST_CAPABLE")
    yield _refused(_another_live, BACK, GENERAL, "ONE_LIVE")


def _ends() -> Iterator[Rejected]:
    for state in (S.REQUESTED, S.IN_TREATMENT):
        yield Rejected(
            command="RecordDeath",
            story=TO_STATE[state],
            order=lambda chart: c.RecordDeath(died_at=chart.now, certifier=" "),
            who=of_custodian,
            codes=("CERTIFIER_MISSING",),
        )
    marked = CALLED_AN_ERROR[S.TREATED]
    yield _refused(marked, ERROR, WUCAIWAN, "SECOND_APPROVER_MISSING")
    yield _refused(marked, ERROR, WUCAIWAN_OFFICE, "SECOND_APPROVER_MISSING")
    for others in (GENERAL_OFFICE, COORDINATOR):
        yield _refused(S.TREATED, ERROR, others, "ERROR_NOT_CLAIMED")
    yield _refused(marked, replace(ERROR, reason=NO_REASON), GENERAL_OFFICE, "REASON_MISSING")
    yield _refused(S.TREATED, TAKEN_BACK, WUCAIWAN, "ERROR_MARK_NOT_STANDING")


def _plan() -> Iterator[Rejected]:
    for order in (DONE, NOT_NEEDED, EXPLAINED, AMENDED):
        yield _refused(S.ARRIVED, order, GENERAL, "DOWN_ONLY")
    yield _refused(tales_down.task_done, DONE, TOWN, "TASK_SETTLED")
    yield _refused(down_arrived, replace(DONE, task="t2"), TOWN, "TASK_IS_FOLLOW_UP")
    yield _refused(tales_down.task_done, NOT_NEEDED, TOWN, "TASK_NOT_OPEN")
    yield _refused(down_arrived, EXPLAINED, TOWN, "TASK_NOT_MISSED")
    yield _refused(down_arrived, replace(NOT_NEEDED, reason=NO_REASON), TOWN, "REASON_MISSING")
    yield _refused(MISSED[S.ARRIVED], replace(EXPLAINED, reason=NO_REASON), TOWN, "REASON_MISSING")
    yield _refused(down_arrived, replace(AMENDED, reason=NO_REASON), TOWN, "REASON_MISSING")
    yield _refused(STANDING[S.TREATED], CLOSE, WUCAIWAN, "STANDING_RUNNING")
    yield _refused(tales_down.task_left, CLOSE, GENERAL, "TASKS_NOT_SETTLED")


def _review() -> Iterator[Rejected]:
    yield _refused(_nothing_to_review, REVIEW, LEAD, "REVIEW_NOT_OPEN")
    yield _refused(TO_REVIEW[S.ACCEPTED], replace(REVIEW, reason=NO_REASON), LEAD, "REASON_MISSING")


def _nothing_to_review() -> Chart:
    return tales.once_approved(TO_STATE[S.ACCEPTED])


def _results() -> Iterator[Rejected]:
    yield _refused(with_many_results, TOO_MANY, WUCAIWAN, "TOO_MANY_RESULTS")


def _record() -> Iterator[Rejected]:
    yield _refused(S.REQUESTED, c.CompleteRecord(), WUCAIWAN, "NOTHING_GIVEN")


def all_refusals() -> Iterable[Rejected]:
    for part in (_reasons, _asking, _journey, _care, _norms, _ends, _plan, _review, _results, _record):
        yield from part()
