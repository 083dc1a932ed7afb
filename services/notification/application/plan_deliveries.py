"""An event of an alert becomes messages, or stops those that are not sent yet."""

from collections.abc import Callable
from datetime import datetime

import structlog

from services.notification.application.aggregates import Aggregates
from services.notification.application.delivery_table import CallPlan, WaitingCall
from services.notification.application.reach import Reach
from services.notification.domain import alert as alerts
from services.notification.domain.alert_answers import running
from services.notification.domain.alert_state import Alert
from services.notification.domain.commands import GoOnUnreached
from services.notification.domain.delivery import (
    plan,
    plan_shared,
    plan_unreached,
    silent_channel,
)
from services.notification.domain.events import (
    AcknowledgementGiven,
    AlertAcknowledged,
    AlertEscalated,
    AlertResolved,
    AlertRetriggered,
    AlertTriggered,
)
from services.notification.domain.reach import ReachHindrance, is_reached
from services.notification.domain.values import AlertCall, AlertState
from services.shared.eventstore.runner import CommandRunner
from services.shared.eventstore.work import Work
from services.shared.kernel.actor import system_actor
from services.shared.kernel.command import CommandContext
from services.shared.kernel.ids import derive_id
from services.shared.kernel.refusals import DependencyDown

_log = structlog.get_logger(__name__)
_ACTOR = system_actor("notification")

#: Told of what was not planned, and of who is not reached: channel, outcome.
Counted = Callable[[str, str], None]
#: Whether an alert of a facility and role is on a board now.
BoardIsLive = Callable[[str, str], bool]


class DeliveryPlanner:
    """Raises DependencyDown when the store is away."""

    def __init__(
        self,
        *,
        runner: CommandRunner,
        kinds: Aggregates,
        reach: Reach,
        board_is_live: BoardIsLive,
        now: Callable[[], datetime],
        counted: Counted,
    ) -> None:
        self._runner = runner
        self._kinds = kinds
        self._reach = reach
        self._board_is_live = board_is_live
        self._now = now
        self._counted = counted

    async def plan(self, call: WaitingCall) -> CallPlan:
        """What the event comes to. The same event always comes to deliveries with the same ids.

        An event that cannot be planned for its own reason waits, loudly: the others must go on.
        """
        if not self._reach.traits:
            # Nothing was ever sent: there is nothing to stop either.
            return CallPlan(alert=call.alert)
        try:
            return await self._plan(call)
        except DependencyDown:
            raise
        except Exception:
            _log.exception("call_not_planned", alert=call.alert, version=call.version)
            self._counted("", "not_planned")
            return CallPlan(alert=call.alert, is_faulty=True)

    async def _plan(self, call: WaitingCall) -> CallPlan:
        recorded = await self._runner.event_at(self._kinds.alert, call.alert, call.version)
        match recorded.event:
            case AlertAcknowledged() | AcknowledgementGiven():
                user, at = recorded.metadata.actor.user, recorded.metadata.recorded_at
                stopped = await self._stopped(call.alert)
                return CallPlan(alert=call.alert, stopped=stopped, acted_user=user, acted_at=at)
            case AlertResolved():
                return CallPlan(alert=call.alert, stopped=await self._stopped(call.alert))
            case AlertTriggered() | AlertRetriggered() | AlertEscalated():
                return await self._calls(call, recorded.event.calls, recorded.metadata.traceparent)
            case _:
                return CallPlan(alert=call.alert)

    async def _stopped(self, name: str) -> str:
        """The state that stops the alert's messages; empty when it was triggered again meanwhile."""
        alert = (await self._runner.read(self._kinds.alert, name)).state
        return "" if alert is None or alert.state is AlertState.TRIGGERED else alert.state.value

    async def _calls(self, call: WaitingCall, calls: tuple[AlertCall, ...], traceparent: str) -> CallPlan:
        alert: Alert | None = (await self._runner.read(self._kinds.alert, call.alert)).state
        if alert is None or alert.state is not AlertState.TRIGGERED or alert.drill:
            return CallPlan(alert=call.alert)
        traits = self._reach.traits
        planned = list(plan_shared(alert, calls, channels=traits))
        unreached = 0
        for called in calls:
            own = await self._reach.own(called.recipient)
            messages = plan(alert, called, channels=traits, own=own)
            if not self._is_reached(alert, called.channels, own, called.facility):
                unreached += 1
                self._counted("", "not_reachable")
                why = "NOT_REACHABLE" if own is not None else ReachHindrance.CONTACT_POINTS_UNREADABLE.value
                messages = messages or (plan_unreached(alert, called, why),)
            planned.extend(messages)
        if calls and unreached == len(calls):
            await self._go_on(call, alert, calls[0], traceparent)
        return CallPlan(alert=call.alert, deliveries=tuple(planned), traceparent=traceparent)

    async def _go_on(self, call: WaitingCall, alert: Alert, called: AlertCall, traceparent: str) -> None:
        """Has the next step called at once, where somebody is left whom a message or a board reaches.

        Where nobody is, the escalation keeps its time: a board may come back meanwhile. Given again after a
        crash, the command finds another round running and does nothing.
        """
        if not await self._reaches_later(alert, called.step):
            return
        _log.warning("call_reaches_nobody", alert=call.alert, step=called.step)
        command = GoOnUnreached(run=called.run, step=called.step, round=called.round)

        async def reaction(work: Work) -> None:
            state: Alert | None = await work.load(self._kinds.alert, call.alert)
            events = () if state is None else alerts.decide(state, command, work.context)
            if events:
                await work.record(self._kinds.alert, call.alert, events)

        at = self._now()
        context = CommandContext(
            request_id=derive_id("unreached", call.alert, str(call.version)),
            actor=_ACTOR,
            occurred_at=at,
            recorded_at=at,
            traceparent=traceparent,
        )
        await self._runner.react(reaction, context, target=call.alert, inbox=None)

    async def _reaches_later(self, alert: Alert, step: int) -> bool:
        escalation = running(alert)
        for index, later in enumerate(alert.escalation):
            # Of several who must acknowledge, those who have are called no more.
            for person in escalation.callable_at(index) if index > step else ():
                own = await self._reach.own(person.user)
                facility = person.facility or later.facility
                if self._is_reached(alert, person.channels, own, facility):
                    return True
        return False

    def _is_reached(
        self, alert: Alert, named: tuple[str, ...], own: tuple[str, ...] | None, facility: str
    ) -> bool:
        # Where nobody is waited for, a channel that is off for the severity is what the site wants.
        severity = alert.severity if alert.next_call_at is not None else None
        silent = silent_channel(alert)
        if is_reached(named, channels=self._reach.traits, own=own, severity=severity, silent=silent):
            return True
        return bool(facility) and self._board_is_live(facility, alert.role)
