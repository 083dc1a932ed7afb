"""The moves of a record: completed, late, and left incomplete at each end."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial

from services.referral.domain import commands as c
from services.referral.domain.record_values import TransferRecord
from services.referral.domain.referral_values import ReferralState
from tests.unit.referral.referral.chart import Chart
from tests.unit.referral.referral.network import GENERAL, SYSTEM, WUCAIWAN
from tests.unit.referral.referral.stories import CANCEL, CLOSE, TO_STATE
from tests.unit.referral.table import tales
from tests.unit.referral.table.cases import Order, Story, Taken, Who, due
from tests.unit.referral.table.tales import NON_TERMINAL, of_custodian, of_origin

S = ReferralState
LEFT = "RecordLeftIncomplete"
COMPLETED_RECORD = c.CompleteRecord(record=TransferRecord(inpatient_number="ZY-1"))
INCOMPLETE = {state: partial(tales.incomplete, state) for state in NON_TERMINAL}


def record_moves() -> Iterator[Taken]:
    for state in NON_TERMINAL:
        yield _move(
            "CompleteRecord", TO_STATE[state], (COMPLETED_RECORD, of_origin), "RecordCompleted", state
        )
        late, dies = (due("record"), SYSTEM), (_death, of_custodian)
        yield _move("MeetDeadline", INCOMPLETE[state], late, "RecordOverdue", state)
        yield _move("RecordDeath", INCOMPLETE[state], dies, f"{LEFT} PatientDied", S.DECEASED)
    yield from _ends()


def _ends() -> Iterator[Taken]:
    cancelled = f"{LEFT} ReferralCancelled"
    for state in (S.AWAITING_APPROVAL, S.REQUESTED, S.INFO_REQUESTED, S.DECLINED, S.NO_SHOW):
        yield _move("CancelReferral", INCOMPLETE[state], (CANCEL, of_origin), cancelled, S.CANCELLED)
    confirms, unanswered = (c.ConfirmCancellation(), GENERAL), (due("cancellation"), SYSTEM)
    waiting = INCOMPLETE[S.CANCEL_REQUESTED]
    yield _move("ConfirmCancellation", waiting, confirms, cancelled, S.CANCELLED)
    yield _move("MeetDeadline", waiting, unanswered, cancelled, S.CANCELLED)
    nobody = [partial(_incomplete_of_nobody, state) for state in (S.REQUESTED, S.INFO_REQUESTED)]
    for story in (INCOMPLETE[S.AWAITING_APPROVAL], INCOMPLETE[S.DECLINED], *nobody):
        yield _move("MeetDeadline", story, (due("expire"), SYSTEM), f"{LEFT} ReferralExpired", S.EXPIRED)
    closes = (CLOSE, WUCAIWAN)
    yield _move("CloseReferral", INCOMPLETE[S.TREATED], closes, f"{LEFT} ReferralClosed", S.CLOSED)


def _incomplete_of_nobody(state: S) -> Chart:
    chart = tales.asked_of_nobody(state)
    chart.state = replace(
        chart.referral, record_due_at=chart.now + timedelta(hours=6), missing_elements=("allergies",)
    )
    return chart


def _move(command: str, story: Story, given: tuple[Order, Who], events: str, to: S) -> Taken:
    order, who = given
    return Taken(command=command, story=story, order=order, who=who, events=tuple(events.split()), to=to)


def _death(chart: Chart) -> c.Command:
    return c.RecordDeath(died_at=chart.now, certifier="张医生")
