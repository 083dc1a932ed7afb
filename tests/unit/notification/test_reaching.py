"""Whom a call reaches, by what, and what becomes of one that reaches nobody."""

from collections.abc import Callable
from dataclasses import replace

from services.notification.application.channels import SiteChannel
from services.notification.application.delivery_table import CallPlan, WaitingCall
from services.notification.application.plan_deliveries import DeliveryPlanner
from services.notification.application.reach import Reach
from services.notification.domain import alert as alerts
from services.notification.domain.alert_state import Alert
from services.notification.domain.commands import AcknowledgeAlert, AlertCommand, GoOnUnreached
from services.notification.domain.contact_values import ContactKind
from services.notification.domain.values import AcknowledgementPolicy, Recipient, Severity
from services.shared.eventstore.runner import CommandRunner
from services.shared.eventstore.work import Work
from services.shared.kernel.actor import Actor, Role
from services.shared.kernel.ids import derive_id
from tests.doubles.memory_store import MemoryEventStore
from tests.unit.notification.reaching import KINDS, NAME, PHONE, ROBOT, SMS, Books, site
from tests.unit.notification.scenario import (
    ACKNOWLEDGED,
    DUTY,
    NOW,
    POLICY,
    SYSTEM,
    TRIGGER,
    TRIGGERED,
    context,
    escalated,
    given,
    person,
)


class Desk:
    """An alert that was triggered, and a planner of its calls."""

    def __init__(
        self,
        books: Books,
        *channels: SiteChannel,
        live: Callable[[str, str], bool] = lambda facility, role: False,
    ) -> None:
        self.runner = CommandRunner(MemoryEventStore())
        self.counted: list[tuple[str, str]] = []
        self.reach = Reach(books, {each.name: each for each in channels})
        self.planner = DeliveryPlanner(
            runner=self.runner,
            kinds=KINDS,
            reach=self.reach,
            board_is_live=live,
            now=lambda: NOW,
            counted=lambda channel, outcome: self.counted.append((channel, outcome)),
        )

    async def trigger(
        self,
        *named: str,
        severity: Severity = TRIGGER.severity,
        repeat_s: int = POLICY[0].repeat_s,
        traceparent: str = "",
    ) -> "Desk":
        """The alert, whose roster names these channels for everybody."""
        steps = tuple(
            replace(
                step,
                repeat_s=repeat_s,
                recipients=tuple(replace(each, channels=named) for each in step.recipients),
            )
            for step in POLICY
        )

        async def reaction(work: Work) -> None:
            state: Alert | None = await work.load(KINDS.alert, NAME)
            command = replace(TRIGGER, escalation=steps, severity=severity)
            await work.record(KINDS.alert, NAME, alerts.decide(state, command, work.context))

        at = replace(context(SYSTEM), traceparent=traceparent)
        await self.runner.react(reaction, at, target=NAME, inbox=None)
        return self

    async def does(self, command: AlertCommand, by: Actor) -> None:
        async def reaction(work: Work) -> None:
            state: Alert | None = await work.load(KINDS.alert, NAME)
            await work.record(KINDS.alert, NAME, alerts.decide(state, command, work.context))

        told = context(by, request=derive_id(type(command).__name__))
        await self.runner.react(reaction, told, target=NAME, inbox=None)

    async def plan(self, version: int = 1) -> CallPlan:
        return await self.planner.plan(WaitingCall(alert=NAME, version=version))

    async def rows(self, version: int = 1) -> list[tuple[str, str, str]]:
        found = (await self.plan(version)).deliveries
        return [(each.call.recipient, each.channel, each.refusal) for each in found]

    async def step(self) -> int:
        state: Alert | None = (await self.runner.read(KINDS.alert, NAME)).state
        assert state is not None
        return state.escalation_step


# ---- a group's robot


async def test_a_group_gets_one_message_however_many_are_called() -> None:
    desk = await Desk(Books(dr_li=(PHONE,)), SMS, ROBOT).trigger()
    assert await desk.rows() == [("", "robot", ""), ("dr-li", "sms", "")]
    assert (await desk.plan()).deliveries == (await desk.plan()).deliveries


async def test_a_group_that_the_roster_names_gets_one_message_too() -> None:
    desk = await Desk(Books(), ROBOT).trigger("robot")
    assert await desk.rows() == [("", "robot", "")]


# ---- somebody whom nothing reaches


async def test_a_book_that_cannot_be_read_keeps_nobody_else_from_being_called() -> None:
    desk = await Desk(Books(dr_li=None, dr_wang=(PHONE,)), SMS).trigger()
    assert await desk.rows() == [("dr-li", "", "CONTACT_POINTS_UNREADABLE"), ("dr-wang", "sms", "")]
    assert await desk.step() == 0


async def test_a_plan_with_a_fault_is_asked_for_again_and_counted() -> None:
    books = Books()
    desk = await Desk(books, SMS).trigger()
    books.is_faulty = True
    assert (await desk.plan()).is_faulty
    assert desk.counted == [("", "not_planned")]


async def test_who_is_reached_by_nothing_shows_and_the_next_step_is_called_at_once() -> None:
    desk = await Desk(Books(dr_zhao=(PHONE,)), SMS).trigger()
    assert await desk.rows() == [("dr-li", "", "NOT_REACHABLE"), ("dr-wang", "", "NOT_REACHABLE")]
    assert await desk.step() == 1
    assert await desk.rows(version=2) == [("dr-zhao", "sms", "")]
    # As after a crash: the same event is planned again, and the steps do not run on.
    await desk.plan()
    assert await desk.step() == 1


async def test_messages_and_the_step_that_is_called_at_once_go_on_with_the_trace_of_the_call() -> None:
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    desk = await Desk(Books(dr_zhao=(PHONE,)), SMS).trigger(traceparent=trace)
    assert (await desk.plan()).traceparent == trace
    called = await desk.runner.event_at(KINDS.alert, NAME, 2)
    assert called.metadata.traceparent == trace


async def test_a_channel_that_is_off_for_the_alert_is_no_reason_to_wait() -> None:
    quiet = site("sms", contact=SMS.contact, severities=frozenset({Severity.INFORMATION}))
    loud = site("voice", contact=ContactKind.VOICE)
    call = replace(PHONE, kind=ContactKind.VOICE)
    desk = await Desk(Books(dr_li=(PHONE,), dr_wang=(PHONE,), dr_zhao=(call,)), quiet, loud).trigger()
    assert await desk.rows() == [("dr-li", "", "NOT_REACHABLE"), ("dr-wang", "", "NOT_REACHABLE")]
    assert await desk.step() == 1


async def test_what_is_only_to_be_known_is_no_concern_where_its_channel_is_off() -> None:
    loud = site("sms", contact=SMS.contact, severities=frozenset({Severity.CRITICAL}))
    desk = await Desk(Books(dr_li=(PHONE,), dr_wang=(PHONE,)), loud).trigger(
        severity=Severity.INFORMATION, repeat_s=0
    )
    assert await desk.rows() == []
    assert desk.counted == []


async def test_a_named_channel_without_an_address_reaches_nobody_either() -> None:
    desk = await Desk(Books(platform_duty=(PHONE,)), SMS).trigger("sms")
    assert await desk.rows() == [("dr-li", "sms", "NO_CONTACT_POINT"), ("dr-wang", "sms", "NO_CONTACT_POINT")]
    assert await desk.step() == 1


async def test_while_a_board_is_live_it_is_waited_for() -> None:
    desk = await Desk(
        Books(dr_zhao=(PHONE,)),
        SMS,
        live=lambda facility, role: (facility, role) == (POLICY[0].facility, TRIGGER.role),
    ).trigger()
    assert await desk.rows() == []
    assert await desk.step() == 0


async def test_where_nobody_at_all_is_reached_the_steps_keep_their_time() -> None:
    desk = await Desk(Books(), SMS).trigger()
    assert [why for _, _, why in await desk.rows()] == ["NOT_REACHABLE", "NOT_REACHABLE"]
    assert await desk.step() == 0


async def test_one_who_is_reached_is_waited_for() -> None:
    desk = await Desk(Books(dr_wang=(PHONE,), dr_zhao=(PHONE,)), SMS).trigger()
    assert await desk.rows() == [("dr-li", "", "NOT_REACHABLE"), ("dr-wang", "sms", "")]
    assert await desk.step() == 0


async def test_one_of_several_who_has_acknowledged_is_nobody_to_go_on_to() -> None:
    """Who alone is reached has answered: the others keep their time, for a board may come back."""
    desk = Desk(Books(dr_zhao=(PHONE,)), SMS)
    await desk.does(replace(TRIGGER, acknowledgement_policy=AcknowledgementPolicy(count=2)), SYSTEM)
    await desk.does(AcknowledgeAlert(), person(Role.CLINICIAN, user="dr-zhao"))
    assert [why for _, _, why in await desk.rows()] == ["NO_CONTACT_POINT", "NO_CONTACT_POINT"]
    assert await desk.step() == 0


async def test_a_fallback_that_only_the_board_shows_is_named() -> None:
    people = (
        Recipient(user="a", name="A"),
        Recipient(user="b", name="B", channels=("sms",)),
        Recipient(user="c", name="C", channels=("robot",)),
    )
    both = Desk(Books(a=(PHONE,)), SMS, ROBOT).reach
    assert [each.user for each in people if not await both.reaches(each)] == ["b"]
    sms = Desk(Books(b=(PHONE,)), SMS).reach
    assert [each.user for each in people if not await sms.reaches(each)] == ["a", "c"]


UNREACHED = GoOnUnreached(run=1, step=0, round=1)


def test_the_step_after_one_that_reaches_nobody_is_called_now() -> None:
    given(TRIGGERED).when(UNREACHED).then(escalated(1, 1, "dr-zhao", at=NOW))


def test_another_round_an_answer_and_the_last_step_leave_it_as_it_is() -> None:
    later = escalated(0, 2, "dr-li", "dr-wang", at=NOW)
    given(TRIGGERED, later).when(UNREACHED).then_nothing()
    given(TRIGGERED).when(replace(UNREACHED, run=2)).then_nothing()
    given(TRIGGERED, ACKNOWLEDGED).when(UNREACHED).then_nothing()
    last = escalated(2, 1, "platform-duty", at=NOW)
    given(TRIGGERED, last).when(replace(UNREACHED, step=2)).then_nothing()
    given(TRIGGERED).when(UNREACHED, DUTY).then_not_permitted("SYSTEM_ONLY")
