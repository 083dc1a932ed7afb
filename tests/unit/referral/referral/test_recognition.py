"""Recognition of results: each rule in each of its verdicts, and what follows from all of them."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.referral.domain.attachments import Attachment
from services.referral.domain.clocks_targets import Confidence
from services.referral.domain.directory_entries import RecognitionArea
from services.referral.domain.directory_state import Directory
from services.referral.domain.examination_results import ExaminationResult, ResultKind
from services.referral.domain.recognition import (
    RULES,
    Place,
    Question,
    RecognitionFinding,
    asked_of,
    do_not_repeat,
    recognition,
)
from services.referral.domain.recognition_policy import MarkScope, QualityMark, RecognitionPolicy, Validity
from services.referral.domain.recognition_texts import TEXTS
from services.referral.domain.values import FacilityLevel
from services.shared.kernel.text import BilingualText
from tests.unit.referral.referral.network import DIRECTORY

NOW = datetime(2026, 3, 10, 2, 0, tzinfo=UTC)
SOURCE = BilingualText(zh="二手资料", en="secondary source")
IMAGE = Attachment(uri="https://pacs.example/1", media_type="application/dicom", sha256="a" * 64)


def mark(code: str, scope: MarkScope, *regions: str) -> QualityMark:
    return QualityMark(
        code=code,
        label=BilingualText(zh=code, en=code),
        scope=scope,
        regions=regions,
        source=SOURCE,
        confidence=Confidence.B,
    )


HR = mark("HR", MarkScope.NATIONAL)
PROVINCIAL = mark("新HR", MarkScope.PROVINCE, "65")
CITY = mark("昌吉HR", MarkScope.CITY, "6523")
POLICY = RecognitionPolicy(
    validity={ResultKind.LAB: Validity(days=7, source=SOURCE, confidence=Confidence.C)},
    marks={each.code: each for each in (HR, PROVINCIAL, CITY)},
    attachment_schemes=("https",),
)
RESULT = ExaminationResult(
    name="results/1",
    kind=ResultKind.LAB,
    item_code="K",
    item_name="血钾",
    performed_at=NOW - timedelta(days=2),
    facility="qitai-people",
    value="4.1",
    unit="mmol/L",
    mark="HR",
)
HERE = Place(
    id="jimsar-general", level=FacilityLevel.COUNTY, region="652327", areas=frozenset({"cj"}), community="jm"
)
THERE = Place(
    id="qitai-people", level=FacilityLevel.COUNTY, region="652325", areas=frozenset({"cj"}), community="qt"
)
QUESTION = Question(
    result=RESULT, performed=THERE, reported=THERE, destination=HERE, mark=HR, policy=POLICY, now=NOW
)


def asked(**changes: object) -> Question:
    """The question with another mark, places or fields of the result."""
    own = {
        name: changes.pop(name) for name in tuple(changes) if name in ExaminationResult.__dataclass_fields__
    }
    chosen = changes.get("mark_of", HR)
    changes.pop("mark_of", None)
    own["mark"] = own.get("mark", chosen.code if isinstance(chosen, QualityMark) else "")
    question = replace(QUESTION, result=replace(RESULT, **own), mark=chosen, **changes)  # type: ignore[arg-type]
    return question if "reported" in changes else replace(question, reported=question.performed)


def finding(question: Question, rule: str) -> RecognitionFinding:
    (found,) = [each for each in recognition(question).findings if each.rule == rule]
    assert found.text == TEXTS[found.code]
    return found


def place(**changes: object) -> Place:
    return replace(THERE, **changes)  # type: ignore[arg-type]


AT_HOME = replace(THERE, id=HERE.id, areas=frozenset(), community="")
OTHER_AREA = place(areas=frozenset({"yl"}))
NOWHERE = Place(id="某医院", level=None, region="")
LOWER = place(level=FacilityLevel.TOWNSHIP)
EXPIRED = replace(HR, valid_until=date(2026, 3, 7))


@pytest.mark.parametrize(
    ("rule", "question", "code", "passed"),
    [
        ("CONTENT", asked(), "RESULT_GIVEN", True),
        ("CONTENT", asked(value="", attachment=IMAGE), "RESULT_GIVEN", True),
        ("CONTENT", asked(value=" ", conclusion="肺炎"), "CONCLUSION_ONLY", False),
        ("AREA", asked(performed=AT_HOME), "SAME_FACILITY", True),
        ("AREA", asked(performed=place(community="jm", areas=frozenset())), "SAME_COMMUNITY", True),
        ("AREA", asked(mark_of=None), "SAME_AREA", True),
        ("AREA", asked(performed=OTHER_AREA), "NATIONAL_MARK", True),
        ("AREA", asked(performed=OTHER_AREA, mark_of=PROVINCIAL), "OTHER_AREA", False),
        ("AREA", asked(performed=OTHER_AREA, mark_of=EXPIRED), "OTHER_AREA", False),
        ("AREA", asked(performed=OTHER_AREA, mark_of=None), "OTHER_AREA", False),
        ("AREA", asked(performed=replace(NOWHERE, community=""), mark_of=None), "OTHER_AREA", False),
        (
            "AREA",
            asked(
                performed=place(community="", areas=frozenset()),
                destination=replace(HERE, community=""),
                mark_of=None,
            ),
            "OTHER_AREA",
            False,
        ),
        ("LEVEL", asked(mark_of=None), "UPPER_OR_SAME_LEVEL", True),
        ("LEVEL", asked(performed=place(level=FacilityLevel.CITY)), "UPPER_OR_SAME_LEVEL", True),
        ("LEVEL", asked(performed=LOWER, reported=HERE, mark_of=None), "UPPER_OR_SAME_LEVEL", True),
        ("LEVEL", asked(performed=LOWER), "MARKED_LOWER_LEVEL", True),
        ("LEVEL", asked(performed=LOWER, mark_of=None), "LOWER_LEVEL", False),
        ("LEVEL", asked(performed=LOWER, mark_of=EXPIRED), "LOWER_LEVEL", False),
        ("LEVEL", asked(performed=NOWHERE), "LEVEL_UNKNOWN", False),
        ("LEVEL", asked(destination=replace(HERE, level=None)), "LEVEL_UNKNOWN", False),
        ("AGE", asked(performed_at=NOW), "IN_TIME", True),
        ("AGE", asked(performed_at=NOW - timedelta(days=7)), "IN_TIME", True),
        ("AGE", asked(performed_at=NOW - timedelta(days=7, seconds=1)), "TOO_OLD", False),
        ("AGE", asked(performed_at=NOW + timedelta(seconds=1)), "NOT_YET", False),
        ("AGE", asked(kind=ResultKind.ECG), "NO_TIME_LIMIT", False),
        ("MARK", asked(), "MARK_COVERS", True),
        ("MARK", asked(performed=AT_HOME, mark_of=None), "SAME_FACILITY", True),
        ("MARK", asked(performed=place(community="jm"), mark_of=None), "SAME_COMMUNITY", True),
        ("MARK", asked(mark_of=None), "NO_MARK", False),
        ("MARK", asked(mark_of=None, mark="京HR"), "MARK_UNKNOWN", False),
        ("MARK", asked(mark_of=EXPIRED), "MARK_NOT_VALID", False),
        ("MARK", asked(mark_of=replace(HR, valid_from=date(2026, 3, 9))), "MARK_NOT_VALID", False),
        (
            "MARK",
            asked(mark_of=replace(HR, valid_from=date(2026, 3, 8), valid_until=date(2026, 3, 8))),
            "MARK_COVERS",
            True,
        ),
        ("MARK", asked(mark_of=PROVINCIAL), "MARK_COVERS", True),
        ("MARK", asked(mark_of=CITY), "MARK_COVERS", True),
        ("MARK", asked(mark_of=CITY, performed=place(region="650100")), "MARK_ELSEWHERE", False),
        ("MARK", asked(mark_of=CITY, destination=replace(HERE, region="650100")), "MARK_ELSEWHERE", False),
        ("MARK", asked(mark_of=PROVINCIAL, performed=place(region="")), "MARK_ELSEWHERE", False),
        ("MARK", asked(performed=place(region="")), "MARK_COVERS", True),
    ],
)
def test_each_rule_says_why(rule: str, question: Question, code: str, passed: bool) -> None:
    found = finding(question, rule)
    assert (found.code, found.passed) == (code, passed)


def test_the_day_of_an_examination_is_the_sites() -> None:
    """01:30 in China on 8 March is still 7 March in Greenwich."""
    early = datetime(2026, 3, 7, 17, 30, tzinfo=UTC)
    question = asked(mark_of=EXPIRED, performed_at=early)
    assert finding(question, "MARK").code == "MARK_NOT_VALID"
    greenwich = replace(question, policy=replace(POLICY, utc_offset_minutes=0))
    assert finding(greenwich, "MARK").code == "MARK_COVERS"


def test_all_rules_together_decide_and_the_first_that_fails_says_why() -> None:
    found = recognition(asked())
    assert (found.recognised, found.code, found.text) == (True, "RECOGNISED", TEXTS["RECOGNISED"])
    assert [each.rule for each in found.findings] == [rule for rule, _ in RULES]
    assert found.valid_until == RESULT.performed_at + timedelta(days=7)
    assert (found.result, found.item_code, found.item_name, found.facility) == (
        "results/1",
        "K",
        "血钾",
        "jimsar-general",
    )
    for question, code in (
        (asked(performed=OTHER_AREA, mark_of=None), "OTHER_AREA"),
        (asked(performed_at=NOW - timedelta(days=8), mark_of=None), "TOO_OLD"),
        (asked(mark_of=None), "NO_MARK"),
        (asked(kind=ResultKind.ECG), "NO_TIME_LIMIT"),
    ):
        found = recognition(question)
        assert (found.recognised, found.code) == (False, code)
    assert recognition(asked(kind=ResultKind.ECG)).valid_until is None


def test_what_was_made_again_is_not_on_the_list() -> None:
    recognised, other = recognition(asked()), recognition(asked(mark_of=None))
    repeated = recognition(asked(), repeated_here=True)
    assert do_not_repeat((recognised, other, repeated)) == (recognised,)


def _directory(*areas: RecognitionArea) -> Directory:
    return replace(DIRECTORY, recognition_areas={area.id: area for area in areas})


PREFECTURE = RecognitionArea(
    id="cj", name=BilingualText(zh="昌吉州互认区", en="Changji"), regions=("652300",), facilities=()
)


@pytest.mark.parametrize(
    ("facility", "destination", "mark_code", "code"),
    [
        ("qitai-people", "jimsar-general", "HR", "RECOGNISED"),
        ("qitai-people", "jimsar-general", "昌吉HR", "RECOGNISED"),
        ("qitai-people", "jimsar-general", "", "NO_MARK"),
        ("wucaiwan", "jimsar-general", "", "LOWER_LEVEL"),
        ("jimsar-general", "wucaiwan", "", "RECOGNISED"),
        ("xinjiang-4th", "jimsar-general", "新HR", "OTHER_AREA"),
        ("xinjiang-4th", "jimsar-general", "HR", "RECOGNISED"),
    ],
)
def test_the_directory_says_area_level_and_community(
    facility: str, destination: str, mark_code: str, code: str
) -> None:
    result = replace(RESULT, facility=facility, mark=mark_code)
    question = asked_of(result, destination, directory=_directory(PREFECTURE), policy=POLICY, now=NOW)
    assert recognition(question).code == code


def test_the_directory_goes_before_what_a_result_says_and_the_result_before_nothing() -> None:
    claims = replace(RESULT, facility_level=FacilityLevel.PROVINCE, facility_region="110000")
    known = asked_of(claims, "xinjiang-4th", directory=DIRECTORY, policy=POLICY, now=NOW)
    assert (known.performed.level, known.performed.region) == (FacilityLevel.COUNTY, "652325")
    foreign = replace(claims, facility="北京协和医院")
    unknown = asked_of(foreign, "xinjiang-4th", directory=DIRECTORY, policy=POLICY, now=NOW)
    assert (unknown.performed.level, unknown.performed.region) == (FacilityLevel.PROVINCE, "110000")
    assert recognition(unknown).code == "RECOGNISED"


def test_who_reads_from_afar_lends_its_level() -> None:
    township = replace(RESULT, facility="wucaiwan", mark="")
    for reader, code in (("jimsar-general", "RECOGNISED"), ("", "LOWER_LEVEL"), ("unknown", "LOWER_LEVEL")):
        result = replace(township, reported_by_facility=reader)
        question = asked_of(result, "jimsar-general", directory=DIRECTORY, policy=POLICY, now=NOW)
        assert recognition(question).code == code


PLACES = st.builds(
    Place,
    id=st.sampled_from(["a", "b", "c"]),
    level=st.none() | st.sampled_from(FacilityLevel),
    region=st.sampled_from(["", "652327", "652325", "650100", "420100"]),
    areas=st.frozensets(st.sampled_from(["x", "y"])),
    community=st.sampled_from(["", "m", "n"]),
)


@settings(max_examples=200, deadline=None)
@given(PLACES, PLACES, st.sampled_from(["", "HR", "新HR", "昌吉HR", "?"]), st.integers(-1, 9))
def test_whatever_is_asked(performed: Place, destination: Place, code: str, days: int) -> None:
    result = replace(RESULT, mark=code, performed_at=NOW - timedelta(days=days))
    question = replace(
        QUESTION,
        result=result,
        performed=performed,
        reported=performed,
        destination=destination,
        mark=POLICY.marks.get(code),
    )
    found = recognition(question)
    assert found.recognised == all(each.passed for each in found.findings)
    assert found.recognised == (found.code == "RECOGNISED")
    # Ageing never makes a result good, and a national mark never harms.
    assert not (found.recognised and days > 7)
    marked = recognition(replace(question, result=replace(result, mark="HR"), mark=HR))
    assert marked.recognised or not found.recognised
    # Nor does reading by an upper level.
    read = recognition(replace(question, reported=replace(performed, level=FacilityLevel.PROVINCE)))
    assert read.recognised or not found.recognised


def test_every_text_is_there_in_both_languages() -> None:
    assert all(text.zh and text.en for text in TEXTS.values())
