"""Who completes a record, and what a completion does to what is there."""

from dataclasses import replace
from datetime import timedelta

from services.referral.domain import commands as c
from services.referral.domain.events import RecordCompleted
from services.referral.domain.record_values import (
    ChestPainData,
    GestationalAge,
    MaternalData,
    PathwayData,
    StrokeData,
    SummaryCompletion,
    TransferRecord,
)
from services.shared.kernel.refusals import InvalidInput, NotFound, NotPermitted
from tests.unit.referral.referral.chart import Chart
from tests.unit.referral.referral.network import (
    AMBULANCE,
    COORDINATOR,
    EAST,
    GENERAL,
    GENERAL_OFFICE,
    WUCAIWAN,
)
from tests.unit.referral.referral.records import RECORD, SIGNS, STROKE, coding
from tests.unit.referral.referral.stories import (
    ALL,
    BARE,
    BARE_SUMMARY,
    CREATE,
    arrived,
    requested,
    told,
)


def test_who_completes_it() -> None:
    assert requested(BARE).when(ALL, WUCAIWAN)
    for actor in (GENERAL, GENERAL_OFFICE, COORDINATOR):
        assert isinstance(requested(BARE).refused(ALL, actor, "WRONG_FACILITY"), NotPermitted)
    assert isinstance(requested(BARE).refused(ALL, EAST), NotFound)
    carried = arrived()
    assert isinstance(carried.refused(ALL, AMBULANCE, "WRONG_FACILITY"), NotPermitted)
    assert carried.when(c.CompleteRecord(record=TransferRecord(inpatient_number="ZY-1")), GENERAL_OFFICE)
    assert isinstance(arrived().refused(ALL, replace(GENERAL, roles=())), NotPermitted)


def test_who_has_the_patient_fills_gaps_and_replaces_nothing() -> None:
    chart = arrived()
    learnt = TransferRecord(inpatient_number="ZY-1", diagnoses=(replace(STROKE, name="大面积脑梗死"),))
    (event,) = chart.when(c.CompleteRecord(record=learnt), GENERAL)
    assert isinstance(event, RecordCompleted)
    assert event.record == replace(
        RECORD, inpatient_number="ZY-1", diagnoses=(*RECORD.diagnoses, *learnt.diagnoses)
    )
    other = c.CompleteRecord(
        record=TransferRecord(
            disease_history="无",
            sex=coding("GB/T 2261.1", "9"),
            pathway_data=PathwayData(stroke=StrokeData(rankin_before=1)),
        ),
        clinical_summary=SummaryCompletion(allergies="青霉素"),
    )
    refusal = chart.refused(other, GENERAL, *["RECORDED_BY_ORIGIN"] * 4)
    assert isinstance(refusal, InvalidInput)
    assert [each.field for each in refusal.violations] == [
        "record.sex",
        "record.disease_history",
        "record.pathway_data.stroke.rankin_before",
        "clinical_summary.allergies",
    ]
    assert chart.when(other, WUCAIWAN)
    assert chart.referral.clinical_summary.allergies == "青霉素"


def test_what_is_left_out_stays_and_lists_grow() -> None:
    later = replace(SIGNS, measured_at=SIGNS.measured_at + timedelta(minutes=4))
    more = TransferRecord(
        vital_signs=(SIGNS, later),
        pathway_data=PathwayData(chest_pain=ChestPainData(killip_class=1)),
    )
    record = told((c.CompleteRecord(record=more), WUCAIWAN), chart=requested()).referral.record
    assert record is not None
    assert record.vital_signs == (SIGNS, later)
    assert record.pathway_data == PathwayData(
        stroke=StrokeData(rankin_before=0), chest_pain=ChestPainData(killip_class=1)
    )
    assert replace(record, vital_signs=(SIGNS,), pathway_data=RECORD.pathway_data) == RECORD


def test_a_code_is_replaced_whole() -> None:
    named = replace(coding("GB/T 2261.1", "1"), display="男性")
    chart = requested(replace(CREATE, record=replace(RECORD, sex=named)))
    unknown = c.CompleteRecord(record=TransferRecord(sex=coding("GB/T 2261.1", "9")))
    record = told((unknown, WUCAIWAN), chart=chart).referral.record
    assert record is not None
    assert record.sex == coding("GB/T 2261.1", "9")


def test_an_age_is_replaced_and_a_flag_stays() -> None:
    woman = replace(
        CREATE,
        clinical_summary=replace(CREATE.clinical_summary, sex="F"),
        record=replace(RECORD, sex=None, pathway_data=_pregnant(30, 5, infectious=True)),
    )
    older = c.CompleteRecord(record=TransferRecord(pathway_data=_pregnant(31, 0)))
    record = told((older, WUCAIWAN), chart=requested(woman)).referral.record
    assert record is not None
    assert record.pathway_data == _pregnant(31, 0, infectious=True)


def _pregnant(weeks: int, days: int, *, infectious: bool = False) -> PathwayData:
    age = GestationalAge(weeks=weeks, days=days)
    return PathwayData(maternal=MaternalData(gestational_age=age, infectious=infectious))


def test_what_is_there_already_changes_nothing() -> None:
    assert requested().when(c.CompleteRecord(record=RECORD), WUCAIWAN) == ()


def test_something_must_be_given() -> None:
    for empty in (
        c.CompleteRecord(),
        c.CompleteRecord(record=TransferRecord(), clinical_summary=SummaryCompletion()),
    ):
        requested(BARE).refused(empty, WUCAIWAN, "NOTHING_GIVEN")


def test_nonsense_is_refused_at_creation_and_completion() -> None:
    nonsense = TransferRecord(pathway_data=PathwayData(chest_pain=ChestPainData(killip_class=9)))
    Chart().refused(replace(CREATE, record=nonsense), WUCAIWAN, "OUT_OF_RANGE")
    requested(BARE).refused(c.CompleteRecord(record=nonsense), WUCAIWAN, "OUT_OF_RANGE")
    woman = c.CompleteRecord(record=TransferRecord(sex=coding("GB/T 2261.1", "2")))
    requested(replace(BARE, clinical_summary=replace(BARE_SUMMARY, sex="M"))).refused(
        woman, WUCAIWAN, "CONTRADICTION"
    )
