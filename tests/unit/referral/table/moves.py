"""Every move of a referral: from where, by which command, which events, to where.

Source: the state table of the domain contract, row by row in its order.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial

from services.referral.domain import commands as c
from services.referral.domain.commands import BedNews
from services.referral.domain.commands_bypass import GrantBypass
from services.referral.domain.referral_values import ReferralState
from tests.unit.referral.referral.chart import Chart
from tests.unit.referral.referral.children import FOLLOW_UP
from tests.unit.referral.referral.network import (
    AMBULANCE,
    COORDINATOR,
    GENERAL,
    GENERAL_OFFICE,
    SYSTEM,
    TOWN,
    WUCAIWAN,
)
from tests.unit.referral.referral.network import EAST as EAST_CLINICIAN
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
    OUT_OF_COUNTY,
    REASON,
    TO_STATE,
    bed,
    down_arrived,
)
from tests.unit.referral.table import tales, tales_down
from tests.unit.referral.table.cases import Order, Story, Taken, Who, due
from tests.unit.referral.table.moves_plan import plan_moves
from tests.unit.referral.table.moves_record import record_moves
from tests.unit.referral.table.moves_results import result_moves
from tests.unit.referral.table.moves_review import review_moves
from tests.unit.referral.table.moves_steps import step_moves
from tests.unit.referral.table.tales import ASK, DECLINE, NON_TERMINAL, WITHDRAW, of_custodian, of_origin

S = ReferralState
WITH_DESTINATION = NON_TERMINAL[4:]
ANSWERS = c.ProvideInformation(answers=("未见出血",))
REROUTE = c.RerouteReferral(destinations=("east-hospital",))
DIVERT = c.DivertPatient(destination_facility="east-hospital", reason=REASON)
BYPASS = GrantBypass(reason=REASON)
TAKEN_BACK = c.WithdrawErrorMark()
#: By the stories of `TO_STATE`: those in which no destination ever accepted.
NEVER_ACCEPTED = (*NON_TERMINAL[:4], S.CANCELLED, S.EXPIRED, S.DECEASED)
#: Where an acceptance may lie behind: it may have been taken back.
ONCE_ACCEPTED = (*NON_TERMINAL[1:], S.CLOSED, S.CANCELLED, S.EXPIRED, S.DECEASED)
_ACCEPTED_ONCE = {state: partial(tales.once_accepted, state) for state in ONCE_ACCEPTED}
CALLED_AN_ERROR = {state: partial(tales.called_an_error, state) for state in ONCE_ACCEPTED}


def _name(order: Order) -> str:
    return "MeetDeadline" if callable(order) else type(order).__name__


def _move(place: S | Story, order: Order, who: Who, events: str, to: S) -> Taken:
    story = TO_STATE[place] if isinstance(place, S) else place
    return Taken(command=_name(order), story=story, order=order, who=who, events=tuple(events.split()), to=to)


def _asking() -> Iterator[Taken]:
    move = _move
    yield move(tales.nothing, CREATE, WUCAIWAN, "ReferralRequested", S.REQUESTED)
    yield move(tales.nothing, OUT_OF_COUNTY, GENERAL, "ReferralRequested", S.AWAITING_APPROVAL)
    yield move(S.AWAITING_APPROVAL, c.ApproveReferral(), GENERAL_OFFICE, "ReferralApproved", S.REQUESTED)
    approve = c.ApproveReferral()
    yield move(tales.approval_without_destinations, approve, GENERAL_OFFICE, "ReferralApproved", S.DECLINED)
    refuse = c.RefuseApproval(reason=REASON)
    yield move(S.AWAITING_APPROVAL, refuse, GENERAL_OFFICE, "ApprovalRefused", S.DECLINED)
    yield move(S.REQUESTED, c.AcknowledgeOffer(), GENERAL, "OfferAcknowledged", S.REQUESTED)
    yield move(tales.one_asks, c.AcknowledgeOffer(), EAST_CLINICIAN, "OfferAcknowledged", S.INFO_REQUESTED)
    for asking in (S.REQUESTED, S.INFO_REQUESTED):
        yield move(asking, ASK, GENERAL, "InformationRequested", S.INFO_REQUESTED)
    yield move(tales.one_asks, ASK, EAST_CLINICIAN, "InformationRequested", S.INFO_REQUESTED)
    yield move(tales.both_ask, DECLINE, EAST_CLINICIAN, "OfferDeclined", S.INFO_REQUESTED)
    yield move(tales.both_ask, ANSWERS, WUCAIWAN, "InformationProvided", S.REQUESTED)
    yield move(S.INFO_REQUESTED, ANSWERS, WUCAIWAN, "InformationProvided", S.REQUESTED)
    for asked in (S.REQUESTED, S.INFO_REQUESTED):
        yield move(asked, ACCEPT, GENERAL, "ReferralAccepted", S.ACCEPTED)
    yield move(S.REQUESTED, DECLINE, GENERAL, "OfferDeclined", S.DECLINED)
    yield move(tales.listed, DECLINE, GENERAL, "OfferDeclined", S.REQUESTED)
    yield move(tales.both_asked, DECLINE, GENERAL, "OfferDeclined", S.REQUESTED)
    yield move(S.INFO_REQUESTED, DECLINE, GENERAL, "OfferDeclined", S.DECLINED)
    yield move(tales.listed_question, DECLINE, GENERAL, "OfferDeclined", S.REQUESTED)
    yield move(tales.one_asks, DECLINE, GENERAL, "OfferDeclined", S.REQUESTED)
    yield move(tales.one_asks, DECLINE, EAST_CLINICIAN, "OfferDeclined", S.INFO_REQUESTED)
    yield move(S.DECLINED, REROUTE, WUCAIWAN, "ReferralRerouted", S.REQUESTED)
    for taken, listed in (
        (S.ACCEPTED, tales.listed_accepted),
        (S.TRANSPORT_ARRANGED, tales.listed_transport),
    ):
        yield move(taken, WITHDRAW, GENERAL, "AcceptanceWithdrawn", S.DECLINED)
        yield move(listed, WITHDRAW, GENERAL, "AcceptanceWithdrawn", S.REQUESTED)


def _deadlines() -> Iterator[Taken]:
    def meets(place: S | Story, key: str, event: str, to: S) -> Taken:
        return _move(place, due(key), SYSTEM, event, to)

    yield meets(S.REQUESTED, "acknowledge", "OfferOverdue", S.REQUESTED)
    yield meets(tales.one_asks, "acknowledge", "OfferOverdue", S.INFO_REQUESTED)
    yield meets(S.REQUESTED, "decide", "OfferLapsed", S.DECLINED)
    yield meets(tales.listed, "decide", "OfferLapsed", S.REQUESTED)
    yield meets(S.INFO_REQUESTED, "decide", "OfferLapsed", S.DECLINED)
    yield meets(tales.listed_question, "decide", "OfferLapsed", S.REQUESTED)
    yield _move(tales.one_asks, partial(_decides, "east-hospital"), SYSTEM, "OfferLapsed", S.INFO_REQUESTED)
    yield _move(tales.one_asks, partial(_decides, "jimsar-general"), SYSTEM, "OfferLapsed", S.REQUESTED)
    for waiting in (S.AWAITING_APPROVAL, S.DECLINED, *_ASKED_OF_NOBODY):
        yield meets(waiting, "expire", "ReferralExpired", S.EXPIRED)
    yield meets(S.TREATED, "outcome-report", "OutcomeReportOverdue", S.TREATED)
    yield meets(S.CANCEL_REQUESTED, "cancellation", "ReferralCancelled", S.CANCELLED)


_ASKED_OF_NOBODY = [partial(tales.asked_of_nobody, state) for state in (S.REQUESTED, S.INFO_REQUESTED)]


def _decides(facility: str, chart: Chart) -> c.Command:
    """The facility's time for a decision is over."""
    offer = next(each for each in chart.referral.offers if each.facility == facility)
    return due(f"decide:{offer.name}")(chart)


def _beds() -> Iterator[Taken]:
    for state in WITH_DESTINATION:
        for news, number in (
            (BedNews.HELD, 2),
            (BedNews.HOLD_LAPSED, 1),
            (BedNews.OCCUPIED, 1),
            (BedNews.RELEASED, 1),
        ):
            yield _move(state, bed(news, number), SYSTEM, news.value, state)
        yield _move(_LAPSED[state], bed(BedNews.UNAVAILABLE, 2), SYSTEM, "BedUnavailable", state)


_LAPSED = {state: partial(tales.lapsed, state) for state in WITH_DESTINATION}


def _journey() -> Iterator[Taken]:
    move = _move
    for state in (S.ACCEPTED, S.NO_SHOW):
        yield move(state, ARRANGE, WUCAIWAN, "TransportArranged", S.TRANSPORT_ARRANGED)
    yield move(S.ACCEPTED, replace(DEPART, transport=ADVANCED), WUCAIWAN, "PatientDeparted", S.IN_TRANSIT)
    yield move(S.TRANSPORT_ARRANGED, DEPART, AMBULANCE, "PatientDeparted", S.IN_TRANSIT)
    yield move(S.IN_TRANSIT, DIVERT, AMBULANCE, "PatientDiverted", S.IN_TRANSIT)
    for state in (S.ACCEPTED, S.TRANSPORT_ARRANGED, S.IN_TRANSIT, S.CANCEL_REQUESTED):
        yield move(state, ARRIVE, GENERAL, "PatientArrived", S.ARRIVED)
    for state in (S.ACCEPTED, S.TRANSPORT_ARRANGED):
        yield move(_LATER[state], c.ReportNoShow(), GENERAL, "PatientNoShow", S.NO_SHOW)
    # without a bed: not needed, or by the emergency room, which the destination has said
    yield move(tales.no_bed_wanted, ARRANGE, WUCAIWAN, "TransportArranged", S.TRANSPORT_ARRANGED)
    for order in (ARRANGE, replace(ARRANGE, emergency_room_bypass=True)):
        yield move(tales.bypass_granted, order, WUCAIWAN, "TransportArranged", S.TRANSPORT_ARRANGED)
    for order in (DEPART, replace(DEPART, emergency_room_bypass=True)):
        yield move(tales.bypassing, order, WUCAIWAN, "PatientDeparted", S.IN_TRANSIT)
    for state in (S.ACCEPTED, S.TRANSPORT_ARRANGED, S.NO_SHOW):
        yield move(state, BYPASS, GENERAL, "BypassGranted", state)
    filed = replace(DEPART, insurance_filing_number="BA-1")
    yield move(tales.filing_needed, filed, GENERAL, "PatientDeparted", S.IN_TRANSIT)


_LATER = {state: partial(tales.later, state) for state in (S.ACCEPTED, S.TRANSPORT_ARRANGED)}


def _care() -> Iterator[Taken]:
    move = _move
    yield move(S.ARRIVED, c.StartTreatment(), GENERAL, "TreatmentStarted", S.IN_TREATMENT)
    for state in (S.ARRIVED, S.IN_TREATMENT):
        yield move(state, COMPLETE, GENERAL, "TreatmentCompleted", S.TREATED)
    yield move(S.TREATED, BACK, GENERAL, "PatientReferredBack", S.TREATED)
    yield move(down_arrived, FOLLOW_UP, TOWN, "FollowUpRecorded", S.ARRIVED)
    yield move(tales_down.down_in_treatment, FOLLOW_UP, TOWN, "FollowUpRecorded", S.IN_TREATMENT)
    yield move(tales_down.down_treated, FOLLOW_UP, TOWN, "FollowUpRecorded", S.TREATED)
    yield move(S.TREATED, CLOSE, WUCAIWAN, "ReferralClosed", S.CLOSED)
    yield move(tales_down.back_and_followed_up, CLOSE, WUCAIWAN, "ReferralClosed", S.CLOSED)


def _ends() -> Iterator[Taken]:
    move = _move
    for state in (S.AWAITING_APPROVAL, S.REQUESTED, S.INFO_REQUESTED, S.DECLINED, S.NO_SHOW):
        yield move(state, CANCEL, of_origin, "ReferralCancelled", S.CANCELLED)
    for state in (S.ACCEPTED, S.TRANSPORT_ARRANGED):
        yield move(state, CANCEL, WUCAIWAN, "CancellationRequested", S.CANCEL_REQUESTED)
    yield move(S.CANCEL_REQUESTED, c.ConfirmCancellation(), GENERAL, "ReferralCancelled", S.CANCELLED)
    for state in NON_TERMINAL:
        yield Taken(
            command="RecordDeath",
            story=TO_STATE[state],
            order=_death,
            who=of_custodian,
            events=("PatientDied",),
            to=S.DECEASED,
        )
    for state in NEVER_ACCEPTED:
        yield move(state, ERROR, of_origin, "EnteredInError", S.ENTERED_IN_ERROR)
    for state in ONCE_ACCEPTED:
        yield move(_ACCEPTED_ONCE[state], ERROR, of_origin, "ErrorMarkRequested", state)
        marked = CALLED_AN_ERROR[state]
        for second in (GENERAL_OFFICE, COORDINATOR):
            yield move(marked, ERROR, second, "EnteredInError", S.ENTERED_IN_ERROR)
        yield move(marked, TAKEN_BACK, of_origin, "ErrorMarkWithdrawn", state)
        yield move(marked, due("error-mark"), SYSTEM, "ErrorMarkLapsed", state)


def _death(chart: Chart) -> c.Command:
    return c.RecordDeath(died_at=chart.now, certifier="张医生")


def all_moves() -> Iterable[Taken]:
    for part in (
        _asking,
        _deadlines,
        _beds,
        _journey,
        _care,
        _ends,
        record_moves,
        plan_moves,
        review_moves,
        step_moves,
        result_moves,
    ):
        yield from part()
