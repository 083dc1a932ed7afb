"""Who is called for an alert, and what happens when nobody is on duty."""

from dataclasses import replace
from datetime import timedelta

from services.notification.domain.calling import Summons, summons
from services.notification.domain.duty_steps import Rosters
from services.notification.domain.matching import AlertIntent
from services.notification.domain.roster import Roster
from services.notification.domain.values import (
    DutyStep,
    EscalationStep,
    Pathway,
    Recipient,
    Severity,
    Urgency,
)
from services.shared.kernel.text import BilingualText
from tests.unit.notification.occurrences import DIRECTORY
from tests.unit.notification.rosters import duty, roster_of
from tests.unit.notification.rule_cases import CATALOGUE
from tests.unit.notification.scenario import BRANCH, EPISODE, HOSPITAL, KEY, NOW, OFFER, REFERRAL, TWO_MINUTES

FALLBACK = replace(CATALOGUE.fallback.recipients[0], roles=("STROKE",))

INTENT = AlertIntent(
    rule="OFFER",
    event_type="ReferralRequested",
    dedup_key=KEY,
    severity=Severity.CRITICAL,
    facility=BRANCH,
    role="STROKE",
    first_step=DutyStep.DUTY,
    pathway=Pathway.STROKE,
    urgency=Urgency.EMERGENCY,
    subject=REFERRAL,
    episode=EPISODE,
    title=BilingualText(zh="题", en="title"),
    body=BilingualText(zh="文", en="body"),
    action="AcceptReferral",
    act_by=NOW + TWO_MINUTES,
    cause_event_id="e-1",
    occurred_at=NOW,
)

OWN = roster_of(
    duty("dr-duty", facility=BRANCH),
    duty("dr-backup", step="backup", facility=BRANCH),
    duty("dr-lead", step="lead", facility=BRANCH),
    facility=BRANCH,
)
LEAD = roster_of(
    duty("dr-hospital-lead", step="lead"),
    duty("coordinator", role="coordinator", step="coordinator"),
)


def call(
    own: Roster | None = OWN,
    lead: Roster | None = LEAD,
    intent: AlertIntent = INTENT,
) -> Summons:
    return summons(
        intent, catalogue=CATALOGUE, directory=DIRECTORY, rosters=Rosters(own=own, lead=lead), at=NOW
    )


def called(given: Summons) -> list[tuple[str, str, tuple[str, ...]]]:
    return [
        (step.duty, step.facility, tuple(recipient.user for recipient in step.recipients))
        for step in given.alert.escalation
    ]


def test_duty_backup_lead_coordinator_fallback_in_this_order() -> None:
    given = call()
    assert called(given) == [
        ("duty", BRANCH, ("dr-duty",)),
        ("backup", BRANCH, ("dr-backup",)),
        ("lead", BRANCH, ("dr-lead",)),
        ("coordinator", HOSPITAL, ("coordinator",)),
        ("fallback", "", (FALLBACK.user,)),
    ]
    assert {(step.repeat_s, step.rounds) for step in given.alert.escalation} == {(120, 10)}
    assert given.unstaffed is None


def test_the_command_says_what_the_intent_says() -> None:
    command = call().alert
    for name in ("rule", "dedup_key", "severity", "facility", "role", "pathway", "urgency", "subject"):
        assert getattr(command, name) == getattr(INTENT, name)
    for name in ("episode", "title", "body", "action", "act_by", "cause_event_id"):
        assert getattr(command, name) == getattr(INTENT, name)


def test_a_branch_without_a_lead_is_answered_for_by_its_community_s_centre() -> None:
    own = roster_of(duty("dr-duty", facility=BRANCH), facility=BRANCH)
    assert ("lead", HOSPITAL, ("dr-hospital-lead",)) in called(call(own))


def test_a_facility_of_no_community_has_its_own_coordinator() -> None:
    own = roster_of(duty("dr-duty"), duty("co", role="coordinator", step="coordinator"))
    assert ("coordinator", HOSPITAL, ("co",)) in called(call(own, lead=None))


def test_a_coordinator_for_the_role_comes_before_the_community_s() -> None:
    lead = roster_of(
        duty("stroke-coordinator", step="coordinator"), duty("co", role="coordinator", step="coordinator")
    )
    assert ("coordinator", HOSPITAL, ("stroke-coordinator",)) in called(call(lead=lead))


def test_steps_that_have_nobody_are_left_out() -> None:
    own = roster_of(duty("dr-duty", facility=BRANCH), facility=BRANCH)
    assert [duty_step for duty_step, _, _ in called(call(own, lead=None))] == ["duty", "fallback"]


def test_a_rule_may_begin_with_the_lead() -> None:
    given = call(intent=replace(INTENT, first_step=DutyStep.LEAD))
    assert [duty_step for duty_step, _, _ in called(given)] == ["lead", "coordinator", "fallback"]
    assert given.unstaffed is None


def test_information_calls_the_first_who_is_there_once() -> None:
    given = call(intent=replace(INTENT, severity=Severity.INFORMATION))
    assert given.alert.escalation == (
        EscalationStep(
            duty="duty",
            facility=BRANCH,
            recipients=(Recipient(user="dr-duty", name="dr-duty", roles=("STROKE",), facility=BRANCH),),
            repeat_s=0,
            rounds=1,
        ),
    )


def test_nobody_is_called_for_information_where_nobody_is_on_duty() -> None:
    given = call(None, None, replace(INTENT, severity=Severity.INFORMATION))
    assert given.alert.escalation == ()
    assert given.unstaffed is None


def test_nobody_on_duty_is_itself_an_alert_to_the_fallback() -> None:
    own = roster_of(duty("dr-backup", step="backup", facility=BRANCH), facility=BRANCH)
    given = call(own)
    assert called(given)[0] == ("backup", BRANCH, ("dr-backup",)), "the next is called at once"
    unstaffed = given.unstaffed
    assert unstaffed is not None
    assert unstaffed.rule == "NOBODY_ON_DUTY"
    assert unstaffed.dedup_key == f"NOBODY_ON_DUTY/{KEY}"
    assert [(step.duty, step.recipients) for step in unstaffed.escalation] == [("fallback", (FALLBACK,))]
    assert (unstaffed.severity, unstaffed.subject, unstaffed.cause_event_id) == (
        Severity.CRITICAL,
        REFERRAL,
        "e-1",
    )
    assert unstaffed.title.zh == "无人值班：五彩湾镇分院卒中中心"
    assert "0B9C12AB" in unstaffed.body.en
    assert OFFER not in unstaffed.body.en


def test_nobody_at_all_leaves_the_fallback() -> None:
    given = call(None, None)
    assert called(given) == [("fallback", "", (FALLBACK.user,))]
    assert given.unstaffed is not None
    assert given.unstaffed.facility == BRANCH


def test_the_fallback_s_facility_sees_that_nobody_is_on_duty() -> None:
    catalogue = replace(CATALOGUE, fallback=replace(CATALOGUE.fallback, facility=HOSPITAL))
    given = summons(
        INTENT, catalogue=catalogue, directory=DIRECTORY, rosters=Rosters(own=None, lead=None), at=NOW
    )
    assert given.unstaffed is not None
    assert given.unstaffed.facility == HOSPITAL


def test_a_shift_that_is_over_is_called_no_more() -> None:
    night = roster_of(
        duty("night", ends_at=NOW), duty("day", starts_at=NOW, ends_at=NOW + timedelta(hours=8))
    )
    assert called(call(night))[0] == ("duty", HOSPITAL, ("day",))
