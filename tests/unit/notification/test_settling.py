"""What an event makes moot, seen on a desk that works as the service does: first settle, then trigger."""

from collections.abc import Mapping

import pytest

from services.notification.domain.duty_steps import Rosters
from services.notification.domain.occurrence import Occurrence
from services.notification.domain.values import AlertState
from tests.unit.notification.desk import Desk
from tests.unit.notification.occurrences import (
    BED,
    CRITICAL_REPORT,
    DIVERTED,
    ETA,
    EXHAUSTED,
    HOLD,
    SECOND_OFFER,
    TO_PREFECTURE,
    WARD,
    asked_for_consultation,
    occurrence,
    offer,
)
from tests.unit.notification.scenario import (
    BRANCH,
    CONSULTATION,
    HOSPITAL,
    OFFER,
    OTHER_REFERRAL,
    PREFECTURE,
    REFERRAL,
)

ASKED = occurrence("ReferralRequested", {"offers": [offer(), offer(SECOND_OFFER, PREFECTURE)]})
ANSWER = {"offer": OFFER, "facility": HOSPITAL}
ACCEPTED = occurrence("ReferralAccepted", ANSWER | {"estimated_arrival_time": ETA})
DEPARTED = occurrence("PatientDeparted", {"destination_facility": HOSPITAL, "estimated_arrival_time": ETA})
QUESTION = occurrence("InformationRequested", ANSWER)
WITHDRAWN = occurrence("AcceptanceWithdrawn", ANSWER)
ARRIVED = occurrence("PatientArrived", {"facility": HOSPITAL})


@pytest.mark.parametrize(
    "event_type", ["OfferAcknowledged", "OfferDeclined", "OfferLapsed", "InformationRequested"]
)
def test_an_answer_settles_the_alert_of_its_own_offer_alone(event_type: str) -> None:
    desk = Desk().see(ASKED, occurrence(event_type, ANSWER))
    (left,) = [state for state in desk.live() if state.rule == "OFFER"]
    assert left.facility == PREFECTURE


def test_an_acceptance_settles_every_offer_and_says_by_what() -> None:
    desk = Desk().see(ASKED, ACCEPTED)
    assert desk.open_rules() == ["REFERRAL_ACCEPTED"]
    resolved = [state for state in desk.alerts.values() if state.rule == "OFFER"]
    assert {state.resolution for state in resolved} == {"ReferralAccepted"}
    assert len(resolved) == 2


def test_another_patient_s_alerts_stay() -> None:
    other = occurrence("ReferralRequested", {"offers": [offer("offers/other")]}, of=OTHER_REFERRAL)
    desk = Desk().see(ASKED, other, ACCEPTED)
    assert [state.subject for state in desk.live() if state.rule == "OFFER"] == [OTHER_REFERRAL]


@pytest.mark.parametrize(
    ("before", "triggered_rule", "settling"),
    [
        (occurrence("ReferralRequested", {"needs_approval": True, "approval_facility": HOSPITAL}),
         "APPROVAL_NEEDED", occurrence("ReferralApproved")),
        (occurrence("ReferralRequested", {"needs_approval": True, "approval_facility": HOSPITAL}),
         "APPROVAL_NEEDED", occurrence("ApprovalRefused")),
        (occurrence("ApprovalRefused"), "APPROVAL_REFUSED", occurrence("ReferralRerouted")),
        (occurrence("OfferOverdue", ANSWER), "OFFER_OVERDUE", occurrence("OfferAcknowledged", ANSWER)),
        (occurrence("OfferOverdue", ANSWER), "OFFER_UNANSWERED", occurrence("OfferDeclined", ANSWER)),
        (occurrence("OfferOverdue", ANSWER), "OFFER_UNANSWERED", ACCEPTED),
        (occurrence("OfferLapsed", ANSWER), "OFFER_LAPSED", ACCEPTED),
        (occurrence("OfferDeclined", EXHAUSTED), "OFFERS_EXHAUSTED", occurrence("ReferralRerouted")),
        (QUESTION, "INFORMATION_REQUESTED", occurrence("InformationProvided")),
        (QUESTION, "INFORMATION_REQUESTED", ACCEPTED),
        (ACCEPTED, "REFERRAL_ACCEPTED", DEPARTED),
        (ACCEPTED, "REFERRAL_ACCEPTED", occurrence("CancellationRequested")),
        (WITHDRAWN, "ACCEPTANCE_WITHDRAWN", ACCEPTED),
        (occurrence("BedUnavailable", {"bed": BED}), "BED_UNAVAILABLE", occurrence("BedHeld", {"bed": BED})),
        (occurrence("BedUnavailable", {"bed": BED}), "BED_UNAVAILABLE_ORIGIN", DEPARTED),
        (occurrence("BedHoldLapsed", {"bed": BED}), "BED_HOLD_LAPSED", WITHDRAWN),
        (occurrence("BedHoldLapsed", {"bed": BED}), "BED_HOLD_LAPSED_ORIGIN", ARRIVED),
        (occurrence("CancellationRequested"), "CANCELLATION_REQUESTED", ARRIVED),
        (DEPARTED, "PATIENT_ON_THE_ROAD", ARRIVED),
        (DEPARTED, "PATIENT_ON_THE_ROAD", occurrence("PatientDiverted", DIVERTED)),
        (occurrence("PatientDiverted", DIVERTED), "PATIENT_DIVERTED", ARRIVED),
        (occurrence("PatientDiverted", DIVERTED), "PATIENT_DIVERTED_AWAY", ARRIVED),
        (occurrence("ArrivalOverdue"), "ARRIVAL_OVERDUE", ARRIVED),
        (occurrence("ArrivalOverdue"), "ARRIVAL_OVERDUE_ORIGIN", ARRIVED),
        (occurrence("PatientNoShow", {"facility": HOSPITAL}), "PATIENT_NO_SHOW", DEPARTED),
        (occurrence("OutcomeReportOverdue"), "OUTCOME_REPORT_OVERDUE", occurrence("ReferralClosed")),
        (occurrence("RecordOverdue", {"facility": BRANCH}), "RECORD_OVERDUE", occurrence("RecordCompleted")),
        (
            occurrence("RecordOverdue", {"facility": BRANCH}),
            "RECORD_OVERDUE",
            occurrence("RecordLeftIncomplete"),
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else value.event_type,
)  # fmt: skip
def test_what_a_referral_event_makes_moot(
    before: Occurrence, triggered_rule: str, settling: Occurrence
) -> None:
    desk = Desk().see(before)
    assert triggered_rule in desk.open_rules()
    name = next(state.name for state in desk.live() if state.rule == triggered_rule)
    desk.see(settling)
    assert desk.alerts[name].state is AlertState.RESOLVED
    assert desk.alerts[name].resolution == settling.event_type


def test_an_answered_question_asks_the_destination_to_decide_until_it_does() -> None:
    desk = Desk().see(ASKED, QUESTION, occurrence("InformationProvided"))
    assert "INFORMATION_PROVIDED" in desk.open_rules()
    desk.see(QUESTION)
    assert "INFORMATION_PROVIDED" not in desk.open_rules()
    desk.see(occurrence("InformationProvided"), occurrence("OfferDeclined", ANSWER))
    assert "INFORMATION_PROVIDED" not in desk.open_rules()


@pytest.mark.parametrize(
    "event_type", ["ReferralClosed", "ReferralCancelled", "PatientDied", "EnteredInError"]
)
def test_the_end_of_a_referral_settles_all_that_is_about_it(event_type: str) -> None:
    overdue = occurrence("BedHoldOverdue", {"hold": HOLD}, of=WARD, facility=HOSPITAL)
    desk = Desk().see(
        ASKED, occurrence("OfferOverdue", ANSWER), occurrence("BedUnavailable", {"bed": BED}), overdue
    )
    assert len(desk.live()) == 7
    assert desk.see(occurrence(event_type)).live() == []


def test_an_expiry_settles_the_offers_and_asks_the_origin() -> None:
    desk = Desk().see(ASKED, occurrence("ReferralExpired"))
    assert desk.open_rules() == ["REFERRAL_EXPIRED"]


def test_a_patient_diverted_back_is_announced_again() -> None:
    back = occurrence(
        "PatientDiverted", DIVERTED | {"from_facility": PREFECTURE, "destination_facility": HOSPITAL}
    )
    desk = Desk().see(back, TO_PREFECTURE, back)
    coming = [state for state in desk.live() if state.rule == "PATIENT_DIVERTED"]
    assert [state.facility for state in coming] == [HOSPITAL]
    told = [state for state in desk.alerts.values() if state.rule == "PATIENT_DIVERTED"]
    assert len({state.name for state in told}) == 3, "the second to the hospital is a new alert"


def of_consultation(event_type: str, fields: Mapping[str, object] | None = None) -> Occurrence:
    return occurrence(event_type, fields, of=CONSULTATION)


REPORTED = of_consultation("ConsultationReported", {"report": {"critical_value": False}})


def test_a_claim_settles_the_request_and_its_release_asks_again() -> None:
    desk = Desk().see(asked_for_consultation(), of_consultation("ConsultationClaimed"))
    assert desk.open_rules() == []
    assert desk.see(of_consultation("ClaimReleased")).open_rules() == ["CONSULTATION_REQUESTED"]


def test_a_report_settles_the_overdue_alert_and_a_resubmission_the_return() -> None:
    desk = Desk().see(asked_for_consultation(), of_consultation("ConsultationOverdue"))
    assert desk.open_rules() == ["CONSULTATION_OVERDUE", "CONSULTATION_REQUESTED"]
    assert desk.see(of_consultation("ConsultationReturned")).open_rules() == ["CONSULTATION_RETURNED"]
    assert desk.see(of_consultation("ConsultationResubmitted")).open_rules() == ["CONSULTATION_REQUESTED"]
    assert desk.see(REPORTED).open_rules() == ["CONSULTATION_REPORTED"]
    assert desk.see(of_consultation("ReportAmended", {"report": {}})).open_rules() == ["REPORT_AMENDED"]


def test_a_referral_that_follows_a_report_settles_what_it_asked_for() -> None:
    following = occurrence("ReferralRequested", {"consultation": CONSULTATION, "offers": []})
    assert Desk().see(asked_for_consultation(), REPORTED, following).open_rules() == []
    critical = of_consultation("ConsultationReported", CRITICAL_REPORT)
    desk = Desk().see(asked_for_consultation(), critical)
    assert desk.open_rules() == ["CRITICAL_VALUE", "CRITICAL_VALUE_CENTRE"]
    # The critical value is acknowledged by name, whatever else is done.
    assert desk.see(following).open_rules() == ["CRITICAL_VALUE"]
    assert desk.see(of_consultation("CriticalValueAcknowledged")).open_rules() == []
    unrelated = occurrence("ReferralRequested", {"consultation": "", "offers": []})
    assert Desk().see(asked_for_consultation(), REPORTED, unrelated).open_rules() == ["CONSULTATION_REPORTED"]


def test_a_cancelled_consultation_asks_nobody() -> None:
    desk = Desk().see(asked_for_consultation(), of_consultation("ConsultationOverdue"))
    assert desk.see(of_consultation("ConsultationCancelled")).live() == []


@pytest.mark.parametrize("event_type", ["BedHoldExtended", "BedOccupied", "BedReleased", "BedHoldLapsed"])
def test_what_becomes_of_a_hold_settles_the_alert_of_that_hold_alone(event_type: str) -> None:
    other = HOLD | {"name": "holds/2", "referral": OTHER_REFERRAL}
    overdue = [
        occurrence("BedHoldOverdue", {"hold": hold}, of=WARD, facility=HOSPITAL) for hold in (HOLD, other)
    ]
    desk = Desk().see(*overdue, occurrence(event_type, {"hold": HOLD}, of=WARD, facility=HOSPITAL))
    assert [state.subject for state in desk.live()] == [OTHER_REFERRAL]


def test_counts_that_agree_again_settle_the_alert() -> None:
    differs = occurrence("CountsConfirmed", {"differs": True}, of=WARD, facility=HOSPITAL)
    agrees = occurrence("CountsConfirmed", {"differs": False}, of=WARD, facility=HOSPITAL)
    desk = Desk().see(differs, differs)
    assert len(desk.alerts) == 1, "the same thing again is the same alert"
    assert desk.see(agrees).live() == []
    unset = occurrence("CountsConfirmed", {}, of=WARD, facility=HOSPITAL)
    assert desk.see(differs, unset).live() == [], "what is unset counts as false"
    assert desk.see(differs).open_rules() == ["COUNTS_DIFFER"]


def test_that_nobody_was_on_duty_is_moot_with_the_alert_that_nobody_got() -> None:
    desk = Desk(Rosters(own=None, lead=None)).see(ASKED)
    assert desk.open_rules() == ["NOBODY_ON_DUTY", "NOBODY_ON_DUTY", "OFFER", "OFFER"]
    desk.see(occurrence("OfferDeclined", ANSWER))
    assert desk.open_rules() == ["NOBODY_ON_DUTY", "OFFER"]
    assert desk.see(ACCEPTED).open_rules() == ["REFERRAL_ACCEPTED"]


def test_the_main_case_leaves_nothing_open() -> None:
    """Case J1: consultation, referral, transport, arrival, and the way back."""
    consulted = asked_for_consultation(kind="TELECONSULTATION", pathway="STROKE")
    asked = occurrence("ReferralRequested", {"offers": [offer()], "consultation": CONSULTATION})
    desk = Desk().see(consulted)
    steps = [
        (of_consultation("ConsultationClaimed"), []),
        (REPORTED, ["CONSULTATION_REPORTED"]),
        (asked, ["OFFER"]),
        (occurrence("OfferAcknowledged", ANSWER), []),
        (ACCEPTED, ["REFERRAL_ACCEPTED"]),
        (occurrence("BedHeld", {"bed": BED}), ["REFERRAL_ACCEPTED"]),
        (DEPARTED, ["PATIENT_ON_THE_ROAD"]),
        (ARRIVED, []),
        (occurrence("TreatmentCompleted", {"facility": HOSPITAL}), []),
    ]
    for event, open_rules in steps:
        assert desk.see(event).open_rules() == open_rules, event.event_type
    desk.see(going_down("ReferralRequested", {"offers": [offer("offers/back", BRANCH)]}))
    assert [(state.rule, state.facility, state.role) for state in desk.live()] == [
        ("OFFER", BRANCH, "referral_office")
    ]
    desk.see(going_down("ReferralAccepted", {"facility": BRANCH}))
    desk.see(going_down("ReferralClosed"), occurrence("ReferralClosed"))
    assert desk.live() == []
    assert {state.subject for state in desk.alerts.values()} == {CONSULTATION, REFERRAL, OTHER_REFERRAL}


def going_down(event_type: str, fields: Mapping[str, object] | None = None) -> Occurrence:
    return occurrence(
        event_type,
        fields,
        of=OTHER_REFERRAL,
        origin_facility=HOSPITAL,
        destination_facility=BRANCH,
        urgency="ROUTINE",
        pathway="REHABILITATION",
    )


def test_a_task_that_is_done_settles_its_own_alert_alone() -> None:
    missed = [
        occurrence("TaskMissed", {"task": task, "facility": BRANCH}, version=v)
        for v, task in ((2, "t1"), (3, "t2"))
    ]
    done = occurrence("TaskCompleted", {"task": "t1", "facility": BRANCH}, version=4)
    desk = Desk().see(*missed, done)
    assert [state.dedup_key for state in desk.live()] == [f"TASK_MISSED/{REFERRAL}/t2"]
    assert Desk().see(*missed, occurrence("PlanAmended", version=4)).open_rules() == []
