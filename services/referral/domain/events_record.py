"""Events of the record: its completion, and the passing of its limit."""

from dataclasses import dataclass

from services.referral.domain.record_values import TransferRecord
from services.referral.domain.referral_values import ClinicalSummary


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordCompleted:
    """The record after what was added."""

    facility: str
    record: TransferRecord | None
    clinical_summary: ClinicalSummary
    #: still
    missing_elements: tuple[str, ...] = ()
    #: after the limit
    late: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordOverdue:
    """The limit passed and the record is incomplete."""

    #: that is to complete it
    facility: str
    missing_elements: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordLeftIncomplete:
    """The referral ends, and its record still lacks what it was given time for."""

    #: that was to complete it
    facility: str
    missing_elements: tuple[str, ...] = ()
