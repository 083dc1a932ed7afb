"""Examination and laboratory results that travel with a patient, and their repetition. 检查检验结果"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from services.referral.domain.attachments import Attachment
from services.referral.domain.values import FacilityLevel

#: More would no longer be read.
RESULTS_MAX = 200


class ResultKind(StrEnum):
    """What was done."""

    #: 检验
    LAB = "LAB"
    #: 放射影像
    IMAGING = "IMAGING"
    #: 超声
    ULTRASOUND = "ULTRASOUND"
    #: 心电图
    ECG = "ECG"


class RepeatReason(StrEnum):
    """Why a result is made again: reasons 1 to 6 of the recognition rules (secondary source)."""

    #: 1: it does not fit a changed condition
    CONDITION_CHANGED = "CONDITION_CHANGED"
    #: 2: it changes fast
    CHANGES_FAST = "CHANGES_FAST"
    #: 3: it matters greatly, as before surgery or transfusion
    MATTERS_GREATLY = "MATTERS_GREATLY"
    #: 4
    EMERGENCY = "EMERGENCY"
    #: 5: forensic, disability or retirement appraisal
    APPRAISAL = "APPRAISAL"
    #: 6: needs a text
    OTHER = "OTHER"


@dataclass(frozen=True, kw_only=True, slots=True)
class ExaminationResult:
    """One result."""

    #: `results/{uuid}`; empty in a command
    name: str = ""
    kind: ResultKind
    #: in the code system of its facility; empty when it has none
    item_code: str = ""
    item_name: str
    #: when the sample was taken or the images were made
    performed_at: datetime
    #: a facility of the directory, or the name of another
    facility: str
    #: level and region of a facility that the directory does not know
    facility_level: FacilityLevel | None = None
    facility_region: str = ""
    #: facility of the directory that read it from afar; empty when the performing one did
    reported_by_facility: str = ""
    #: the value or the findings
    value: str = ""
    unit: str = ""
    reference_range: str = ""
    #: the diagnostic conclusion: never recognised
    conclusion: str = ""
    #: quality mark of the site's catalogue; empty when it has none
    mark: str = ""
    attachment: Attachment | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ResultRepeat:
    """That a result was made again at a destination."""

    #: name of the result
    result: str
    reason: RepeatReason
    text: str
    facility: str
    repeated_at: datetime
    #: user
    recorded_by: str
    #: by the rules it was to be recognised
    recognised: bool
