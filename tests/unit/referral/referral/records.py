"""Records of referrals, complete and not."""

from datetime import timedelta

from services.referral.domain.record_values import (
    Coding,
    Diagnosis,
    Electrocardiogram,
    MedicationGiven,
    PathwayData,
    PendingResult,
    Procedure,
    StrokeData,
    TransferRecord,
    VitalSigns,
)
from tests.unit.referral.referral.network import START


def coding(system: str, code: str, version: str = "2.0") -> Coding:
    return Coding(system=system, version=version, code=code)


MALE = coding("GB/T 2261.1", "1", "2003")
STROKE = Diagnosis(
    code=coding("ICD-10", "I63.902"),
    name="急性脑梗死",
    diagnosed_on=START.date().isoformat(),
    facility_name="五彩湾镇分院",
)
SIGNS = VitalSigns(measured_at=START - timedelta(minutes=5), systolic_mmhg=168, diastolic_mmhg=92)

#: Nothing is missing in it for a referral in either direction, beside the summary's part.
RECORD = TransferRecord(
    outpatient_number="MZ-0007",
    sex=MALE,
    disease_history="高血压10年",
    operation_history="无",
    narrative="晨起右侧肢体无力2小时，头颅CT未见出血",
    referring_physician="张医生",
    diagnoses=(STROKE,),
    procedures=(Procedure(code=coding("ICD-9-CM-3", "99.1000"), started_at=START - timedelta(minutes=30)),),
    examination_results="头颅CT未见出血",
    treatment_plan="抗血小板，控制血压",
    disposition_plan="转上级卒中单元",
    health_assessment="轻度功能障碍",
    rehabilitation_guidance="肢体训练",
    origin_facility_code=coding("WS 218", "4576001230", "2002"),
    origin_department="急诊科",
    vital_signs=(SIGNS,),
    electrocardiograms=(Electrocardiogram(recorded_at=START - timedelta(minutes=40), finding="窦性心律"),),
    medications_given=(
        MedicationGiven(name="阿替普酶", dose="50 mg", given_at=START - timedelta(minutes=20)),
    ),
    pending_results=(PendingResult(name="凝血功能", sampled_at=START - timedelta(minutes=50)),),
    pathway_data=PathwayData(stroke=StrokeData(rankin_before=0)),
)
