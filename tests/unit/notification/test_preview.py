"""What PreviewRecipients answers: the plan that the real thing would follow."""

from dataclasses import replace
from datetime import timedelta

import pytest

from services.notification.application.preview_recipients import may_preview
from services.notification.domain.alert import deadlines
from services.notification.domain.calling import summons
from services.notification.domain.commands import MeetDeadline
from services.notification.domain.duty_steps import Rosters, UnstaffedStep
from services.notification.domain.events import AlertEscalated, AlertTriggered
from services.notification.domain.matching import Facts, triggered
from services.notification.domain.preview import PreviewedAlert, plan, previewed
from services.notification.domain.subject_state import SubjectState, observe
from services.notification.domain.supposition import Supposition, rules_of, supposed
from services.notification.domain.values import Pathway, Severity, Urgency
from services.shared.kernel.actor import Actor, Role
from tests.unit.notification.occurrences import DIRECTORY, SECOND_OFFER, occurrence, offer
from tests.unit.notification.rosters import duty, roster_of
from tests.unit.notification.rule_cases import CATALOGUE
from tests.unit.notification.scenario import BRANCH, HOSPITAL, NOW, PREFECTURE, REFERRAL, Given, given, person

OWN = roster_of(
    duty("dr-duty", ends_at=NOW + timedelta(hours=1)),
    duty("dr-night", starts_at=NOW + timedelta(hours=1)),
    duty("dr-lead", step="lead"),
)
ASKED = Supposition(
    event="ReferralRequested",
    facility=HOSPITAL,
    pathway=Pathway.STROKE,
    urgency=Urgency.EMERGENCY,
    at=NOW,
)


def preview(supposition: Supposition, own: object = OWN) -> list[PreviewedAlert]:
    found: list[PreviewedAlert] = []
    for rule in rules_of(supposition.event, supposition.subject, CATALOGUE):
        for intent, assumptions in supposed(rule, supposition, CATALOGUE, DIRECTORY):
            found += previewed(
                intent,
                assumptions,
                catalogue=CATALOGUE,
                directory=DIRECTORY,
                rosters=Rosters(own=own, lead=None),  # type: ignore[arg-type]
                at=supposition.at,
            )
    return found


def of_rule(found: list[PreviewedAlert], rule: str) -> PreviewedAlert:
    (one,) = [each for each in found if each.alert.rule == rule]
    return one


def test_a_made_up_referral_names_those_on_duty_with_the_moment_of_each_call() -> None:
    offered = of_rule(preview(ASKED), "OFFER")
    assert (offered.alert.severity, offered.alert.facility, offered.alert.role) == (
        Severity.CRITICAL,
        HOSPITAL,
        "STROKE",
    )
    assert offered.alert.dedup_key == "OFFER/{subject}/{offer}"
    assert offered.assumptions == ('each.state = SENT, ""',)
    steps = [(call.duty, call.recipients[0].user) for call in offered.calls if call.round == 1]
    assert steps == [("duty", "dr-duty"), ("lead", "dr-lead"), ("fallback", "platform-duty")]
    assert [call.called_at for call in offered.calls[:2]] == [NOW, NOW + timedelta(minutes=2)]
    assert len(offered.calls) == 30
    assert offered.unstaffed == (
        UnstaffedStep(duty="backup", role="STROKE"),
        UnstaffedStep(duty="coordinator", role="STROKE"),
    )


def test_who_is_on_duty_at_that_moment_is_called() -> None:
    later = of_rule(preview(replace(ASKED, at=NOW + timedelta(hours=2))), "OFFER")
    assert later.calls[0].recipients[0].user == "dr-night"


def test_urgency_and_pathway_change_role_and_loudness() -> None:
    routine = of_rule(preview(replace(ASKED, urgency=Urgency.ROUTINE)), "OFFER")
    assert (routine.alert.role, routine.alert.severity) == ("referral_office", Severity.INFORMATION)
    trauma = of_rule(preview(replace(ASKED, pathway=Pathway.TRAUMA)), "OFFER")
    assert trauma.alert.role == "TRAUMA"


def test_conditions_are_assumed_unless_the_request_says() -> None:
    assert "event.needs_approval = true" in of_rule(preview(ASKED), "APPROVAL_NEEDED").assumptions
    without = replace(ASKED, details={"needs_approval": "false"})
    assert [each.alert.rule for each in preview(without)] == ["OFFER"]
    lapsed = replace(ASKED, event="OfferLapsed")
    rules = {each.alert.rule for each in preview(replace(lapsed, details={"exhausted": "true"}))}
    assert "OFFERS_EXHAUSTED" in rules and "OFFER_LAPSED" not in rules


def test_nobody_on_duty_shows_the_alert_that_says_so() -> None:
    found = preview(ASKED, None)
    rules = [each.alert.rule for each in found]
    assert rules[rules.index("OFFER") + 1] == "NOBODY_ON_DUTY"
    unstaffed = found[rules.index("OFFER") + 1]
    assert {call.recipients[0].user for call in unstaffed.calls} == {"platform-duty"}


def known(*events: object) -> SubjectState:
    state: SubjectState | None = None
    for version, event in enumerate(events, start=1):
        state = observe(state, replace(event, version=version))  # type: ignore[type-var]
    assert state is not None
    return state


def test_a_real_referral_gives_what_the_event_itself_would_give() -> None:
    """Same rules, facilities, keys and plans as when the event comes."""
    asked = occurrence("ReferralRequested", {"offers": [offer(), offer(SECOND_OFFER, PREFECTURE)]})
    subject = known(asked)
    facts = Facts(subject=subject, directory=DIRECTORY)
    real = [
        summons(
            intent, catalogue=CATALOGUE, directory=DIRECTORY, rosters=Rosters(own=OWN, lead=None), at=NOW
        ).alert
        for intent in triggered(asked, CATALOGUE, facts)
    ]
    found = preview(replace(ASKED, subject=subject, pathway=None, urgency=None))
    offers = [each.alert for each in found if each.alert.rule == "OFFER"]
    assert [each.dedup_key for each in offers] == [each.dedup_key for each in real]
    assert [each.escalation for each in offers] == [each.escalation for each in real]
    assert [each.facility for each in offers] == [HOSPITAL, PREFECTURE]


def test_a_rule_looks_for_its_facility_in_the_real_case() -> None:
    asked = occurrence("ReferralRequested", {"offers": [offer()]})
    found = preview(replace(ASKED, event="ReferralAccepted", subject=known(asked)))
    assert of_rule(found, "REFERRAL_ACCEPTED").alert.facility == BRANCH
    assert of_rule(found, "REFERRAL_ACCEPTED").alert.dedup_key == f"REFERRAL_ACCEPTED/{REFERRAL}"


def test_what_is_planned_is_what_happens() -> None:
    """Each call at its moment, to the same people, until nobody is left to call."""
    command = replace(of_rule(preview(ASKED), "OFFER").alert, dedup_key="OFFER/referrals/1/offers/1",
                      subject="referrals/1", cause_event_id="e-1")  # fmt: skip
    planned = plan(command, NOW)
    outcome = given().when(command)
    (first,) = outcome.events
    assert isinstance(first, AlertTriggered)
    happened = [(NOW, 0, 1, tuple(call.recipient for call in first.calls))]
    state = outcome.state
    while due := deadlines(state):
        step = Given(state).when(MeetDeadline(key="escalate"), at=due[0].due_at)
        (event,) = step.events
        assert isinstance(event, AlertEscalated)
        users = tuple(call.recipient for call in event.calls)
        happened.append((due[0].due_at, event.escalation_step, event.escalation_round, users))
        state = step.state
    *calls, end = happened
    assert calls == [
        (each.called_at, each.step, each.round, tuple(person.user for person in each.recipients))
        for each in planned
    ]
    assert end[3] == () and state.escalation_exhausted


COUNTY = person(Role.COORDINATOR, user="co", facility=HOSPITAL)


@pytest.mark.parametrize(
    ("actor", "facility", "may"),
    [
        (person(Role.CLINICIAN), HOSPITAL, True),
        (person(Role.CLINICIAN), BRANCH, False),
        (COUNTY, BRANCH, True),
        (COUNTY, PREFECTURE, False),
        (person(Role.COORDINATOR, facility=PREFECTURE), HOSPITAL, False),
        (person(Role.COORDINATOR, facility="somewhere"), "of-no-community", False),
        (person(Role.OPERATOR, facility=""), PREFECTURE, True),
        (person(Role.COORDINATOR, facility=""), "", False),
        (person(Role.BED_DESK, facility=""), HOSPITAL, False),
    ],
)
def test_who_may_ask(actor: Actor, facility: str, may: bool) -> None:
    assert may_preview(facility, actor, DIRECTORY) is may
