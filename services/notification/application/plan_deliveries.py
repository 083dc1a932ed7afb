"""An event of an alert becomes messages, or stops those that are not sent yet."""

from collections.abc import Mapping

import structlog

from services.notification.application.aggregates import Aggregates
from services.notification.application.channels import SiteChannel
from services.notification.application.contact_points import ContactPoints
from services.notification.application.delivery_table import CallPlan, WaitingCall
from services.notification.domain.alert_state import Alert
from services.notification.domain.delivery import PlannedDelivery, plan
from services.notification.domain.events import (
    AcknowledgementGiven,
    AlertAcknowledged,
    AlertEscalated,
    AlertResolved,
    AlertRetriggered,
    AlertTriggered,
)
from services.notification.domain.values import AlertState
from services.shared.eventstore.runner import CommandRunner
from services.shared.kernel.refusals import DependencyDown

_log = structlog.get_logger(__name__)


class DeliveryPlanner:
    """Raises DependencyDown when the store is away."""

    def __init__(
        self,
        *,
        runner: CommandRunner,
        kinds: Aggregates,
        contacts: ContactPoints,
        channels: Mapping[str, SiteChannel],
    ) -> None:
        self._runner = runner
        self._kinds = kinds
        self._contacts = contacts
        self._channels = channels
        self._traits = {name: channel.traits for name, channel in channels.items()}

    async def plan(self, call: WaitingCall) -> CallPlan:
        """What the event comes to. The same event always comes to deliveries with the same ids.

        An event that cannot be planned for its own reason comes to nothing, loudly: the others must go on.
        """
        if not self._channels:
            # Nothing was ever sent: there is nothing to stop either.
            return CallPlan(alert=call.alert)
        try:
            return await self._plan(call)
        except DependencyDown:
            raise
        except Exception:
            _log.exception("call_not_planned", alert=call.alert, version=call.version)
            return CallPlan(alert=call.alert)

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
                return await self._calls(call.alert, recorded.event)
            case _:
                return CallPlan(alert=call.alert)

    async def _stopped(self, name: str) -> str:
        """The state that stops the alert's messages; empty when it was triggered again meanwhile."""
        alert = (await self._runner.read(self._kinds.alert, name)).state
        return "" if alert is None or alert.state is AlertState.TRIGGERED else alert.state.value

    async def _calls(self, name: str, event: AlertTriggered | AlertRetriggered | AlertEscalated) -> CallPlan:
        alert: Alert | None = (await self._runner.read(self._kinds.alert, name)).state
        if alert is None or alert.state is not AlertState.TRIGGERED or alert.drill:
            return CallPlan(alert=name)
        planned: list[PlannedDelivery] = []
        for called in event.calls:
            reachable_by = () if called.channels else await self._reachable_by(called.recipient)
            planned.extend(plan(alert, called, channels=self._traits, reachable_by=reachable_by))
        return CallPlan(alert=name, deliveries=tuple(planned))

    async def _reachable_by(self, user: str) -> tuple[str, ...]:
        """The site's channels that the person has an address for."""
        kinds = {point.kind for point in await self._contacts.of(user)}
        return tuple(name for name, channel in self._channels.items() if channel.contact in kinds)
