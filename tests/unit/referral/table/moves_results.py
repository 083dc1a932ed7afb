"""The moves of results that travel with a patient."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from services.referral.domain import commands as c
from services.referral.domain.examination_results import RESULTS_MAX, RepeatReason
from services.referral.domain.referral_values import ReferralState
from tests.unit.referral.referral.chart import Chart
from tests.unit.referral.referral.network import GENERAL
from tests.unit.referral.referral.stories import TO_STATE, told
from tests.unit.referral.referral.test_results import LAB
from tests.unit.referral.table.cases import Taken
from tests.unit.referral.table.tales import NON_TERMINAL, of_origin

S = ReferralState
ADDED = c.AddResults(results=(LAB,))
TOO_MANY = c.AddResults(results=(LAB,) * 2)
REPEATED = c.RecordRepeat(result="", reason=RepeatReason.CHANGES_FAST)


def with_result(state: ReferralState) -> Chart:
    return told((ADDED, GENERAL), chart=TO_STATE[state]())


def with_many_results() -> Chart:
    """One more may come."""
    chart = with_result(S.REQUESTED)
    chart.state = replace(chart.referral, results=chart.referral.results * (RESULTS_MAX - 1))
    return chart


def _repeat(chart: Chart) -> c.Command:
    return replace(REPEATED, result=chart.referral.results[0].name)


_WITH_RESULT = {state: partial(with_result, state) for state in (S.ARRIVED, S.IN_TREATMENT, S.TREATED)}


def result_moves() -> Iterator[Taken]:
    for state in NON_TERMINAL:
        yield Taken(
            command="AddResults",
            story=TO_STATE[state],
            order=ADDED,
            who=of_origin,
            events=("ResultsAdded",),
            to=state,
        )
    for state, story in _WITH_RESULT.items():
        yield Taken(
            command="RecordRepeat",
            story=story,
            order=_repeat,
            who=GENERAL,
            events=("ResultRepeated",),
            to=state,
        )
