"""What follows when the last board of a facility or centre goes silent, and when one is back."""

from dataclasses import dataclass, replace
from datetime import datetime

import structlog

from services.notification.application.aggregates import Aggregates
from services.notification.application.copies import KnownDirectory
from services.notification.application.presence import BoardPresence
from services.notification.application.reach import Reach
from services.notification.application.roster_lookup import rosters_of
from services.notification.domain import alert as alerts
from services.notification.domain import board as boards
from services.notification.domain.alert_state import Alert
from services.notification.domain.board import (
    Board,
    BoardState,
    MissBoard,
    NoteBoard,
    Place,
    WithdrawBoard,
    board_name,
)
from services.notification.domain.board_alerts import no_board_alert
from services.notification.domain.board_events import BoardLost
from services.notification.domain.board_policy import BoardPolicy
from services.notification.domain.commands import GoOnWithoutBoard, SettleAlert, TriggerAlert
from services.notification.domain.communities import acting_at, sees
from services.notification.domain.delivery import silent_channel
from services.notification.domain.rules import RuleCatalogue
from services.notification.domain.without_board import called_without_board
from services.shared.eventstore.store import EventStore, StreamQuery
from services.shared.eventstore.work import Reaction, Reply, UseCase, Work
from services.shared.kernel.actor import Actor, system_actor
from services.shared.kernel.ids import derive_id

_log = structlog.get_logger(__name__)

#: More unanswered alerts than a facility can have without anybody noticing.
_ALERTS_MAX = 500
_SYSTEM = system_actor("notification")


@dataclass(frozen=True, kw_only=True, slots=True)
class Silence:
    """A place without a board."""

    place: Place
    last_seen_at: datetime | None


class BoardDesk:
    """Raises DependencyDown when the store is away."""

    def __init__(
        self,
        *,
        store: EventStore,
        kinds: Aggregates,
        catalogue: RuleCatalogue,
        policy: BoardPolicy,
        directory: KnownDirectory,
        presence: BoardPresence,
        reach: Reach,
    ) -> None:
        self._store = store
        self._kinds = kinds
        self._catalogue = catalogue
        self._policy = policy
        self._directory = directory
        self._presence = presence
        self._reach = reach

    def place_of(self, facility: str, role: str) -> Place:
        """Whose boards an alert is looked for on: its centre's where that has some, else the facility's."""
        centre = Place(facility=facility, centre=role)
        has_own = bool(role) and centre in self._presence.current() and self.expects(centre)
        return centre if has_own else Place(facility=facility)

    def lacks_board(self, facility: str, role: str) -> bool:
        """Whether a board is expected for such an alert and none is live now: nobody is to wait for one."""
        place = self.place_of(facility, role)
        found = self._presence.current().get(place)
        return found is not None and self.expects(place) and found.silent_s > self._policy.live_s

    def is_live(self, facility: str, role: str) -> bool:
        """Whether such an alert is on a board now."""
        found = self._presence.current().get(self.place_of(facility, role))
        return found is not None and found.seen_at is not None and found.silent_s <= self._policy.live_s

    def centres_of(self, facility: str) -> tuple[str, ...]:
        """The centres of a facility, for which boards may be opened."""
        return tuple(
            centre for centre in self._policy.centres if self.expects(Place(facility=facility, centre=centre))
        )

    async def reached_without(self, alert: TriggerAlert) -> frozenset[str] | None:
        """Where such an alert lacks its board, the users of its escalation who are reached otherwise."""
        lacks = self.lacks_board(alert.facility, alert.role)
        return await self._reach.of(alert.escalation, alert.severity) if lacks else None

    def is_seen(self, facility: str, actor: Actor) -> bool:
        """Whether the facility's boards are the actor's to see."""
        return sees(actor, facility, self._directory.current())

    def expects(self, place: Place) -> bool:
        """Whether a board that the place once had may not go silent."""
        known = self._directory.current().facilities.get(place.facility)
        capabilities = known.capabilities if known else ()
        return self._policy.expects_board(place.facility, capabilities, place.centre)

    def note(self, place: Place) -> Reaction:
        """A board is live: the outage, if there was one, is over."""

        async def reaction(work: Work) -> None:
            name = board_name(place.facility, place.centre)
            state: Board | None = await work.load(self._kinds.board, name)
            command = NoteBoard(facility=place.facility, centre=place.centre)
            events = boards.decide(state, command, work.context)
            if events:
                await work.record(self._kinds.board, name, events)
                await self._settle(work, state, type(events[0]).__name__)

        return reaction

    def miss(self, silence: Silence) -> Reaction:
        """No board for longer than the limit: an alert, once an outage; open alerts go on without a board."""

        async def reaction(work: Work) -> None:
            place = silence.place
            name = board_name(place.facility, place.centre)
            state: Board | None = await work.load(self._kinds.board, name)
            command = MissBoard(
                facility=place.facility, centre=place.centre, last_seen_at=silence.last_seen_at
            )
            for event in boards.decide(state, command, work.context):
                if isinstance(event, BoardLost):
                    version = 1 if state is None else state.version + 1
                    await work.record(self._kinds.board, name, (event,))
                    await self._alarm(work, event, place, version)
                    await self._go_on(work, place)

        return reaction

    def withdraw(self, command: WithdrawBoard, facility: str) -> UseCase[Board]:
        """A person took the boards down; answers with them."""

        async def use_case(work: Work) -> Reply[Board]:
            name = board_name(facility, command.centre)
            state: Board | None = await work.load_target(self._kinds.board, name)
            actor = acting_at(work.context.actor, facility, self._directory.current())
            events = boards.decide(state, command, replace(work.context, actor=actor))
            await work.record(self._kinds.board, name, events)
            await self._settle(work, state, type(events[0]).__name__)
            return work.reply(self._kinds.board, name)

        return use_case

    async def _alarm(self, work: Work, lost: BoardLost, place: Place, version: int) -> None:
        directory = self._directory.current()
        name = board_name(place.facility, place.centre)
        # The lead of a centre with boards of its own is told of those.
        shared = Place(facility=place.facility)
        centres = tuple(
            centre
            for centre in self.centres_of(place.facility)
            if self.place_of(place.facility, centre) == shared
        )
        command = no_board_alert(
            place,
            centres,
            boards.outage_key(name, version),
            cause_event_id=derive_id("event", name, str(version)),
            catalogue=self._catalogue,
            directory=directory,
            rosters=await rosters_of(work, self._kinds, directory, place.facility),
            at=work.context.recorded_at,
        )
        reached = await self._reach.of(command.escalation, command.severity)
        command = replace(command, escalation=called_without_board(command.escalation, reached))
        # Where this process's picture of the boards is old, another has triggered it already.
        alert: Alert | None = await work.load(self._kinds.alert, lost.alert)
        events = alerts.decide(alert, command, work.context)
        if events:
            await work.record(self._kinds.alert, lost.alert, events)

    async def _go_on(self, work: Work, place: Place) -> None:
        query = StreamQuery(
            kind=self._kinds.alert.name,
            contains={"facility": place.facility, "state": "TRIGGERED"},
            limit=_ALERTS_MAX,
        )
        page = await self._store.find(query)
        if page.next_after is not None:
            _log.error("alerts_wait_for_a_board", facility=place.facility, gone_on=_ALERTS_MAX)
        for stream in page.streams:
            alert: Alert | None = await work.load(self._kinds.alert, stream.stream_id)
            if alert is None or alert.rule == boards.NO_BOARD:
                continue
            # Another's boards show it as before.
            if self.place_of(place.facility, alert.role) != place:
                continue
            reached = await self._reach.of(alert.escalation, alert.severity, silent=silent_channel(alert))
            command = GoOnWithoutBoard(reached=reached)
            events = alerts.decide(alert, command, work.context)
            if events:
                await work.record(self._kinds.alert, stream.stream_id, events)

    async def _settle(self, work: Work, before: Board | None, resolution: str) -> None:
        """The alert of the outage that is over."""
        if before is None or before.state is not BoardState.LOST or not before.alert:
            return
        alert: Alert | None = await work.load(self._kinds.alert, before.alert)
        if alert is None:
            return
        command = SettleAlert(
            resolution=resolution, cause_event_id=derive_id("event", before.name, str(before.version + 1))
        )
        events = alerts.decide(alert, command, replace(work.context, actor=_SYSTEM))
        if events:
            await work.record(self._kinds.alert, before.alert, events)
