"""What verification found."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One thing that is not as it was written."""

    #: `referral`, `bed`, `notification`, or `local` for what this program worked out itself
    found_by: str
    aggregate: str
    #: 0 for the aggregate as a whole
    version: int
    code: str
    description: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Verification:
    """One verifier's verdict."""

    #: as in Finding
    verified_by: str
    aggregates_count: int
    events_count: int
    findings: tuple[Finding, ...]

    @property
    def is_intact(self) -> bool:
        return not self.findings
