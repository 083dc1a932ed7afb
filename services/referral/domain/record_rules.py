"""What a site asks of the record: the elements, the limit for an emergency's, the maternal colours.

The limit's source is article 15 of the record-writing rules, as a secondary source reports it (confidence B):
what could not be written during a rescue is written within 6 h of its end, and marked. Neither WS 445.16-2014
nor any other source read says which elements a referral cannot do without: the list here is the product's
choice (confidence C), and a site's to change. The colours are those of the maternal risk grading (B); some
cities use six.
"""

from dataclasses import dataclass

from services.referral.domain.clocks_targets import Confidence
from services.referral.domain.values import Urgency
from services.shared.kernel.text import BilingualText

#: Elements that a record can be asked for: paths in the request, beside `VISIT_NUMBER`.
VISIT_NUMBER = "record.visit_number"
DIAGNOSES = "record.diagnoses"

ELEMENTS = (
    VISIT_NUMBER,
    "record.sex",
    "clinical_summary.allergies",
    "record.disease_history",
    "record.operation_history",
    "record.narrative",
    "record.referring_physician",
    DIAGNOSES,
    "clinical_summary.symptoms",
    "clinical_summary.treatment_given",
    "record.examination_results",
    "record.treatment_plan",
    "record.disposition_plan",
    "record.health_assessment",
    "record.rehabilitation_guidance",
    "record.origin_facility_code",
    "record.origin_department",
)

_EVERY_REFERRAL = (
    VISIT_NUMBER,
    "record.sex",
    "clinical_summary.allergies",
    "record.disease_history",
    "record.operation_history",
    "record.narrative",
    "record.referring_physician",
    DIAGNOSES,
    "clinical_summary.treatment_given",
    "record.examination_results",
    "record.origin_facility_code",
    "record.origin_department",
)
#: The patient comes with an illness to be treated.
_UP = ("clinical_summary.symptoms", "record.disposition_plan")
#: The patient comes with a treatment to go on with.
_DOWN = ("record.treatment_plan", "record.health_assessment", "record.rehabilitation_guidance")


@dataclass(frozen=True, kw_only=True, slots=True)
class Sourced:
    """Where a value is from, and how well it is known."""

    source: BilingualText
    confidence: Confidence


@dataclass(frozen=True, kw_only=True, slots=True)
class RiskColour:
    """A grade of maternal risk, the lowest first in the list."""

    code: str
    label: BilingualText


def _colour(code: str, zh: str, en: str) -> RiskColour:
    return RiskColour(code=code, label=BilingualText(zh=zh, en=en))


PRODUCT = Sourced(
    source=BilingualText(zh="产品默认值，待机构确认", en="product default, to be confirmed by the site"),
    confidence=Confidence.C,
)
_RECORD_WRITING = Sourced(
    source=BilingualText(
        zh="《病历书写基本规范》第十五条（二手资料）",
        en="record-writing rules, article 15 (secondary source)",
    ),
    confidence=Confidence.B,
)
_GRADING = Sourced(
    source=BilingualText(
        zh="《孕产妇妊娠风险评估与管理工作规范》（二手资料）",
        en="maternal risk assessment rules (secondary source)",
    ),
    confidence=Confidence.B,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class CreationElements:
    """Elements without which a referral of an urgency is not created."""

    urgency: Urgency
    elements: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordRules:
    """A site's rules of the record."""

    #: for an emergency's record, from the receipt of the referral
    completion_limit_s: int = 6 * 3600
    completion_limit_source: Sourced = _RECORD_WRITING
    #: asked for of a referral up or across
    elements_up: tuple[str, ...] = (*_EVERY_REFERRAL, *_UP)
    #: asked for of a referral down
    elements_down: tuple[str, ...] = (*_EVERY_REFERRAL, *_DOWN)
    elements_source: Sourced = PRODUCT
    #: beside the diagnosis in words and the reason
    required_at_creation: tuple[CreationElements, ...] = ()
    maternal_colours: tuple[RiskColour, ...] = (
        _colour("GREEN", "绿色（低风险）", "green, low risk"),
        _colour("YELLOW", "黄色（一般风险）", "yellow, general risk"),
        _colour("ORANGE", "橙色（较高风险）", "orange, higher risk"),
        _colour("RED", "红色（高风险）", "red, high risk"),
    )
    maternal_colours_source: Sourced = _GRADING

    def required(self, urgency: Urgency) -> tuple[str, ...]:
        """Elements without which a referral of that urgency is not created."""
        return tuple(
            [each for part in self.required_at_creation if part.urgency is urgency for each in part.elements]
        )


DEFAULT_RECORD_RULES = RecordRules()
