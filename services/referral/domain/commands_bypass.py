"""The destination's word that a patient comes without a held bed."""

from dataclasses import dataclass

from services.referral.domain.values import CodedReason


@dataclass(frozen=True, kw_only=True, slots=True)
class GrantBypass:
    """The destination takes the patient by its emergency room."""

    reason: CodedReason
