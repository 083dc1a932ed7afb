"""Events of the results that travel with a patient."""

from dataclasses import dataclass

from services.referral.domain.examination_results import ExaminationResult, RepeatReason


@dataclass(frozen=True, kw_only=True, slots=True)
class ResultsAdded:
    """Results came later."""

    #: that added them
    facility: str
    results: tuple[ExaminationResult, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class ResultRepeated:
    """A destination made a result again."""

    #: name of the result
    result: str
    reason: RepeatReason
    text: str
    facility: str
    #: by the rules it was to be recognised
    recognised: bool
    #: as of then: RECOGNISED, or why not
    recognition_code: str
    item_name: str
