"""What a result is due within: by urgency, by what travels, by illness."""

from dataclasses import replace

from services.referral.domain.consultation_commands import ResubmitConsultation
from services.referral.domain.consultation_events import ConsultationRequested, ConsultationResubmitted
from services.referral.domain.consultation_policy import UrgencyLimit
from services.referral.domain.consultation_values import ConsultationKind
from services.referral.domain.values import Pathway, Urgency
from tests.unit.referral.consultation.events import BRANCH, REQUEST, claimed, minute, requested, returned
from tests.unit.referral.consultation.scenario import POLICY, given

SITE = replace(
    POLICY,
    result_due_by_kind=(
        (ConsultationKind.ECG, UrgencyLimit(emergency_s=900, otherwise_s=1800)),
        (ConsultationKind.IMAGING, UrgencyLimit(emergency_s=3600, otherwise_s=7200)),
    ),
    result_due_by_pathway=((Pathway.STROKE, UrgencyLimit(emergency_s=1200, otherwise_s=5400)),),
)


def minutes(kind: ConsultationKind, pathway: Pathway) -> float:
    return SITE.result_due_within(kind, Urgency.EMERGENCY, pathway).total_seconds() / 60


def test_an_illness_that_cannot_wait_has_the_shorter_limit() -> None:
    assert minutes(ConsultationKind.IMAGING, Pathway.STROKE) == 20
    assert minutes(ConsultationKind.IMAGING, Pathway.TRAUMA) == 60
    assert minutes(ConsultationKind.ECG, Pathway.STROKE) == 15
    assert minutes(ConsultationKind.LAB, Pathway.STROKE) == 20


def test_request_and_resubmission_are_held_to_it() -> None:
    (event,) = given().when(REQUEST, BRANCH, at=0, policy=SITE).run()
    assert isinstance(event, ConsultationRequested)
    assert event.due_at == minute(20)
    sent_back = given(requested(), claimed(), returned())
    (mended,) = sent_back.when(ResubmitConsultation(), BRANCH, at=20, policy=SITE).run()
    assert isinstance(mended, ConsultationResubmitted)
    assert mended.due_at == minute(40)


def test_an_urgent_question_may_have_a_limit_of_its_own() -> None:
    limit = UrgencyLimit(emergency_s=1800, urgent_s=3600, otherwise_s=7200)
    in_turn = (Urgency.EMERGENCY, Urgency.URGENT, Urgency.ROUTINE)
    assert [limit.of(each).total_seconds() / 60 for each in in_turn] == [30, 60, 120]
    assert UrgencyLimit(emergency_s=1800, otherwise_s=7200).of(Urgency.URGENT).total_seconds() == 7200
