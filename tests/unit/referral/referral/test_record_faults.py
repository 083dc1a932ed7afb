"""What no record may say: each kind of nonsense has a record that is refused for it, and one that is not."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from services.referral.domain.pathway_faults import INJURY_SCORES
from services.referral.domain.policy import DEFAULT_POLICY
from services.referral.domain.record_faults import LENGTHS_MAX, Today, record_faults
from services.referral.domain.record_rules import DEFAULT_RECORD_RULES, RecordRules, RiskColour
from services.referral.domain.record_values import (
    ChestPainData,
    CriticalCareData,
    GestationalAge,
    MaternalData,
    NeonatalData,
    PathwayData,
    PendingResult,
    RehabilitationData,
    StrokeData,
    TransferRecord,
    TraumaData,
    VitalSigns,
)
from services.referral.domain.referral_values import ClinicalSummary
from services.shared.kernel.text import BilingualText
from tests.unit.referral.referral.network import START
from tests.unit.referral.referral.records import RECORD, STROKE, coding

NOW = START
TODAY = Today(now=NOW, day=DEFAULT_POLICY.day_of(NOW))
SUMMARY = ClinicalSummary(diagnosis_name="胸痛", referral_reason="急诊转诊")
LATER = NOW + timedelta(seconds=1)


def faults(
    record: TransferRecord | None,
    summary: ClinicalSummary = SUMMARY,
    rules: RecordRules = DEFAULT_RECORD_RULES,
) -> list[tuple[str, str]]:
    return [(each.field, each.reason) for each in record_faults(record, summary, TODAY, rules)]


def pathway(**parts: Any) -> TransferRecord:
    return TransferRecord(pathway_data=PathwayData(**parts))


def test_a_good_record_has_no_fault() -> None:
    assert faults(RECORD) == []
    assert faults(None) == []
    assert faults(TransferRecord()) == []


def test_every_fault_is_named_at_once() -> None:
    record = replace(
        RECORD,
        sex=coding("GB/T 2261.1", "7"),
        diagnoses=(replace(STROKE, code=coding("ICD-11", "8B20"), diagnosed_on="2026-02-30"),),
        pathway_data=PathwayData(chest_pain=ChestPainData(killip_class=5)),
    )
    assert faults(record) == [
        ("record.sex.code", "WRONG_CODE_FORM"),
        ("record.diagnoses[0].code.system", "WRONG_CODE_SYSTEM"),
        ("record.diagnoses[0].diagnosed_on", "INVALID_DATE"),
        ("record.pathway_data.chest_pain.killip_class", "OUT_OF_RANGE"),
    ]


def test_the_facilitys_code_has_ten_characters() -> None:
    def of(code: str) -> TransferRecord:
        return TransferRecord(origin_facility_code=coding("WS 218", code))

    assert faults(of("4576001230")) == []
    assert faults(of("457600123")) == [("record.origin_facility_code.code", "WRONG_CODE_FORM")]
    licence = TransferRecord(origin_facility_code=coding("LICENCE", "45760012365232711A1001"))
    assert faults(licence) == [("record.origin_facility_code.system", "WRONG_CODE_SYSTEM")]


@pytest.mark.parametrize("code", ["I63", "I63.9", "I63.902", "I63.900x003", "A17.0+", "G01*"])
def test_diagnoses_are_of_icd_10_with_the_national_extensions(code: str) -> None:
    assert faults(TransferRecord(diagnoses=(replace(STROKE, code=coding("ICD-10", code)),))) == []


@pytest.mark.parametrize("code", ["99.1000", "36.06", "38.9300x001", "01"])
def test_procedures_are_of_icd_9_cm_3(code: str) -> None:
    (procedure,) = RECORD.procedures
    good = replace(procedure, code=coding("ICD-9-CM-3", code))
    assert faults(TransferRecord(procedures=(good,))) == []
    bad = replace(procedure, code=coding("ICD-9-CM-3", f"X{code}"))
    assert faults(TransferRecord(procedures=(bad,))) == [
        ("record.procedures[0].code.code", "WRONG_CODE_FORM")
    ]


def test_the_two_sexes_agree() -> None:
    assert faults(RECORD, replace(SUMMARY, sex="M")) == []
    assert faults(RECORD, replace(SUMMARY, sex="F")) == [("record.sex", "CONTRADICTION")]
    unknown = replace(RECORD, sex=coding("GB/T 2261.1", "9"))
    assert faults(unknown, replace(SUMMARY, sex="F")) == []


def test_nothing_was_done_in_the_future() -> None:
    record = replace(
        RECORD,
        procedures=(replace(RECORD.procedures[0], started_at=LATER),),
        vital_signs=(replace(RECORD.vital_signs[0], measured_at=LATER),),
        electrocardiograms=(replace(RECORD.electrocardiograms[0], recorded_at=LATER),),
        medications_given=(replace(RECORD.medications_given[0], given_at=LATER),),
        pending_results=(PendingResult(name="凝血", sampled_at=LATER),),
        diagnoses=(replace(STROKE, diagnosed_on=(NOW + timedelta(days=2)).date().isoformat()),),
    )
    assert [field for field, reason in faults(record) if reason == "IN_FUTURE"] == [
        "record.diagnoses[0].diagnosed_on",
        "record.procedures[0].started_at",
        "record.vital_signs[0].measured_at",
        "record.electrocardiograms[0].recorded_at",
        "record.medications_given[0].given_at",
        "record.pending_results[0].sampled_at",
    ]


def test_today_is_the_sites_today() -> None:
    """A diagnosis of today, made in the morning where it is still yesterday in Greenwich."""
    evening = START.replace(hour=20)
    early = Today(now=evening, day=DEFAULT_POLICY.day_of(evening))
    tomorrow = (START + timedelta(days=1)).date().isoformat()
    record = TransferRecord(diagnoses=(replace(STROKE, diagnosed_on=tomorrow),))
    assert record_faults(record, SUMMARY, early, DEFAULT_RECORD_RULES) == []


def test_a_result_is_not_expected_before_its_sample() -> None:
    result = PendingResult(name="凝血", sampled_at=NOW, expected_at=NOW - timedelta(minutes=1))
    assert faults(TransferRecord(pending_results=(result,))) == [
        ("record.pending_results[0].expected_at", "CONTRADICTION")
    ]
    good = replace(result, expected_at=NOW + timedelta(hours=1))
    assert faults(TransferRecord(pending_results=(good,))) == []


def test_the_diastolic_pressure_is_the_lower_one() -> None:
    signs = VitalSigns(measured_at=NOW, systolic_mmhg=90, diastolic_mmhg=90)
    assert faults(TransferRecord(vital_signs=(signs,))) == [
        ("record.vital_signs[0].diastolic_mmhg", "CONTRADICTION")
    ]
    at_a_glance = replace(SUMMARY, systolic_mmhg=80, diastolic_mmhg=120)
    assert faults(None, at_a_glance) == [("clinical_summary.diastolic_mmhg", "CONTRADICTION")]
    no_pressure = replace(SUMMARY, systolic_mmhg=0, diastolic_mmhg=0)
    assert faults(None, no_pressure) == []


@pytest.mark.parametrize("name", sorted(LENGTHS_MAX))
def test_lists_are_bounded(name: str) -> None:
    (entry,) = getattr(RECORD, name)
    length_max = LENGTHS_MAX[name]
    assert faults(TransferRecord(**{name: (entry,) * length_max})) == []
    assert (f"record.{name}", "TOO_MANY") in faults(TransferRecord(**{name: (entry,) * (length_max + 1)}))


@pytest.mark.parametrize(
    ("part", "field", "least", "most"),
    [
        (StrokeData, "rankin_before", 0, 5),
        (ChestPainData, "killip_class", 1, 4),
        (CriticalCareData, "sofa_score", 0, 24),
        (MaternalData, "gravidity", 1, 30),
        (NeonatalData, "birth_weight_grams", 200, 8_000),
        (NeonatalData, "current_weight_grams", 200, 15_000),
        (NeonatalData, "age_hours", 0, 2_400),
        (NeonatalData, "apgar_1_minute", 0, 10),
        (NeonatalData, "apgar_5_minutes", 0, 10),
        (NeonatalData, "apgar_10_minutes", 0, 10),
    ],
)
def test_scores_and_measures_have_a_range(part: type, field: str, least: int, most: int) -> None:
    name = {
        StrokeData: "stroke",
        ChestPainData: "chest_pain",
        CriticalCareData: "critical_care",
        MaternalData: "maternal",
        NeonatalData: "neonatal",
    }[part]
    for good in (least, most):
        assert faults(pathway(**{name: part(**{field: good})})) == []
    for bad in (least - 1, most + 1):
        found = faults(pathway(**{name: part(**{field: bad})}))
        assert found == [(f"record.pathway_data.{name}.{field}", "OUT_OF_RANGE")]


def test_an_injury_score_is_a_sum_of_three_squares() -> None:
    assert {0, 1, 9, 16, 25, 34, 50, 75} <= INJURY_SCORES
    for score in (7, 15, 23, 28, 74):
        found = faults(pathway(trauma=TraumaData(injury_severity_score=score)))
        assert found == [("record.pathway_data.trauma.injury_severity_score", "IMPOSSIBLE_SCORE")]
    assert faults(pathway(trauma=TraumaData(injury_severity_score=75))) == []
    assert faults(pathway(trauma=TraumaData())) == []


def test_a_barthel_index_goes_by_fives() -> None:
    field = "record.pathway_data.rehabilitation.barthel_index"
    for bad in (-5, 3, 105):
        assert faults(pathway(rehabilitation=RehabilitationData(barthel_index=bad))) == [
            (field, "IMPOSSIBLE_SCORE")
        ]
    for good in (None, 0, 65, 100):
        assert faults(pathway(rehabilitation=RehabilitationData(barthel_index=good))) == []


@pytest.mark.parametrize(
    ("weeks", "days", "field"), [(2, 0, "weeks"), (46, 0, "weeks"), (38, 7, "days"), (38, 6, "")]
)
def test_a_gestational_age_is_weeks_and_days(weeks: int, days: int, field: str) -> None:
    found = faults(pathway(maternal=MaternalData(gestational_age=GestationalAge(weeks=weeks, days=days))))
    path = "record.pathway_data.maternal.gestational_age"
    assert found == ([(f"{path}.{field}", "OUT_OF_RANGE")] if field else [])


def test_nobody_is_born_alive_before_twenty_weeks() -> None:
    def born_at(weeks: int) -> TransferRecord:
        return pathway(neonatal=NeonatalData(gestational_age_at_birth=GestationalAge(weeks=weeks)))

    field = "record.pathway_data.neonatal.gestational_age_at_birth.weeks"
    assert faults(born_at(19)) == [(field, "OUT_OF_RANGE")]
    assert faults(born_at(20)) == []


def test_a_man_is_not_pregnant() -> None:
    record = pathway(maternal=MaternalData(risk_colour="RED"))
    assert faults(record) == []
    assert faults(record, replace(SUMMARY, sex="M")) == [("record.pathway_data.maternal", "CONTRADICTION")]
    coded = replace(record, sex=coding("GB/T 2261.1", "1"))
    assert faults(coded) == [("record.pathway_data.maternal", "CONTRADICTION")]


def test_births_are_not_more_than_pregnancies() -> None:
    field = "record.pathway_data.maternal.parity"
    assert faults(pathway(maternal=MaternalData(gravidity=2, parity=3))) == [(field, "CONTRADICTION")]
    assert faults(pathway(maternal=MaternalData(gravidity=3, parity=2))) == []
    assert faults(pathway(maternal=MaternalData(parity=31))) == [(field, "OUT_OF_RANGE")]


def test_the_maternal_colours_are_the_sites_list() -> None:
    field = "record.pathway_data.maternal.risk_colour"
    purple = pathway(maternal=MaternalData(risk_colour="PURPLE"))
    assert faults(purple) == [(field, "UNKNOWN_COLOUR")]
    infectious = pathway(maternal=MaternalData(risk_colour="RED", infectious=True))
    assert faults(infectious) == []
    six = replace(
        DEFAULT_RECORD_RULES,
        maternal_colours=(
            *DEFAULT_RECORD_RULES.maternal_colours,
            RiskColour(code="PURPLE", label=BilingualText(zh="紫色", en="purple")),
        ),
    )
    assert faults(purple, rules=six) == []
