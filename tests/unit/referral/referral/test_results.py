"""Results that travel with a patient: they come with the referral or later, and may be made again."""

from dataclasses import replace
from datetime import timedelta

import pytest

from services.referral.domain import commands as c
from services.referral.domain.attachments import Attachment
from services.referral.domain.clocks_targets import Confidence
from services.referral.domain.events import ReferralRequested, ResultRepeated, ResultsAdded
from services.referral.domain.examination_results import (
    RESULTS_MAX,
    ExaminationResult,
    RepeatReason,
    ResultKind,
    ResultRepeat,
)
from services.referral.domain.policy import DEFAULT_POLICY
from services.referral.domain.recognition_policy import RecognitionPolicy, Validity
from services.shared.kernel.refusals import NotFound, NotPermitted
from services.shared.kernel.text import BilingualText
from tests.unit.referral.referral.chart import Chart
from tests.unit.referral.referral.network import COORDINATOR, EAST, GENERAL, START, SYSTEM, WUCAIWAN
from tests.unit.referral.referral.stories import CREATE, arrived, in_transit, requested, treated

SOURCE = BilingualText(zh="产品默认值", en="product default")
POLICY = replace(
    DEFAULT_POLICY,
    recognition=RecognitionPolicy(
        validity={ResultKind.LAB: Validity(days=7, source=SOURCE, confidence=Confidence.C)},
        attachment_schemes=("https",),
    ),
)
IMAGE = Attachment(uri="https://pacs.example/1", media_type="application/dicom", sha256="a" * 64)
LAB = ExaminationResult(
    kind=ResultKind.LAB,
    item_name="血钾",
    performed_at=START - timedelta(hours=2),
    facility="jimsar-general",
    value="4.1",
)
CT = replace(LAB, kind=ResultKind.IMAGING, item_name="头颅 CT", facility="wucaiwan", attachment=IMAGE)


def with_results(*results: ExaminationResult) -> Chart:
    chart = Chart(policy=POLICY)
    chart.when(replace(CREATE, results=results), WUCAIWAN)
    return chart


def test_results_come_with_the_referral_and_are_named() -> None:
    chart = with_results(LAB, CT)
    results = chart.referral.results
    assert tuple(replace(each, name="") for each in results) == (LAB, CT)
    assert len({each.name for each in results}) == 2
    assert all(each.name.startswith("results/") for each in results)
    assert isinstance(chart.events[0], ReferralRequested)
    assert chart.events[0].results == results


@pytest.mark.parametrize("actor", [WUCAIWAN, GENERAL])
@pytest.mark.parametrize("story", [requested, in_transit, treated])
def test_results_may_come_later_from_either_side(actor: object, story: object) -> None:
    chart = story()  # type: ignore[operator]
    chart.policy = POLICY
    state = chart.referral.state
    (event,) = chart.when(c.AddResults(results=(LAB,)), actor)
    assert isinstance(event, ResultsAdded)
    assert event.facility == actor.facility  # type: ignore[attr-defined]
    chart.when(c.AddResults(results=(CT,)), actor)
    assert [each.item_name for each in chart.referral.results] == ["血钾", "头颅 CT"]
    assert len({each.name for each in chart.referral.results}) == 2
    assert chart.referral.state is state


def test_nobody_else_adds_results() -> None:
    command = c.AddResults(results=(LAB,))
    assert isinstance(requested().refused(command, EAST), NotFound)
    assert isinstance(requested().refused(command, COORDINATOR), NotPermitted)


def test_a_referral_carries_a_bounded_number_of_results() -> None:
    chart = with_results(*[LAB] * 100)
    chart.when(c.AddResults(results=(LAB,) * (RESULTS_MAX - 100)), WUCAIWAN)
    refusal = chart.refused(c.AddResults(results=(LAB,)), WUCAIWAN, "TOO_MANY_RESULTS")
    assert str(RESULTS_MAX) in str(refusal)


@pytest.mark.parametrize(
    ("result", "field"),
    [
        (replace(LAB, performed_at=START + timedelta(hours=9)), "results[1].performed_at"),
        (replace(LAB, value=" "), "results[1].value"),
        (replace(CT, attachment=replace(IMAGE, uri="data:,x")), "results[1].attachment.uri"),
        (replace(LAB, value="王某 11010519491231002X"), "results[1].value"),
        (replace(LAB, conclusion="11010519491231002X"), "results[1].conclusion"),
    ],
)
def test_what_is_wrong_in_a_result_is_named(result: ExaminationResult, field: str) -> None:
    for chart, command in (
        (Chart(policy=POLICY), replace(CREATE, results=(LAB, result))),
        (with_results(), c.AddResults(results=(LAB, result))),
    ):
        refusal = chart.refused(command, WUCAIWAN)
        assert [violation.field for violation in refusal.violations] == [field]  # type: ignore[attr-defined]


def test_a_conclusion_alone_is_a_result_too() -> None:
    assert with_results(replace(LAB, value="", conclusion="低钾血症")).referral.results


@pytest.mark.parametrize("reason", RepeatReason)
def test_the_destination_makes_a_result_again_for_a_coded_reason(reason: RepeatReason) -> None:
    chart = arrived()
    chart.policy = POLICY
    chart.when(c.AddResults(results=(LAB, CT)), WUCAIWAN)
    lab, ct = chart.referral.results
    command = c.RecordRepeat(result=lab.name, reason=reason, text="设备故障")
    (event,) = chart.when(command, GENERAL)
    assert event == ResultRepeated(
        result=lab.name,
        reason=reason,
        text="设备故障",
        facility="jimsar-general",
        recognised=True,
        recognition_code="RECOGNISED",
        item_name="血钾",
    )
    assert chart.referral.result_repeats == (
        ResultRepeat(
            result=lab.name,
            reason=reason,
            text="设备故障",
            facility="jimsar-general",
            repeated_at=chart.now,
            recorded_by=GENERAL.user,
            recognised=True,
        ),
    )
    # What is not recognised may be made again too; why not is kept with it.
    (event,) = chart.when(replace(command, result=ct.name), GENERAL)
    assert isinstance(event, ResultRepeated)
    assert (event.recognised, event.recognition_code) == (False, "LOWER_LEVEL")


def test_the_reason_other_says_more_than_itself_and_the_result_is_one_of_the_referrals() -> None:
    chart = arrived()
    chart.policy = POLICY
    chart.when(c.AddResults(results=(LAB,)), WUCAIWAN)
    known = chart.referral.results[0].name
    other = c.RecordRepeat(result=known, reason=RepeatReason.OTHER, text=" ")
    chart.refused(other, GENERAL, "REQUIRED")
    chart.refused(replace(other, result="results/x"), GENERAL, "UNKNOWN_RESULT", "REQUIRED")
    assert chart.when(replace(other, reason=RepeatReason.EMERGENCY), GENERAL)


def test_only_the_destination_repeats_and_only_once_the_patient_is_there() -> None:
    chart = with_results(LAB)
    command = c.RecordRepeat(result=chart.referral.results[0].name, reason=RepeatReason.EMERGENCY)
    chart.refused(command, GENERAL, "NOT_ALLOWED_IN_STATE")
    for actor in (WUCAIWAN, COORDINATOR, SYSTEM):
        assert isinstance(arrived().refused(command, actor), NotPermitted)
