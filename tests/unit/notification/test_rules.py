"""Each rule of the shipped file: the event that triggers it, whose it is to act, and how loud."""

from dataclasses import replace
from datetime import timedelta

import pytest

from services.notification.domain.matching import AlertIntent, Facts, triggered
from services.notification.domain.occurrence import Occurrence
from services.notification.domain.subject_state import SubjectState, observe
from services.notification.domain.texts import ROLES
from services.notification.domain.values import Severity
from tests.unit.notification.occurrences import (
    BED,
    CRITICAL_REPORT,
    DIRECTORY,
    HOLD,
    SECOND_OFFER,
    WARD,
    asked_for_consultation,
    occurrence,
    of_consultation,
    offer,
)
from tests.unit.notification.rule_cases import CATALOGUE, Case
from tests.unit.notification.rule_cases_crews import CREW_CASES, OWN_MEANS
from tests.unit.notification.rule_cases_other import OTHER_CASES
from tests.unit.notification.rule_cases_plan import PLAN_CASES
from tests.unit.notification.rule_cases_referral import REFERRAL_CASES
from tests.unit.notification.rule_cases_steps import STEP_CASES
from tests.unit.notification.scenario import BRANCH, CONSULTATION, HOSPITAL, NOW, OFFER, PREFECTURE, REFERRAL

CASES = [*REFERRAL_CASES, *CREW_CASES, *STEP_CASES, *PLAN_CASES, *OTHER_CASES]


def intents(*events: Occurrence) -> tuple[AlertIntent, ...]:
    """What the last event triggers, the others having been seen."""
    state: SubjectState | None = None
    for event in events:
        state = observe(state, event)
    assert state is not None
    return triggered(events[-1], CATALOGUE, Facts(subject=state, directory=DIRECTORY))


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.rule}-{case.events[-1].event_type}")
def test_rule(case: Case) -> None:
    found = {intent.rule: intent for intent in intents(*case.events)}
    assert found.keys() == {case.rule, *case.beside}
    intent = found[case.rule]
    assert (intent.facility, intent.role) == (case.facility, case.role)
    assert (intent.severity, intent.first_step) == (case.severity, case.first_step)
    assert intent.act_by == case.act_by
    assert intent.cause_event_id == case.events[-1].event_id
    assert intent.occurred_at == NOW
    if case.key:
        assert intent.dedup_key == case.key
    for text in (intent.title, intent.body):
        assert "{" not in text.zh + text.en
        assert ("未知" in text.zh) == ("unknown" in text.en or "not known" in text.en)
        assert text.en[0].isupper()
        assert "p-1" not in text.zh + text.en


def test_every_rule_has_a_case() -> None:
    assert {case.rule for case in CASES} == {rule.code for rule in CATALOGUE.rules}


QUIET = [
    (occurrence("ReferralRequested", {"offers": [], "needs_approval": False}),),
    (occurrence("ReferralRequested", {"offers": [offer(state="WITHDRAWN")]}),),
    (occurrence("OfferDeclined", {"offer": OFFER, "facility": HOSPITAL, "exhausted": False}),),
    (occurrence("OfferAcknowledged", {"offer": OFFER, "facility": HOSPITAL}),),
    (occurrence("BedHeld", {"bed": BED}),),
    # Its own crew the origin calls itself; who was to come, and was named nowhere, is told nothing.
    (OWN_MEANS,),
    (occurrence("ReferralCancelled", {"reason": {"code": "OTHER"}, "carrier_facility": ""}),),
    # After the discharge, or when the referral was given up: nobody misses it.
    (occurrence("BedReleased", {"bed": BED}),),
    (occurrence("PatientArrived", {"facility": HOSPITAL}),),
    (occurrence("PatientReferredBack", {"referral": REFERRAL, "destination_facility": BRANCH}),),
    (occurrence("ReferralClosed", {"origin_facility": BRANCH}),),
    (occurrence("FollowUpRecorded", {"facility": BRANCH, "findings": "好转"}),),
    (occurrence("FollowUpRecorded", {"red_flag": "再发偏瘫", "reopened_as": REFERRAL}),),
    of_consultation("ConsultationClaimed"),
    of_consultation("ConsultationCancelled"),
    (occurrence("CountsConfirmed", {"differs": False}, of=WARD, facility=HOSPITAL),),
    (occurrence("CountsConfirmed", {}, of=WARD, facility=HOSPITAL),),
    (occurrence("BedHeld", {"hold": HOLD}, of=WARD, facility=HOSPITAL),),
    # The referral's own alert covers these: the bed topic's events of the same names are another aggregate's.
    (occurrence("BedUnavailable", {"referral": REFERRAL}, of="desks/jimsar-general", facility=HOSPITAL),),
    (occurrence("BedHoldLapsed", {"hold": HOLD}, of=WARD, facility=HOSPITAL),),
]


@pytest.mark.parametrize("events", QUIET, ids=lambda events: events[-1].event_type)
def test_what_nobody_must_act_on(events: tuple[Occurrence, ...]) -> None:
    assert intents(*events) == ()


@pytest.mark.parametrize(
    ("urgency", "severity", "role"),
    [
        ("EMERGENCY", Severity.CRITICAL, "STROKE"),
        ("URGENT", Severity.HIGH, "STROKE"),
        ("ROUTINE", Severity.INFORMATION, "referral_office"),
        # Not known: the worst is assumed.
        ("", Severity.CRITICAL, "STROKE"),
    ],
)
def test_urgency_says_how_loud_and_whom(urgency: str, severity: Severity, role: str) -> None:
    (intent,) = intents(occurrence("ReferralRequested", {"offers": [offer()]}, urgency=urgency))
    assert (intent.severity, intent.role) == (severity, role)


@pytest.mark.parametrize(
    ("pathway", "role"),
    [
        ("CHEST_PAIN", "CHEST_PAIN"),
        ("MATERNAL", "CRITICAL_MATERNAL"),
        ("GENERAL", "clinician"),
        ("", "clinician"),
    ],
)
def test_the_pathway_s_centre_is_called(pathway: str, role: str) -> None:
    (intent,) = intents(occurrence("ReferralRequested", {"offers": [offer()]}, pathway=pathway))
    assert intent.role == role


def test_each_offer_is_its_facility_s_alert() -> None:
    """FIRST_TO_ACCEPT asks all at once."""
    found = intents(occurrence("ReferralRequested", {"offers": [offer(), offer(SECOND_OFFER, PREFECTURE)]}))
    assert [(intent.facility, intent.dedup_key) for intent in found] == [
        (HOSPITAL, f"OFFER/{REFERRAL}/{OFFER}"),
        (PREFECTURE, f"OFFER/{REFERRAL}/{SECOND_OFFER}"),
    ]


def test_an_offer_that_does_not_say_its_state_is_open() -> None:
    unsaid = {name: value for name, value in offer().items() if name != "state"}
    assert len(intents(occurrence("ReferralRequested", {"offers": [unsaid]}))) == 1


def test_no_key_is_asked_for_twice_by_one_event() -> None:
    assert len(intents(occurrence("ReferralRequested", {"offers": [offer(), offer()]}))) == 1


def test_an_alert_that_is_nobody_s_is_none() -> None:
    assert intents(occurrence("ReferralExpired", origin_facility="")) == ()


def test_the_centre_of_a_critical_value_is_where_the_requester_finds_it() -> None:
    """The hospital reads the ECG and is no trauma centre; the nearest by road to the branch is called."""
    branch = replace(DIRECTORY.facilities[BRANCH], travel_minutes={PREFECTURE: 200, "xinjiang-4th": 240})
    facts = Facts(
        subject=observe(None, asked_for_consultation(pathway="TRAUMA")),
        directory=replace(DIRECTORY, facilities={**DIRECTORY.facilities, BRANCH: branch}),
    )
    event = occurrence("ConsultationReported", CRITICAL_REPORT, of=CONSULTATION)
    found = {intent.rule: intent.facility for intent in triggered(event, CATALOGUE, facts)}
    assert found["CRITICAL_VALUE_CENTRE"] == PREFECTURE


def test_texts_say_case_pathway_facilities_and_times_in_both_languages() -> None:
    (intent,) = intents(occurrence("ReferralRequested", {"offers": [offer()]}))
    assert intent.title.zh == "急诊转诊申请：卒中"
    assert intent.body.zh == "五彩湾镇分院申请将病例 0B9C12AB 转入吉木萨尔县总医院，请于 10:32 前确认。"
    assert intent.title.en == "Emergency referral: stroke"
    assert intent.body.en == (
        "Wucaiwan Township Branch asks Jimsar County General Hospital to take case 0B9C12AB. "
        "Acknowledge by 10:32."
    )


def test_a_time_of_another_day_says_the_day() -> None:
    tomorrow = NOW + timedelta(hours=20)
    (intent,) = intents(
        occurrence("PatientDeparted", {"estimated_arrival_time": tomorrow, "destination_facility": HOSPITAL})
    )
    assert intent.title.en == "On the road: stroke, expected 07-05 06:30"


def test_what_is_not_known_is_said_to_be_unknown() -> None:
    (intent,) = intents(occurrence("ReferralAccepted", {"facility": HOSPITAL}))
    assert "预计到达 时间未知" in intent.body.zh
    assert "expected at a time not known" in intent.body.en


def test_every_role_that_a_rule_or_a_centre_asks_for_has_a_name_in_both_languages() -> None:
    """Who finds nobody on duty is told whom to look for, not a code."""
    asked = {role for rule in CATALOGUE.rules for role in rule.role.values()}
    # These stand for the centre of the case.
    asked -= {"pathway_centre", "consultation_centre"}
    assert asked | set(CATALOGUE.centres.values()) <= set(ROLES)
