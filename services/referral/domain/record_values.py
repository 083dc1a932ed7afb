"""The record that travels with a referral: elements of WS 445.16-2014, and what that set lacks.

Names and fields are those of `tierlink.referral.v1` (transfer_record.proto). Nothing here says who the
patient is: that is kept apart (`patient_identity.py`).
"""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Coding:
    """A code with the table that it is from, and that table's version."""

    system: str
    version: str
    code: str
    display: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Diagnosis:
    #: ICD-10
    code: Coding
    name: str = ""
    #: YYYY-MM-DD
    diagnosed_on: str = ""
    facility_name: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Procedure:
    """An operation or procedure."""

    #: ICD-9-CM-3
    code: Coding
    name: str = ""
    started_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class VitalSigns:
    """One measurement."""

    measured_at: datetime
    temperature_celsius: float | None = None
    respiratory_rate_per_minute: int | None = None
    oxygen_saturation_percent: int | None = None
    systolic_mmhg: int | None = None
    diastolic_mmhg: int | None = None
    heart_rate_per_minute: int | None = None
    glasgow_coma_scale: int | None = None
    glucose_mmol_per_litre: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Electrocardiogram:
    recorded_at: datetime
    finding: str
    #: where the tracing is
    uri: str = ""
    #: of the tracing, hexadecimal
    sha256: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class MedicationGiven:
    name: str
    #: with its unit
    dose: str = ""
    route: str = ""
    given_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class PendingResult:
    """A result that was not there yet at departure."""

    name: str
    sampled_at: datetime | None = None
    expected_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class StrokeData:
    #: modified Rankin Scale before this illness
    rankin_before: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ChestPainData:
    killip_class: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class TraumaData:
    injury_severity_score: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class GestationalAge:
    """Completed weeks, and days beyond them."""

    weeks: int = 0
    days: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class MaternalData:
    gestational_age: GestationalAge | None = None
    #: of the site's list
    risk_colour: str = ""
    #: purple: beside any of the colours
    infectious: bool = False
    #: pregnancies, this one included
    gravidity: int | None = None
    #: births
    parity: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class NeonatalData:
    gestational_age_at_birth: GestationalAge | None = None
    birth_weight_grams: int | None = None
    current_weight_grams: int | None = None
    age_hours: int | None = None
    apgar_1_minute: int | None = None
    apgar_5_minutes: int | None = None
    apgar_10_minutes: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class CriticalCareData:
    sofa_score: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class RehabilitationData:
    barthel_index: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class PathwayData:
    """What particular pathways ask for; any part may be given on any pathway."""

    stroke: StrokeData | None = None
    chest_pain: ChestPainData | None = None
    trauma: TraumaData | None = None
    maternal: MaternalData | None = None
    neonatal: NeonatalData | None = None
    critical_care: CriticalCareData | None = None
    rehabilitation: RehabilitationData | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class TransferRecord:
    """The record beside the clinical summary."""

    outpatient_number: str = ""
    inpatient_number: str = ""
    #: GB/T 2261.1
    sex: Coding | None = None
    disease_history: str = ""
    operation_history: str = ""
    #: 转诊记录, at most 2000 characters
    narrative: str = ""
    referring_physician: str = ""
    #: the leading one first
    diagnoses: tuple[Diagnosis, ...] = ()
    procedures: tuple[Procedure, ...] = ()
    examination_results: str = ""
    treatment_plan: str = ""
    disposition_plan: str = ""
    health_assessment: str = ""
    rehabilitation_guidance: str = ""
    #: WS 218
    origin_facility_code: Coding | None = None
    origin_department: str = ""
    vital_signs: tuple[VitalSigns, ...] = ()
    electrocardiograms: tuple[Electrocardiogram, ...] = ()
    medications_given: tuple[MedicationGiven, ...] = ()
    pending_results: tuple[PendingResult, ...] = ()
    pathway_data: PathwayData | None = None
    insurance_type: Coding | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class SummaryCompletion:
    """The parts of a clinical summary that may follow later."""

    diagnosis_code: str = ""
    symptoms: str = ""
    treatment_given: str = ""
    allergies: str = ""
    nihss: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordCompletion:
    """One completion of a record."""

    completed_at: datetime
    #: user
    completed_by: str
    facility: str
    #: after the limit
    late: bool = False
