"""Who may see which alerts: the facilities whose people must act or were called, and overview roles."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from services.notification.application.aggregates import Aggregates
from services.notification.application.copies import KnownDirectory
from services.notification.domain.alert_state import Alert, parties
from services.notification.domain.communities import seen_by
from services.notification.domain.directory import Directory
from services.shared.eventstore.runner import CommandRunner
from services.shared.eventstore.store import EventStore, StreamQuery
from services.shared.kernel.actor import Actor
from services.shared.kernel.refusals import NotFound

#: Alerts read at once for a board's first picture.
_PICTURE_STEP = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class AlertPage:
    alerts: tuple[Alert, ...]
    next_after: int | None


def may_see(alert: Alert, actor: Actor, directory: Directory) -> bool:
    """Whether the alert is the actor's to see: a party's, its community's coordinator's, or who is called."""
    if any(delivery.recipient == actor.user for delivery in alert.deliveries):
        return True
    seen = seen_by(actor, directory)
    return seen is None or not seen.isdisjoint(parties(alert))


class AlertReading:
    """Reads alerts from the store. Raises DependencyDown when it is away."""

    def __init__(
        self, store: EventStore, runner: CommandRunner, kinds: Aggregates, directory: KnownDirectory
    ) -> None:
        self._store = store
        self._runner = runner
        self._kinds = kinds
        self._directory = directory

    @property
    def directory(self) -> Directory:
        """As it is now."""
        return self._directory.current()

    def is_seen(self, alert: Alert, actor: Actor) -> bool:
        """As `may_see`, by the directory as it is now."""
        return may_see(alert, actor, self._directory.current())

    def facilities_of(self, actor: Actor) -> tuple[str, ...] | None:
        """The facilities whose alerts the actor sees; None is all of them."""
        seen = seen_by(actor, self._directory.current())
        return None if seen is None else tuple(sorted(seen))

    async def one(self, name: str, actor: Actor) -> Alert:
        """Raises NotFound when it does not exist, or is not the actor's to see."""
        state = (await self._runner.read(self._kinds.alert, name)).state
        if state is None or not self.is_seen(state, actor):
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

    async def picture(self, facilities: tuple[str, ...] | None) -> AsyncIterator[Alert]:
        """Every alert of these facilities that is not over, read a part at a time; None is all of them.

        One that changes meanwhile may come twice or not at all: the stream brings its change.
        """
        after: int | None = None
        while True:
            page = await self.page({"live": True}, facilities, after=after, limit=_PICTURE_STEP)
            for alert in page.alerts:
                yield alert
            after = page.next_after
            if after is None:
                return
