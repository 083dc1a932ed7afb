"""Before a referral is created: which of the patient's results each destination would recognise."""

from dataclasses import replace
from datetime import timedelta

import pytest

from services.referral.domain.examination_results import ExaminationResult, ResultKind
from services.referral.domain.policy import DEFAULT_POLICY
from services.shared.kernel.refusals import InvalidInput
from tests.unit.referral.referral.network import START
from tests.unit.referral.referral.test_explain import QUERY, answers
from tests.unit.referral.referral.test_recognition import POLICY

SITE = replace(DEFAULT_POLICY, recognition=POLICY)
POTASSIUM = ExaminationResult(
    kind=ResultKind.LAB,
    item_code="K",
    item_name="血钾",
    performed_at=START - timedelta(days=2),
    facility="jimsar-general",
    value="4.1",
)
OLD = replace(POTASSIUM, item_name="肌酐", performed_at=START - timedelta(days=30))
CONCLUSION = replace(POTASSIUM, item_name="血常规", value="", conclusion="未见异常")
ASKED = replace(QUERY, destinations=("jimsar-general", "east-hospital"), results=(POTASSIUM, OLD, CONCLUSION))


def test_each_destination_answers_for_every_result() -> None:
    home, east = answers(ASKED, policy=SITE)
    assert (home.facility, east.facility) == ("jimsar-general", "east-hospital")
    assert [(each.result, each.item_name, each.code) for each in home.recognitions] == [
        ("results/0", "血钾", "RECOGNISED"),
        ("results/1", "肌酐", "TOO_OLD"),
        ("results/2", "血常规", "CONCLUSION_ONLY"),
    ]
    assert {each.facility for each in east.recognitions} == {"east-hospital"}
    assert not any(each.recognised for each in east.recognitions)


def test_what_is_recognised_need_not_be_made_again() -> None:
    home, east = answers(ASKED, policy=SITE)
    assert [each.result for each in home.do_not_repeat] == ["results/0"]
    assert east.do_not_repeat == ()


def test_without_results_nothing_is_said_of_them() -> None:
    (first, *_) = answers(QUERY, policy=SITE)
    assert (first.recognitions, first.do_not_repeat) == ((), ())


def test_results_that_no_referral_would_take_are_refused() -> None:
    wrong = (replace(POTASSIUM, performed_at=START + timedelta(days=1)), replace(POTASSIUM, value=" "))
    with pytest.raises(InvalidInput) as caught:
        answers(replace(ASKED, results=wrong), policy=SITE)
    assert [(each.field, each.reason) for each in caught.value.violations] == [
        ("results[0].performed_at", "IN_FUTURE"),
        ("results[1].value", "REQUIRED"),
    ]
