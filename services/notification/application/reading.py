"""Who may see which alerts: the facilities whose people must act or were called, and overview roles."""

from dataclasses import dataclass

from services.notification.application.aggregates import Aggregates
from services.notification.domain.alert_state import Alert, parties
from services.shared.eventstore.runner import CommandRunner
from services.shared.eventstore.store import EventStore, StreamQuery
from services.shared.kernel.actor import Actor, Role
from services.shared.kernel.refusals import NotFound

_EVERYWHERE = (Role.COORDINATOR, Role.OPERATOR, Role.SYSTEM)


@dataclass(frozen=True, kw_only=True, slots=True)
class AlertPage:
    alerts: tuple[Alert, ...]
    next_after: int | None


def sees_everything(actor: Actor) -> bool:
    """Whether the actor has an overview role."""
    return actor.has_role(*_EVERYWHERE)


def may_see(alert: Alert, actor: Actor) -> bool:
    """Whether the alert is the actor's to see."""
    called = any(delivery.recipient == actor.user for delivery in alert.deliveries)
    return sees_everything(actor) or actor.facility in parties(alert) or called


class AlertReading:
    """Reads alerts from the store. Raises DependencyDown when it is away."""

    def __init__(self, store: EventStore, runner: CommandRunner, kinds: Aggregates) -> None:
        self._store = store
        self._runner = runner
        self._kinds = kinds

    async def one(self, name: str, actor: Actor) -> Alert:
        """Raises NotFound when it does not exist, or is not the actor's to see."""
        state = (await self._runner.read(self._kinds.alert, name)).state
        if state is None or not may_see(state, actor):
            raise NotFound("Alert", name)
        return state

    async def page(
        self,
        contains: dict[str, object],
        facilities: tuple[str, ...] | None,
        *,
        states: tuple[str, ...] = (),
        after: int | None = None,
        limit: int,
    ) -> AlertPage:
        """The latest changes first, of these facilities; None is all of them."""
        page = await self._store.find(
            StreamQuery(
                kind=self._kinds.alert.name,
                contains=contains,
                parties=facilities,
                states=states,
                after=after,
                limit=limit,
            )
        )
        alerts = await self._runner.revive_all(self._kinds.alert, page.streams)
        return AlertPage(alerts=alerts, next_after=page.next_after)

    async def open_alerts(self, facility: str, *, alerts_max: int) -> tuple[Alert, ...]:
        """What a board shows when it is opened; an empty facility is every one. At most `alerts_max`."""
        page = await self.page({"live": True}, (facility,) if facility else None, limit=alerts_max)
        return page.alerts
