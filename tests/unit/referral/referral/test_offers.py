"""Offers: acknowledging, asking, accepting, declining, withdrawing, re-routing."""

from dataclasses import replace
from datetime import timedelta

from services.referral.domain import commands as c
from services.referral.domain.commands_bypass import GrantBypass
from services.referral.domain.events import ReferralAccepted
from services.referral.domain.referral_values import (
    AcceptingClinician,
    BedRegion,
    Dispatch,
    OfferState,
    ReferralState,
)
from services.referral.domain.values import BedType, Scope
from services.referral.domain.worklist import waiting_for
from services.shared.kernel.refusals import NotFound
from tests.unit.referral.referral.chart import Chart, names, where
from tests.unit.referral.referral.network import (
    EAST,
    GENERAL,
    GENERAL_BEDS,
    GENERAL_OFFICE,
    QITAI,
    WUCAIWAN,
    WUCAIWAN_OFFICE,
)
from tests.unit.referral.referral.stories import (
    ACCEPT,
    ADVANCED,
    CREATE,
    DOCTOR,
    NO_REASON,
    REASON,
    ROUTINE,
    accepted,
    bed_held,
    info_requested,
    requested,
    told,
)

DECLINE = c.DeclineReferral(reason=REASON)
WITHDRAW = c.WithdrawAcceptance(reason=REASON)
ASK = c.RequestInformation(questions=("CT？",))
TELL = c.ProvideInformation(answers=("未见出血",))


def offers(chart: Chart) -> list[tuple[str, OfferState]]:
    return [(offer.facility, offer.state) for offer in chart.referral.offers]


def at_once() -> Chart:
    return requested(
        replace(CREATE, destinations=("jimsar-general", "east-hospital"), dispatch=Dispatch.FIRST_TO_ACCEPT)
    )


def in_order() -> Chart:
    return requested(replace(ROUTINE, destinations=("jimsar-general", "east-hospital")))


def test_an_acknowledged_offer_is_no_longer_waited_for() -> None:
    chart = requested()
    assert names(chart.when(c.AcknowledgeOffer(), GENERAL_OFFICE)) == ["OfferAcknowledged"]
    assert offers(chart) == [("jimsar-general", OfferState.ACKNOWLEDGED)]
    assert (chart.referral.state, chart.keys()) == (ReferralState.REQUESTED, ["decide"])


def test_a_second_look_changes_nothing() -> None:
    chart = told((c.AcknowledgeOffer(), GENERAL), chart=requested())
    assert chart.when(c.AcknowledgeOffer(), GENERAL) == ()


def test_questions_wait_for_the_origin() -> None:
    chart = requested()
    chart.refused(replace(ASK, questions=(" ",)), GENERAL, "QUESTIONS_MISSING")
    chart.when(ASK, GENERAL)
    assert where(chart) is ReferralState.INFO_REQUESTED
    assert offers(chart) == [("jimsar-general", OfferState.ACKNOWLEDGED)]
    chart.refused(c.ProvideInformation(answers=()), WUCAIWAN, "ANSWERS_MISSING")
    chart.refused(TELL, GENERAL, "WRONG_FACILITY")
    chart.later(minutes=1).when(TELL, WUCAIWAN_OFFICE)
    (exchange,) = chart.referral.information
    assert (exchange.questions, exchange.answers) == (("CT？",), ("未见出血",))
    assert (exchange.asked_by_facility, exchange.answered_at) == ("jimsar-general", chart.now)
    assert where(chart) is ReferralState.REQUESTED


def test_acceptance_names_a_clinician_and_asks_for_a_bed() -> None:
    chart = requested()
    for user, name in (("", " "), ("u-li", " "), ("", "李医生")):
        nobody = c.AcceptReferral(accepting_clinician=AcceptingClinician(user=user, name=name))
        chart.refused(nobody, GENERAL, "CLINICIAN_NOT_NAMED")
    eta = chart.now + timedelta(minutes=100)
    (event,) = chart.when(replace(ACCEPT, estimated_arrival_time=eta), GENERAL)
    assert isinstance(event, ReferralAccepted)
    assert (event.bed_type, event.sex, event.age_years) == (BedType.STROKE_UNIT, "M", 58)
    assert event.hold_until == eta + timedelta(minutes=30)
    assert chart.referral.estimated_arrival_time == eta
    state = chart.referral
    assert (state.state, state.accepting_clinician) == (ReferralState.ACCEPTED, DOCTOR)
    assert (state.bed_region, state.expires_at) == (BedRegion.REQUESTED, None)
    assert chart.keys() == ["departure", "bed-answer"]


def test_without_an_arrival_the_hold_counts_the_way_from_receipt() -> None:
    chart = requested()
    chart.when(ACCEPT, GENERAL, occurred_at=chart.now - timedelta(hours=9))
    assert chart.referral.hold_until == chart.now + timedelta(minutes=95 + 30)
    assert chart.referral.estimated_arrival_time is None


def test_an_arrival_before_the_acceptance_is_a_wrong_field() -> None:
    chart = requested()
    early = replace(ACCEPT, estimated_arrival_time=chart.now - timedelta(seconds=1))
    chart.refused(early, GENERAL, "IN_THE_PAST")
    assert chart.when(replace(ACCEPT, estimated_arrival_time=chart.now), GENERAL)


def test_only_a_clinician_accepts() -> None:
    requested().refused(ACCEPT, GENERAL_OFFICE, "WRONG_ROLE")
    requested().refused(ACCEPT, GENERAL_BEDS, "WRONG_ROLE")
    assert isinstance(requested().refused(ACCEPT, QITAI), NotFound)
    requested().refused(ACCEPT, WUCAIWAN, "WRONG_FACILITY")


def test_a_question_may_be_answered_by_acceptance_or_decline() -> None:
    assert told((ACCEPT, GENERAL), chart=info_requested()).referral.state is ReferralState.ACCEPTED
    assert told((DECLINE, GENERAL), chart=info_requested()).referral.state is ReferralState.DECLINED


def test_the_first_acceptance_wins_and_withdraws_the_others() -> None:
    chart = told((ACCEPT, EAST), chart=at_once())
    assert offers(chart) == [
        ("jimsar-general", OfferState.WITHDRAWN),
        ("east-hospital", OfferState.ACCEPTED),
    ]
    state = chart.referral
    assert (state.destination_facility, state.scope) == ("east-hospital", Scope.BETWEEN_COMMUNITIES)
    chart.refused(ACCEPT, GENERAL, "NOT_ALLOWED_IN_STATE")


def test_a_closed_offer_cannot_be_answered() -> None:
    for command in (c.AcknowledgeOffer(), ASK, ACCEPT, DECLINE):
        told((DECLINE, EAST), chart=at_once()).refused(command, EAST, "OFFER_NOT_OPEN")


def test_a_decline_needs_a_coded_reason() -> None:
    for story in (requested, info_requested):
        story().refused(c.DeclineReferral(reason=NO_REASON), GENERAL, "REASON_MISSING")


def test_a_closed_offer_stays_closed_while_another_destination_asks() -> None:
    chart = told((DECLINE, EAST), (ASK, GENERAL), chart=at_once())
    chart.refused(DECLINE, EAST, "OFFER_NOT_OPEN")
    chart.refused(ACCEPT, EAST, "OFFER_NOT_OPEN")


def test_guards_that_fail_together_are_named_together() -> None:
    chart = told((DECLINE, EAST), chart=at_once())
    chart.refused(c.DeclineReferral(reason=NO_REASON), EAST, "OFFER_NOT_OPEN", "REASON_MISSING")


def test_a_decline_asks_the_next_in_order() -> None:
    chart = in_order().later(hours=1)
    (event,) = chart.when(DECLINE, GENERAL)
    assert names([event]) == ["OfferDeclined"]
    assert offers(chart) == [("jimsar-general", OfferState.DECLINED), ("east-hospital", OfferState.SENT)]
    state = chart.referral
    assert (state.state, state.next_destinations) == (ReferralState.REQUESTED, ())
    assert state.offers[1].sent_at == chart.now
    assert (state.offers[0].reason, state.destination_facility) == (REASON, "east-hospital")


def test_the_last_decline_ends_in_declined() -> None:
    chart = told((DECLINE, GENERAL), (DECLINE, EAST), chart=in_order())
    assert chart.referral.state is ReferralState.DECLINED
    assert chart.referral.expires_at == chart.now + timedelta(days=7)


def test_a_decline_leaves_the_other_open_offer() -> None:
    chart = told((DECLINE, EAST), chart=at_once())
    assert chart.referral.state is ReferralState.REQUESTED
    assert chart.referral.destination_facility == "jimsar-general"
    assert told((DECLINE, GENERAL), chart=chart).referral.state is ReferralState.DECLINED


def test_a_question_outlives_another_destinations_decline() -> None:
    chart = told((ASK, GENERAL), (DECLINE, EAST), chart=at_once())
    assert chart.referral.state is ReferralState.INFO_REQUESTED
    assert told((TELL, WUCAIWAN), chart=chart).referral.state is ReferralState.REQUESTED


def test_who_asked_and_then_declines_leaves_no_question() -> None:
    chart = told((ASK, GENERAL), (DECLINE, GENERAL), chart=at_once())
    assert chart.referral.state is ReferralState.REQUESTED


def test_a_destination_that_left_the_directory_is_passed_over() -> None:
    chart = in_order()
    gone = dict(chart.directory.facilities)
    del gone["east-hospital"]
    chart.directory = replace(chart.directory, facilities=gone)
    assert told((DECLINE, GENERAL), chart=chart).referral.state is ReferralState.DECLINED


def test_the_next_is_asked_although_the_origin_left_the_directory() -> None:
    chart = in_order()
    gone = dict(chart.directory.facilities)
    del gone["wucaiwan"]
    chart.directory = replace(chart.directory, facilities=gone)
    chart.when(DECLINE, GENERAL)
    assert chart.referral.offers[1].travel_minutes is None
    assert not chart.referral.offers[1].insurance_filing_needed
    assert chart.referral.offers[1].direction is chart.referral.offers[0].direction


def test_the_destination_takes_its_acceptance_back() -> None:
    chart = bed_held()
    eta = chart.now + timedelta(hours=2)
    chart.when(GrantBypass(reason=REASON), GENERAL)
    chart.when(c.ArrangeTransport(transport=ADVANCED, estimated_arrival_time=eta), WUCAIWAN)
    assert chart.referral.emergency_room_bypass
    chart.refused(c.WithdrawAcceptance(reason=NO_REASON), GENERAL, "REASON_MISSING")
    chart.refused(WITHDRAW, WUCAIWAN, "WRONG_FACILITY")
    chart.when(WITHDRAW, GENERAL)
    state = chart.referral
    assert (state.state, offers(chart)) == (
        ReferralState.DECLINED,
        [("jimsar-general", OfferState.WITHDRAWN)],
    )
    assert (state.accepting_clinician, state.transport, state.bed, state.hold_until) == (
        None,
        None,
        None,
        None,
    )
    assert (state.estimated_arrival_time, state.emergency_room_bypass, state.bypass_reason) == (
        None,
        False,
        None,
    )
    assert state.bed_region is BedRegion.REQUESTED


def test_after_a_withdrawal_the_next_in_order_is_asked() -> None:
    chart = told((ACCEPT, GENERAL), (WITHDRAW, GENERAL_OFFICE), chart=in_order())
    assert offers(chart)[1] == ("east-hospital", OfferState.SENT)
    assert chart.referral.state is ReferralState.REQUESTED
    assert told((WITHDRAW, GENERAL), chart=bed_held()).referral.state is ReferralState.DECLINED


def test_an_accepted_referral_has_one_destination_for_all_commands() -> None:
    chart = told((ACCEPT, EAST), chart=at_once())
    chart.refused(WITHDRAW, GENERAL, "WRONG_FACILITY")
    assert accepted().referral.was_accepted


def asked_by_one() -> Chart:
    """The county hospital waits for an answer; the other was asked as well, and has not looked yet."""
    return told((ASK, GENERAL), chart=at_once())


def test_ones_question_does_not_silence_the_other() -> None:
    chart = asked_by_one()
    before = chart.keys()
    assert names(chart.when(c.AcknowledgeOffer(), EAST)) == ["OfferAcknowledged"]
    assert where(chart) is ReferralState.INFO_REQUESTED
    after = chart.keys()
    assert ("acknowledge" in before, "acknowledge" in after) == (True, False)
    assert names(chart.when(replace(ASK, questions=("过敏史？",)), EAST)) == ["InformationRequested"]
    assert where(chart) is ReferralState.INFO_REQUESTED
    assert waiting_for(chart.referral) == ("wucaiwan",)


def test_one_answer_is_for_every_question_that_waits() -> None:
    chart = told((ASK, EAST), (TELL, WUCAIWAN), chart=asked_by_one())
    assert where(chart) is ReferralState.REQUESTED
    assert [each.answers for each in chart.referral.information] == [TELL.answers, TELL.answers]
    assert all(each.answered_at for each in chart.referral.information)
    assert waiting_for(chart.referral) == ("jimsar-general", "east-hospital")


def test_a_decline_leaves_the_others_question_open() -> None:
    chart = told((ASK, EAST), (DECLINE, EAST), chart=asked_by_one())
    assert where(chart) is ReferralState.INFO_REQUESTED
    chart = told((ASK, EAST), (DECLINE, GENERAL), chart=asked_by_one())
    assert where(chart) is ReferralState.INFO_REQUESTED
    chart.when(TELL, WUCAIWAN)
    first, second = chart.referral.information
    assert (first.answers, second.answers) == ((), TELL.answers)


def test_who_declined_asks_no_more() -> None:
    chart = told((DECLINE, EAST), chart=asked_by_one())
    chart.refused(ASK, EAST, "OFFER_NOT_OPEN")
    chart.refused(c.AcknowledgeOffer(), EAST, "OFFER_NOT_OPEN")
