"""Guards, time limits and deadlines of the consultation."""

from dataclasses import replace

import pytest

from services.referral.domain import consultation
from services.referral.domain.consultation_commands import (
    AcknowledgeCriticalValue,
    ClaimConsultation,
    MeetDeadline,
    ReportConsultation,
    ResubmitConsultation,
)
from services.referral.domain.consultation_policy import UrgencyLimit
from services.referral.domain.consultation_values import (
    ConsultationKind,
    needed_capability,
)
from services.referral.domain.episode import opened_by_request
from services.referral.domain.values import Pathway, Urgency
from services.shared.kernel.command import Deadline
from services.shared.kernel.refusals import InvalidInput, NotAllowed, NotFound, NotPermitted
from tests.unit.referral.consultation.events import (
    BRANCH,
    COORDINATOR,
    CRITICAL,
    EXPERT,
    REPORT,
    REQUEST,
    SYSTEM,
    acknowledged,
    cancelled,
    claimed,
    clinician,
    minute,
    overdue,
    released,
    reported,
    requested,
    resubmitted,
    returned,
    told,
)
from tests.unit.referral.consultation.scenario import POLICY, context, given


@pytest.mark.parametrize(
    ("kind", "pathway", "capability"),
    [
        (ConsultationKind.TELECONSULTATION, Pathway.STROKE, "STROKE"),
        (ConsultationKind.TELECONSULTATION, Pathway.CHEST_PAIN, "CHEST_PAIN"),
        (ConsultationKind.TELECONSULTATION, Pathway.MATERNAL, "CRITICAL_MATERNAL"),
        (ConsultationKind.TELECONSULTATION, Pathway.NEONATAL, "CRITICAL_NEONATAL"),
        (ConsultationKind.ECG, Pathway.CHEST_PAIN, "ECG"),
        (ConsultationKind.IMAGING, Pathway.STROKE, "IMAGING"),
        (ConsultationKind.LAB, Pathway.GENERAL, "LAB"),
    ],
)
def test_the_centre_has_the_capability(kind: ConsultationKind, pathway: Pathway, capability: str) -> None:
    command = replace(REQUEST, kind=kind, pathway=pathway)
    everything_else = frozenset({"STROKE", "CHEST_PAIN", "ECG", "IMAGING", "LAB"}) - {capability}
    refusal = given().when(command, BRANCH, capabilities=everything_else).refused(NotAllowed, "CAPABILITY")
    assert isinstance(refusal, NotAllowed)
    assert capability in refusal.failed_rules[0].text.zh
    assert refusal.allowed_commands == ("RequestConsultation",)
    assert given().when(command, BRANCH, capabilities=frozenset({capability})).run()


def test_a_general_teleconsultation_needs_no_centre() -> None:
    assert given().when(replace(REQUEST, pathway=Pathway.GENERAL), BRANCH, capabilities=frozenset()).run()
    for pathway in set(Pathway) - {Pathway.GENERAL}:
        assert needed_capability(ConsultationKind.TELECONSULTATION, pathway)


def test_state_and_capability_are_both_named() -> None:
    given(requested()).when(REQUEST, BRANCH, capabilities=frozenset()).refused(
        NotAllowed, "NOT_ALLOWED_IN_STATE", "CAPABILITY"
    )


def test_a_question_goes_to_another_facility() -> None:
    given().when(replace(REQUEST, centre_facility="wucaiwan"), BRANCH).refused(
        InvalidInput, "centre_facility"
    )


def test_without_an_episode_one_follows_from_the_request_id() -> None:
    (event,) = given().when(replace(REQUEST, episode=""), BRANCH, at=3).run()
    assert event == replace(
        requested(), episode=opened_by_request(context(BRANCH, 3).request_id), due_at=minute(33)
    )


@pytest.mark.parametrize(
    ("urgency", "due", "lease"),
    [(Urgency.EMERGENCY, 30, 10), (Urgency.URGENT, 120, 30), (Urgency.ROUTINE, 120, 30)],
)
def test_limits_by_urgency_count_from_receipt(urgency: Urgency, due: float, lease: float) -> None:
    entered_late = given().when(replace(REQUEST, urgency=urgency), BRANCH, at=0, occurred=-300)
    story = entered_late.then(requested(urgency))
    assert story.here.due_at == minute(due)
    (claim,) = story.when(ClaimConsultation(), EXPERT, at=1, occurred=-299).run()
    assert claim == replace(claimed(until=1 + lease), urgency=urgency)


def test_a_site_may_hold_a_kind_to_a_limit_of_its_own() -> None:
    policy = replace(
        POLICY,
        result_due_by_kind=((ConsultationKind.ECG, UrgencyLimit(emergency_s=900, otherwise_s=1800)),),
    )
    assert (
        policy.result_due_within(ConsultationKind.ECG, Urgency.EMERGENCY, Pathway.GENERAL).total_seconds()
        == 900
    )
    assert (
        policy.result_due_within(ConsultationKind.LAB, Urgency.EMERGENCY, Pathway.GENERAL).total_seconds()
        == 1800
    )
    ecg = replace(REQUEST, kind=ConsultationKind.ECG)
    (event,) = given().when(ecg, BRANCH, at=0, policy=policy, capabilities=frozenset({"ECG"})).run()
    assert event == replace(requested(), kind=ConsultationKind.ECG, due_at=minute(15))


def _key(kind: str, at: float) -> str:
    return f"{kind}:{minute(at).isoformat()}"


def test_deadlines_follow_the_state() -> None:
    result = Deadline(key=_key("result", 30), due_at=minute(30))
    claim = Deadline(key=_key("claim", 11), due_at=minute(11))
    assert consultation.deadlines(given(requested()).here) == (result,)
    assert set(consultation.deadlines(given(requested(), claimed()).here)) == {result, claim}
    again = Deadline(key=_key("resubmission", 20), due_at=minute(20))
    assert consultation.deadlines(given(requested(), claimed(), returned()).here) == (again,)
    assert consultation.deadlines(given(requested(), claimed(), reported()).here) == ()
    assert consultation.deadlines(given(requested(), cancelled()).here) == ()


def test_a_claim_falls_back_to_the_queue() -> None:
    meet = MeetDeadline(key=_key("claim", 11))
    story = given(requested(), claimed()).when(meet, SYSTEM, at=11).then(released(by_deadline=True))
    assert story.here.claimed_by is None
    assert [deadline.key for deadline in consultation.deadlines(story.here)] == [_key("result", 30)]
    story.when(meet, SYSTEM, at=12).then()


def test_overdue_is_said_once_and_the_consultation_goes_on() -> None:
    meet = MeetDeadline(key=_key("result", 30))
    story = given(requested(), claimed(until=40)).when(meet, SYSTEM, at=30).then(overdue())
    assert story.here.overdue
    assert story.here.state.value == "CLAIMED"
    assert [deadline.key for deadline in consultation.deadlines(story.here)] == [_key("claim", 40)]
    story.when(meet, SYSTEM, at=31).then()
    assert story.when(ReportConsultation(report=REPORT), EXPERT, at=35).then(reported()).here.overdue


def test_an_unclaimed_question_is_overdue_too() -> None:
    given(requested()).when(MeetDeadline(key=_key("result", 30)), SYSTEM, at=30).then(overdue())


def test_a_report_between_the_deadline_and_its_handling_is_late_all_the_same() -> None:
    story = given(requested(), claimed())
    assert not story.when(ReportConsultation(report=REPORT), EXPERT, at=30).then(reported()).here.overdue
    late = story.when(ReportConsultation(report=REPORT), EXPERT, at=30.1).then(reported())
    assert late.here.overdue
    late.when(MeetDeadline(key=_key("result", 30)), SYSTEM, at=31).then()


def test_a_resubmission_makes_a_new_promise_that_the_old_deadline_does_not_meet() -> None:
    story = given(requested(), overdue(), claimed(until=40), returned())
    assert story.here.overdue
    story = story.when(
        ResubmitConsultation(clinical_summary="重新采集", attachments=resubmitted(0).attachments),
        BRANCH,
        at=45,
    ).then(resubmitted(75))
    assert not story.here.overdue
    story.when(MeetDeadline(key=_key("result", 30)), SYSTEM, at=46).then()
    story.when(MeetDeadline(key=_key("result", 75)), SYSTEM, at=75).then(overdue(75))


def test_deadlines_are_the_systems() -> None:
    meet = MeetDeadline(key=_key("result", 30))
    for actor in (BRANCH, EXPERT, COORDINATOR):
        given(requested()).when(meet, actor).refused(NotPermitted, "SYSTEM_ONLY")
    given().when(meet, SYSTEM).refused(NotFound)


def test_facets_say_who_may_read_and_what_is_live() -> None:
    facets = consultation.facets(given(requested()).here)
    assert facets == {
        "parties": ["jimsar-general", "wucaiwan"],
        "live": True,
        "phase": "OPEN",
        "state": "REQUESTED",
        "waiting": ["jimsar-general"],
        "overdue": False,
        "episode": REQUEST.episode,
        "patient": "p-1",
        "pathway": "STROKE",
        "urgency": "EMERGENCY",
        "kind": "TELECONSULTATION",
        "requesting": "wucaiwan",
        "centre": "jimsar-general",
        "requested_by": "branch-physician",
        "claimed_by": "",
        "unacknowledged": False,
        "created": minute(0).isoformat(),
    }
    assert consultation.facets(given(requested(), claimed()).here)["claimed_by"] == "stroke-expert"
    assert consultation.facets(given(requested(), overdue()).here)["overdue"] is True
    assert consultation.facets(given(requested(), claimed(), returned()).here)["live"] is True
    assert consultation.facets(given(requested(), claimed(), reported()).here)["live"] is False
    assert consultation.facets(given(requested(), claimed(), reported()).here)["claimed_by"] == ""
    assert consultation.facets(given(requested(), cancelled()).here)["live"] is False
    critical = given(requested(), claimed(), reported(CRITICAL, told(2)))
    facets = consultation.facets(critical.here)
    assert (facets["live"], facets["unacknowledged"]) == (True, True)
    assert (facets["phase"], facets["waiting"]) == ("OPEN", ["wucaiwan"])
    story = critical.when(AcknowledgeCriticalValue(), BRANCH).then(acknowledged(""))
    facets = consultation.facets(story.here)
    assert (facets["live"], facets["unacknowledged"]) == (False, False)
    assert (facets["phase"], facets["waiting"]) == ("REPORTED", [])
    assert consultation.facets(given(requested(), claimed()).here)["waiting"] == ["jimsar-general"]
    assert consultation.facets(given(requested(), claimed(), returned()).here)["waiting"] == ["wucaiwan"]


def test_a_history_begins_with_its_request_and_has_one() -> None:
    with pytest.raises(ValueError, match="begins with ConsultationClaimed"):
        given(claimed())


def test_the_centre_is_a_facility_of_the_directory() -> None:
    nowhere = replace(REQUEST, centre_facility="no-such-centre", kind=ConsultationKind.TELECONSULTATION)
    refusal = given().when(nowhere, BRANCH, at=0).refused(InvalidInput, "centre_facility")
    assert isinstance(refusal, InvalidInput)
    assert [each.reason for each in refusal.violations] == ["UNKNOWN_FACILITY"]
    # Also where anybody may answer, whatever their centres.
    anybody = replace(nowhere, pathway=Pathway.GENERAL)
    given().when(anybody, BRANCH, at=0).refused(InvalidInput, "centre_facility")


def test_so_is_the_requester() -> None:
    stranger = clinician("physician", "no-such-branch")
    given().when(REQUEST, stranger, at=0).refused(NotPermitted, "FACILITY_NOT_IN_DIRECTORY")


@pytest.mark.parametrize("patient", ["张三 13812345678", "13812345678", "p 1", "p/1", "p" * 65])
def test_a_patient_is_a_pseudonym(patient: str) -> None:
    refusal = given().when(replace(REQUEST, patient=patient), BRANCH, at=0).run
    with pytest.raises(InvalidInput) as caught:
        refusal()
    assert {each.field for each in caught.value.violations} == {"patient"}
    assert "138" not in repr(caught.value.violations)
