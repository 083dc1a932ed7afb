"""The moves of a review afterwards: of what left the county without approval."""

from collections.abc import Iterator
from functools import partial

from services.referral.domain import commands as c
from services.referral.domain.referral_values import ReferralState
from services.referral.domain.review_values import ReviewVerdict
from services.shared.kernel.actor import Role
from tests.unit.referral.referral.chart import Chart
from tests.unit.referral.referral.network import SYSTEM, WUCAIWAN, person
from tests.unit.referral.referral.stories import CLOSE, REASON
from tests.unit.referral.table import tales
from tests.unit.referral.table.cases import Order, Taken, Who, due
from tests.unit.referral.table.tales import of_custodian

S = ReferralState
LEFT = (S.IN_TRANSIT, S.ARRIVED, S.IN_TREATMENT, S.TREATED)
WITH_DESTINATION = (S.ACCEPTED, S.TRANSPORT_ARRANGED, S.NO_SHOW, S.CANCEL_REQUESTED, *LEFT)
NEVER_LEFT = tuple(state for state in tales.NON_TERMINAL if state not in LEFT)

LEAD = person("jimsar-town", Role.REFERRAL_OFFICE)
REVIEW = c.ReviewReferral(verdict=ReviewVerdict.JUSTIFIED, reason=REASON)
TO_REVIEW = {state: partial(tales.to_review, state) for state in tales.NON_TERMINAL}


def review_moves() -> Iterator[Taken]:
    for state in WITH_DESTINATION:
        yield _move("ReviewReferral", state, (REVIEW, LEAD), "ReferralReviewed", state)
        yield _move("MeetDeadline", state, (due("review"), SYSTEM), "ReviewOverdue", state)
    for state in LEFT:
        dies = (_death, of_custodian)
        yield _move("RecordDeath", state, dies, "ReviewNotDone PatientDied", S.DECEASED)
    closes = (CLOSE, WUCAIWAN)
    yield _move("CloseReferral", S.TREATED, closes, "ReviewNotDone ReferralClosed", S.CLOSED)


def _move(command: str, state: S, given: tuple[Order, Who], events: str, to: S) -> Taken:
    order, who = given
    return Taken(
        command=command, story=TO_REVIEW[state], order=order, who=who, events=tuple(events.split()), to=to
    )


def _death(chart: Chart) -> c.Command:
    return c.RecordDeath(died_at=chart.now, certifier="张医生")
