"""What a site may configure of the recognition of results: how long a kind lasts, and the quality marks."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum

from services.referral.domain.clocks_targets import Confidence
from services.referral.domain.examination_results import ResultKind
from services.shared.kernel.text import BilingualText


class MarkScope(StrEnum):
    """Where a quality mark is valid."""

    #: 全国
    NATIONAL = "NATIONAL"
    #: 省级: between facilities of its province
    PROVINCE = "PROVINCE"
    #: 市级: between facilities of its city
    CITY = "CITY"


@dataclass(frozen=True, kw_only=True, slots=True)
class QualityMark:
    """A mark of an item under quality control. 互认标识"""

    #: as it stands on the report, such as HR
    code: str
    label: BilingualText
    scope: MarkScope
    #: beginnings of region codes (GB/T 2260) that it is valid in; none for NATIONAL
    regions: tuple[str, ...] = ()
    #: days, both included, on which an examination may bear it; None is no end
    valid_from: date | None = None
    valid_until: date | None = None
    source: BilingualText
    confidence: Confidence

    def covers(self, region: str) -> bool:
        """Whether it is valid in a region; an unknown region is covered by a national mark alone."""
        if self.scope is MarkScope.NATIONAL:
            return True
        return region != "" and any(region.startswith(each) for each in self.regions)

    def valid_on(self, day: date) -> bool:
        return (self.valid_from is None or self.valid_from <= day) and (
            self.valid_until is None or day <= self.valid_until
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Validity:
    """How long results of a kind are recognised."""

    days: int
    source: BilingualText
    confidence: Confidence

    @property
    def duration(self) -> timedelta:
        return timedelta(days=self.days)


@dataclass(frozen=True, kw_only=True, slots=True)
class RecognitionPolicy:
    """A site's configuration. Without one nothing is recognised, and nothing may be attached."""

    validity: Mapping[ResultKind, Validity] = field(default_factory=dict)
    marks: Mapping[str, QualityMark] = field(default_factory=dict)
    attachment_schemes: tuple[str, ...] = ()
    #: the site's clock, for the day of an examination: China Standard Time
    utc_offset_minutes: int = 480


NOTHING_RECOGNISED = RecognitionPolicy()
