"""Recognition of results 检查检验结果互认: whether one result is recognised at one facility, and why not.

Pure: everything that the rules look at is in the result, the directory, the site's configuration and the
moment. The rules: results are recognised and diagnostic conclusions are not; within one recognition area; a
lower level accepts an upper level's, and an upper one a lower's under a quality mark that covers it; within
the kind's age; within the mark's scope (national, province, city). A medical community recognises its own
without a mark. Secondary sources, confidence B; a site's own rules go in its configuration.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from services.referral.domain.directory_state import Directory, level_rank
from services.referral.domain.examination_results import ExaminationResult, ResultKind
from services.referral.domain.recognition_policy import MarkScope, QualityMark, RecognitionPolicy
from services.referral.domain.recognition_texts import TEXTS
from services.referral.domain.values import FacilityLevel
from services.shared.kernel.text import BilingualText


@dataclass(frozen=True, kw_only=True, slots=True)
class RecognitionFinding:
    """One rule, evaluated."""

    rule: str
    passed: bool
    #: why
    code: str
    text: BilingualText


@dataclass(frozen=True, kw_only=True, slots=True)
class ResultRecognition:
    """Whether one result is recognised at one facility."""

    #: name of the result
    result: str
    kind: ResultKind
    item_code: str
    item_name: str
    facility: str
    recognised: bool
    #: RECOGNISED, or the code of the first rule that fails
    code: str
    text: BilingualText
    findings: tuple[RecognitionFinding, ...]
    #: until when its age allows it; None for a kind without a limit
    valid_until: datetime | None
    #: it was made again here
    repeated_here: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """A facility as the rules see it."""

    id: str
    #: None where nobody knows
    level: FacilityLevel | None
    region: str
    areas: frozenset[str] = frozenset()
    community: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """One result, where it was made and reported, and where it is to be recognised."""

    result: ExaminationResult
    performed: Place
    reported: Place
    destination: Place
    mark: QualityMark | None
    policy: RecognitionPolicy
    now: datetime

    @property
    def at_home(self) -> bool:
        return self.performed.id == self.destination.id

    @property
    def within_community(self) -> bool:
        return self.at_home or self.performed.community == self.destination.community != ""

    @property
    def valid_mark(self) -> bool:
        """Its mark was valid on the day, and covers both facilities."""
        return self.mark is not None and _mark_code(self) == "MARK_COVERS"


#: The code of a rule, and whether it passes.
Verdict = tuple[str, bool]


def _content(question: Question) -> Verdict:
    result = question.result
    given = bool(result.value.strip()) or result.attachment is not None
    return ("RESULT_GIVEN", True) if given else ("CONCLUSION_ONLY", False)


def _area(question: Question) -> Verdict:
    if question.at_home:
        return "SAME_FACILITY", True
    if question.within_community:
        return "SAME_COMMUNITY", True
    if question.performed.areas & question.destination.areas:
        return "SAME_AREA", True
    if question.mark is not None and question.mark.scope is MarkScope.NATIONAL and question.valid_mark:
        return "NATIONAL_MARK", True
    return "OTHER_AREA", False


def _level(question: Question) -> Verdict:
    """Who reads from afar lends its level: the grassroots collect, the county diagnoses."""
    levels = [place.level for place in (question.performed, question.reported) if place.level is not None]
    here = question.destination.level
    if not levels or here is None:
        return "LEVEL_UNKNOWN", False
    if max(map(level_rank, levels)) >= level_rank(here):
        return "UPPER_OR_SAME_LEVEL", True
    return ("MARKED_LOWER_LEVEL", True) if question.valid_mark else ("LOWER_LEVEL", False)


def _age(question: Question) -> Verdict:
    validity = question.policy.validity.get(question.result.kind)
    if validity is None:
        return "NO_TIME_LIMIT", False
    age = question.now - question.result.performed_at
    if age < timedelta(0):
        return "NOT_YET", False
    return ("IN_TIME", True) if age <= validity.duration else ("TOO_OLD", False)


def _mark(question: Question) -> Verdict:
    if question.within_community:
        return "SAME_FACILITY" if question.at_home else "SAME_COMMUNITY", True
    code = _mark_code(question)
    return code, code == "MARK_COVERS"


def _mark_code(question: Question) -> str:
    mark = question.mark
    if not question.result.mark:
        return "NO_MARK"
    if mark is None:
        return "MARK_UNKNOWN"
    zone = timezone(timedelta(minutes=question.policy.utc_offset_minutes))
    if not mark.valid_on(question.result.performed_at.astimezone(zone).date()):
        return "MARK_NOT_VALID"
    covers = mark.covers(question.performed.region) and mark.covers(question.destination.region)
    return "MARK_COVERS" if covers else "MARK_ELSEWHERE"


#: In the order in which the first failing one says why.
RULES: tuple[tuple[str, Callable[[Question], Verdict]], ...] = (
    ("CONTENT", _content),
    ("AREA", _area),
    ("LEVEL", _level),
    ("AGE", _age),
    ("MARK", _mark),
)


def recognition(question: Question, *, repeated_here: bool = False) -> ResultRecognition:
    """Every rule, and what follows from all of them."""
    findings = []
    for rule, asks in RULES:
        code, passed = asks(question)
        findings.append(RecognitionFinding(rule=rule, passed=passed, code=code, text=TEXTS[code]))
    why = next((finding.code for finding in findings if not finding.passed), "RECOGNISED")
    result = question.result
    validity = question.policy.validity.get(result.kind)
    return ResultRecognition(
        result=result.name,
        kind=result.kind,
        item_code=result.item_code,
        item_name=result.item_name,
        facility=question.destination.id,
        recognised=why == "RECOGNISED",
        code=why,
        text=TEXTS[why],
        findings=tuple(findings),
        valid_until=None if validity is None else result.performed_at + validity.duration,
        repeated_here=repeated_here,
    )


def asked_of(
    result: ExaminationResult,
    destination: str,
    *,
    directory: Directory,
    policy: RecognitionPolicy,
    now: datetime,
) -> Question:
    """The question of one result at one destination, with what the directory knows of the facilities."""
    performed = _place(result.facility, directory, result.facility_level, result.facility_region)
    return Question(
        result=result,
        performed=performed,
        reported=_place(result.reported_by_facility, directory) if result.reported_by_facility else performed,
        destination=_place(destination, directory),
        mark=policy.marks.get(result.mark),
        policy=policy,
        now=now,
    )


def _place(
    facility_id: str, directory: Directory, level: FacilityLevel | None = None, region: str = ""
) -> Place:
    """What the directory says of a facility goes before what the result says of it."""
    facility = directory.facility(facility_id)
    if facility is None:
        return Place(id=facility_id, level=level, region=region)
    return Place(
        id=facility.id,
        level=facility.level,
        region=facility.region,
        areas=frozenset(directory.recognition_areas_of(facility)),
        community=facility.community,
    )


def do_not_repeat(recognitions: Iterable[ResultRecognition]) -> tuple[ResultRecognition, ...]:
    """Those that are recognised, and were not made again there."""
    return tuple([each for each in recognitions if each.recognised and not each.repeated_here])
