"""What is sent with a question, by kind: a tracing, images, a sample, or the wish for a live consultation."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Modality(StrEnum):
    """How the images were made."""

    #: X 线
    X_RAY = "X_RAY"
    CT = "CT"
    #: 磁共振
    MR = "MR"
    #: 超声
    ULTRASOUND = "ULTRASOUND"
    OTHER = "OTHER"


class SampleType(StrEnum):
    """What is examined."""

    BLOOD = "BLOOD"
    URINE = "URINE"
    STOOL = "STOOL"
    #: 痰
    SPUTUM = "SPUTUM"
    #: 拭子
    SWAB = "SWAB"
    #: 脑脊液
    CEREBROSPINAL_FLUID = "CEREBROSPINAL_FLUID"
    #: 胸水、腹水等
    BODY_FLUID = "BODY_FLUID"
    #: 组织
    TISSUE = "TISSUE"
    OTHER = "OTHER"


@dataclass(frozen=True, kw_only=True, slots=True)
class EcgRequest:
    """A tracing that is to be read."""

    #: number of leads recorded
    leads: int
    acquired_at: datetime | None = None
    #: the patient has chest pain during the recording; None when nobody said
    chest_pain: bool | None = None
    #: positions that differ from the standard or could not be recorded
    lead_notes: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class ImagingRequest:
    """Images that are to be read."""

    modality: Modality
    body_part: str
    contrast: bool = False
    acquired_at: datetime | None = None
    #: DICOM study instance UID; empty when the images have none
    study_uid: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class LaboratoryRequest:
    """A sample that is to be examined."""

    sample_type: SampleType
    #: number on the sample's label
    sample_id: str
    collected_at: datetime | None = None
    #: what is to be measured
    items: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class TeleconsultationRequest:
    """A live consultation that is to be held."""

    #: None is at once
    wished_at: datetime | None = None
    #: department that is asked
    department: str = ""
