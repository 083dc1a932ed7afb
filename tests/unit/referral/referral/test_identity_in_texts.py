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
