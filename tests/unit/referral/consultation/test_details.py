"""What is sent with a question: its details by kind, its attachments, and why it may come back."""

from dataclasses import replace

import pytest

from services.referral.domain.consultation_commands import (
    RequestConsultation,
    ResubmitConsultation,
    ReturnConsultation,
)
from services.referral.domain.consultation_details import (
    EcgRequest,
    ImagingRequest,
    LaboratoryRequest,
    Modality,
    SampleType,
    TeleconsultationRequest,
)
from services.referral.domain.consultation_policy import UrgencyLimit
from services.referral.domain.consultation_values import ConsultationKind
from services.referral.domain.values import CodedReason
from services.shared.kernel.refusals import InvalidInput
from tests.unit.referral.consultation.events import (
    BRANCH,
    CT,
    EXPERT,
    REQUEST,
    claimed,
    minute,
    requested,
    returned,
)
from tests.unit.referral.consultation.scenario import POLICY, given

CENTRES = frozenset({"STROKE", "ECG", "IMAGING", "LAB"})
DETAILS: dict[str, tuple[ConsultationKind, object]] = {
    "ecg": (ConsultationKind.ECG, EcgRequest(leads=12, acquired_at=minute(-5), chest_pain=True)),
    "imaging": (ConsultationKind.IMAGING, ImagingRequest(modality=Modality.CT, body_part="头颅")),
    "laboratory": (
        ConsultationKind.LAB,
        LaboratoryRequest(sample_type=SampleType.BLOOD, sample_id="S-1", items=("血钾",)),
    ),
    "teleconsultation": (
        ConsultationKind.TELECONSULTATION,
        TeleconsultationRequest(department="神经内科"),
    ),
}


def _request(kind: ConsultationKind, **details: object) -> RequestConsultation:
    return replace(REQUEST, kind=kind, **details)  # type: ignore[arg-type]


@pytest.mark.parametrize("field", DETAILS)
@pytest.mark.parametrize("kind", ConsultationKind)
def test_what_is_sent_goes_with_the_kind(field: str, kind: ConsultationKind) -> None:
    owner, value = DETAILS[field]
    outcome = given().when(_request(kind, **{field: value}), BRANCH, capabilities=CENTRES)
    if kind is owner:
        (event,) = outcome.run()
        assert getattr(event, field) == value
        assert getattr(outcome.then(event).here, field) == value
    else:
        outcome.refused(InvalidInput, field)


@pytest.mark.parametrize(
    ("field", "value", "wrong"),
    [
        ("ecg", EcgRequest(leads=12, acquired_at=minute(6)), "ecg.acquired_at"),
        (
            "imaging",
            ImagingRequest(modality=Modality.CT, body_part="头颅", acquired_at=minute(6)),
            "imaging.acquired_at",
        ),
        (
            "laboratory",
            LaboratoryRequest(
                sample_type=SampleType.BLOOD, sample_id="S-1", items=("血钾",), collected_at=minute(6)
            ),
            "laboratory.collected_at",
        ),
    ],
)
def test_what_is_sent_was_made_before(field: str, value: object, wrong: str) -> None:
    command = _request(DETAILS[field][0], **{field: value})
    given().when(command, BRANCH, at=5, capabilities=CENTRES).refused(InvalidInput, wrong)
    assert given().when(command, BRANCH, at=6, capabilities=CENTRES).run()


@pytest.mark.parametrize(("modality", "due"), [(Modality.X_RAY, 60), (Modality.CT, 90), (None, 90)], ids=str)
def test_a_modality_may_have_a_limit_of_its_own_before_that_of_its_kind(
    modality: Modality | None, due: float
) -> None:
    policy = replace(
        POLICY,
        result_due_by_kind=((ConsultationKind.IMAGING, UrgencyLimit(emergency_s=5400, otherwise_s=7200)),),
        result_due_by_modality=((Modality.X_RAY, UrgencyLimit(emergency_s=3600, otherwise_s=7200)),),
    )
    imaging = None if modality is None else ImagingRequest(modality=modality, body_part="胸部")
    command = _request(ConsultationKind.IMAGING, imaging=imaging)
    outcome = given().when(command, BRANCH, at=0, policy=policy, capabilities=CENTRES)
    (event,) = outcome.run()
    assert outcome.then(event).here.due_at == minute(due)


def test_a_resubmission_replaces_what_it_gives_and_keeps_the_rest() -> None:
    first, second = EcgRequest(leads=6), EcgRequest(leads=12)
    sent = replace(requested(), kind=ConsultationKind.ECG, ecg=first)
    story = given(sent, claimed(), returned())
    for given_again, expected in ((None, first), (second, second)):
        outcome = story.when(ResubmitConsultation(ecg=given_again), BRANCH, at=20)
        (event,) = outcome.run()
        assert outcome.then(event).here.ecg == expected
    stray = ResubmitConsultation(imaging=ImagingRequest(modality=Modality.CT, body_part="头颅"))
    story.when(stray, BRANCH).refused(InvalidInput, "imaging")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"uri": "data:application/dicom;base64,AAAA"}, "uri"),
        ({"uri": "ftp://wucaiwan/ct/1"}, "uri"),
        ({"uri": "wucaiwan/ct/1"}, "uri"),
        ({"uri": "https://pacs/ct 1"}, "uri"),
        ({"uri": "https:"}, "uri"),
        ({"uri": "https://doctor:secret@pacs/ct/1"}, "uri"),
        ({"media_type": "dicom"}, "media_type"),
        ({"media_type": "application/"}, "media_type"),
    ],
)
def test_an_attachment_is_a_reference(change: dict[str, str], field: str) -> None:
    values = {"uri": "https://pacs/ct/2", **change}
    wrong = replace(REQUEST, attachments=(CT, replace(CT, **values)))  # type: ignore[arg-type]
    given().when(wrong, BRANCH).refused(InvalidInput, f"attachments[1].{field}")
    again = ResubmitConsultation(attachments=wrong.attachments)
    given(requested(), claimed(), returned()).when(again, BRANCH).refused(
        InvalidInput, f"attachments[1].{field}"
    )


def test_an_attachment_is_attached_once() -> None:
    given().when(replace(REQUEST, attachments=(CT, CT)), BRANCH).refused(InvalidInput, "attachments[1].uri")


@pytest.mark.parametrize("uri", ["HTTPS://pacs/ct/2", "https://pacs/users/a@b", "dicom:1.2.840"])
def test_a_reference_of_an_allowed_scheme_is_kept_as_it_is(uri: str) -> None:
    attachment = replace(CT, uri=uri, media_type="application/dicom; transfer-syntax=*")
    (event,) = given().when(replace(REQUEST, attachments=(attachment,)), BRANCH).run()
    assert getattr(event, "attachments", None) == (attachment,)


@pytest.mark.parametrize(
    ("reason", "wrong"),
    [
        (CodedReason(code="IMAGE_QUALITY"), ()),
        (CodedReason(code="OTHER", text="设备维护"), ()),
        (CodedReason(code="OTHER", text=" "), ("reason.text",)),
        (CodedReason(code="MISSING_LEAD"), ("reason.code",)),
        (CodedReason(code="DONT_LIKE_IT"), ("reason.code",)),
    ],
)
def test_a_return_has_a_reason_of_the_catalogue_for_its_kind(
    reason: CodedReason, wrong: tuple[str, ...]
) -> None:
    outcome = given(requested(), claimed()).when(ReturnConsultation(reason=reason), EXPERT)
    if wrong:
        outcome.refused(InvalidInput, *wrong)
    else:
        assert outcome.run()
