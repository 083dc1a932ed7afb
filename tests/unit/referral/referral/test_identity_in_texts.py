"""No command of a referral says who the patient is: each text of each command is looked at."""

from dataclasses import replace
from datetime import timedelta

import pytest

from services.referral.domain import commands as c
from services.referral.domain.record_values import SummaryCompletion, TransferRecord
from services.referral.domain.referral_values import HandoverDocument
from services.referral.domain.values import CodedReason
from services.shared.kernel.actor import Actor
from services.shared.kernel.refusals import InvalidInput
from tests.unit.referral.referral.chart import Chart
from tests.unit.referral.referral.network import GENERAL, WUCAIWAN
from tests.unit.referral.referral.records import RECORD, STROKE
from tests.unit.referral.referral.stories import (
    ACCEPT,
    CREATE,
    DEPART,
    info_requested,
    requested,
    transport_arranged,
)

#: The example of GB 11643-1999.
RESIDENT = "11010519491231002X"
TEXT = f"患者证号{RESIDENT}，急诊就诊"


@pytest.mark.parametrize(
    ("chart", "command", "actor", "field"),
    [
        (Chart(), replace(CREATE, patient=RESIDENT), WUCAIWAN, "patient"),
        (
            Chart(),
            replace(CREATE, clinical_summary=replace(CREATE.clinical_summary, symptoms=TEXT)),
            WUCAIWAN,
            "clinical_summary.symptoms",
        ),
        (Chart(), replace(CREATE, record=replace(RECORD, narrative=TEXT)), WUCAIWAN, "record.narrative"),
        (
            Chart(),
            replace(
                CREATE, record=replace(RECORD, diagnoses=(STROKE, replace(STROKE, name=RESIDENT.lower())))
            ),
            WUCAIWAN,
            "record.diagnoses[1].name",
        ),
        (
            requested(),
            c.CompleteRecord(record=TransferRecord(disease_history=TEXT)),
            WUCAIWAN,
            "record.disease_history",
        ),
        (
            requested(),
            c.CompleteRecord(clinical_summary=SummaryCompletion(allergies=TEXT)),
            WUCAIWAN,
            "clinical_summary.allergies",
        ),
        (requested(), c.RequestInformation(questions=("CT？", TEXT)), GENERAL, "questions[1]"),
        (info_requested(), c.ProvideInformation(answers=(TEXT,)), WUCAIWAN, "answers[0]"),
        (
            requested(),
            c.DeclineReferral(reason=CodedReason(code="NO_BED", text=TEXT)),
            GENERAL,
            "reason.text",
        ),
        (
            transport_arranged(),
            replace(DEPART, handover_document=HandoverDocument(summary=TEXT)),
            WUCAIWAN,
            "handover_document.summary",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_an_identity_number_is_refused(chart: Chart, command: c.Command, actor: Actor, field: str) -> None:
    refusal = chart.refused(command, actor, "IDENTITY_IN_TEXT")
    assert isinstance(refusal, InvalidInput)
    (violation,) = refusal.violations
    assert violation.field == field
    assert RESIDENT not in repr(violation)


def test_other_long_numbers_are_not() -> None:
    wrong_check_digit = RESIDENT.replace("X", "1")
    record = replace(RECORD, narrative=f"条码{wrong_check_digit}，批号1101051949123100")
    assert Chart().when(replace(CREATE, record=record), WUCAIWAN)
    later = requested().later(minutes=1)
    assert later.when(c.AcknowledgeOffer(), GENERAL, later.now - timedelta(seconds=1))


@pytest.mark.parametrize(
    "text",
    [
        "家属电话13912345678",
        "电话：139-1234-5678，夜间可接听",
        "联系人 139 1234 5678",
        "+8613912345678",
        "微信同号 86 19912345678。",
        "13912345678/13812345678",
    ],
)
def test_a_mobile_number_is_refused(text: str) -> None:
    command = replace(CREATE, clinical_summary=replace(CREATE.clinical_summary, symptoms=text))
    refusal = Chart().refused(command, WUCAIWAN, "TELEPHONE_IN_TEXT")
    assert isinstance(refusal, InvalidInput)
    (violation,) = refusal.violations
    assert violation.field == "clinical_summary.symptoms"
    assert "1234" not in repr(violation)


@pytest.mark.parametrize(
    "text",
    [
        "12912345678",
        "住院号 ZY13912345678",
        "条码139123456789，批号013912345678",
        "1.2.840.113619.2.13912345678.3",
        "检验单 LIS-13912345678-01",
        "干细胞输注 13500000000 个",
        "双歧杆菌 15000000000 CFU",
        "血小板 13500000000/L",
        "0991-4361234",
        "血压139/78，2024-07-15 13:45:12",
    ],
)
def test_what_only_looks_like_one_is_not(text: str) -> None:
    command = replace(CREATE, clinical_summary=replace(CREATE.clinical_summary, symptoms=text))
    assert Chart().when(command, WUCAIWAN)


def test_codes_and_the_telephones_of_staff_are_no_texts() -> None:
    record = replace(RECORD, outpatient_number="13912345678", inpatient_number="13812345678")
    assert Chart().when(replace(CREATE, record=record), WUCAIWAN)
    clinician = replace(ACCEPT.accepting_clinician, telephone="13912345678")
    assert requested().when(replace(ACCEPT, accepting_clinician=clinician), GENERAL)


@pytest.mark.parametrize(
    ("patient", "reasons"),
    [
        ("张三 13812345678", {"NOT_A_PSEUDONYM", "TELEPHONE_IN_TEXT"}),
        ("13812345678", {"TELEPHONE_IN_TEXT"}),
        ("张三", {"NOT_A_PSEUDONYM"}),
        ("p-1\n", {"NOT_A_PSEUDONYM"}),
        ("p" * 65, {"NOT_A_PSEUDONYM"}),
        ("", {"NOT_A_PSEUDONYM"}),
    ],
)
def test_a_patient_is_named_by_a_pseudonym(patient: str, reasons: set[str]) -> None:
    refusal = Chart().refused(replace(CREATE, patient=patient), WUCAIWAN)
    assert isinstance(refusal, InvalidInput)
    assert {(each.field, each.reason) for each in refusal.violations} == {
        ("patient", reason) for reason in reasons
    }


def test_any_opaque_name_will_do() -> None:
    for patient in ("p", "H1-2f6e", "a.b_c-9", "p" * 64, "5d9f7c5e-0000-4000-8000-000000000009"):
        assert Chart().when(replace(CREATE, patient=patient), WUCAIWAN)
