"""The moves of the steps after acceptance: late, reminded of, and expected at another time."""

from collections.abc import Iterator
from datetime import timedelta
from functools import partial

from services.referral.domain import commands as c
from services.referral.domain.referral_values import ReferralState
from tests.unit.referral.referral.network import AMBULANCE, START, SYSTEM, WUCAIWAN
from tests.unit.referral.referral.stories import TO_STATE
from tests.unit.referral.table import tales
from tests.unit.referral.table.cases import Order, Story, Taken, Who, due

S = ReferralState
EXPECTED_LATER = c.UpdateArrivalEstimate(estimated_arrival_time=START + timedelta(hours=9))
_LATE = {
    S.ACCEPTED: ("departure", "DepartureOverdue"),
    S.TRANSPORT_ARRANGED: ("departure", "DepartureOverdue"),
    S.IN_TRANSIT: ("arrival", "ArrivalOverdue"),
    S.NO_SHOW: ("no-show", "NoShowUnresolved"),
    S.ARRIVED: ("treatment-start", "TreatmentStartOverdue"),
    S.IN_TREATMENT: ("treatment", "TreatmentOverdue"),
}
_NO_WORD = {
    state: partial(tales.bed_unanswered, state) for state in (S.ACCEPTED, S.TRANSPORT_ARRANGED, S.IN_TRANSIT)
}


def step_moves() -> Iterator[Taken]:
    for state, (key, event) in _LATE.items():
        yield _move("MeetDeadline", TO_STATE[state], (due(key), SYSTEM), event, state)
        # As often as the policy says: each time another event, and nothing moves.
        reminded = partial(tales.reminded, state, key)
        yield _move("MeetDeadline", reminded, (due(key), SYSTEM), event, state)
    for state, story in _NO_WORD.items():
        yield _move("MeetDeadline", story, (due("bed-answer"), SYSTEM), "BedAnswerOverdue", state)
    for state in (S.TRANSPORT_ARRANGED, S.IN_TRANSIT):
        for who in (WUCAIWAN, AMBULANCE):
            given = (EXPECTED_LATER, who)
            yield _move("UpdateArrivalEstimate", TO_STATE[state], given, "ArrivalEstimateChanged", state)


def _move(command: str, story: Story, given: tuple[Order, Who], event: str, to: S) -> Taken:
    order, who = given
    return Taken(command=command, story=story, order=order, who=who, events=(event,), to=to)
