"""What follows when the last board of a facility goes silent, and when one is back."""

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
    WithdrawBoard,
    board_name,
)
from services.notification.domain.board_alerts import no_board_alert
from services.notification.domain.board_events import BoardLost
from services.notification.domain.board_policy import BoardPolicy
from services.notification.domain.commands import GoOnWithoutBoard, SettleAlert
from services.notification.domain.communities import acting_at, sees
from services.notification.domain.delivery import silent_channel
from services.notification.domain.rules import RuleCatalogue
from services.notification.domain.values import EscalationStep
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
    """A facility without a board."""

    facility: str
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

    def lacks_board(self, facility: str) -> bool:
        """Whether a board is expected at the facility and none is live now: nobody is to wait for one."""
        found = self._presence.current().get(facility)
        return found is not None and self.expects(facility) and found.silent_s > self._policy.live_s

    async def reached_without(
        self, facility: str, escalation: tuple[EscalationStep, ...]
    ) -> frozenset[str] | None:
        """Where the facility lacks its board, the users of the escalation who are reached otherwise."""
        return await self._reach.of(escalation) if self.lacks_board(facility) else None

    def is_seen(self, facility: str, actor: Actor) -> bool:
        """Whether the facility's boards are the actor's to see."""
        return sees(actor, facility, self._directory.current())

    def expects(self, facility: str) -> bool:
        """Whether a board that the facility once had may not go silent."""
        known = self._directory.current().facilities.get(facility)
        return self._policy.expects_board(facility, known.capabilities if known else ())

    def note(self, facility: str) -> Reaction:
        """A board is live: the outage, if there was one, is over."""

        async def reaction(work: Work) -> None:
            name = board_name(facility)
            state: Board | None = await work.load(self._kinds.board, name)
            events = boards.decide(state, NoteBoard(facility=facility), work.context)
            if events:
                await work.record(self._kinds.board, name, events)
                await self._settle(work, state, type(events[0]).__name__)

        return reaction

    def miss(self, silence: Silence) -> Reaction:
        """No board for longer than the limit: an alert, once an outage; open alerts go on without a board."""

        async def reaction(work: Work) -> None:
            name = board_name(silence.facility)
            state: Board | None = await work.load(self._kinds.board, name)
            command = MissBoard(facility=silence.facility, last_seen_at=silence.last_seen_at)
            for event in boards.decide(state, command, work.context):
                if isinstance(event, BoardLost):
                    version = 1 if state is None else state.version + 1
                    await work.record(self._kinds.board, name, (event,))
                    await self._alarm(work, event, version)
                    await self._go_on(work, silence.facility)

        return reaction

    def withdraw(self, command: WithdrawBoard, facility: str) -> UseCase[Board]:
        """A person took the boards down; answers with them."""

        async def use_case(work: Work) -> Reply[Board]:
            name = board_name(facility)
            state: Board | None = await work.load_target(self._kinds.board, name)
            actor = acting_at(work.context.actor, facility, self._directory.current())
            events = boards.decide(state, command, replace(work.context, actor=actor))
            await work.record(self._kinds.board, name, events)
            await self._settle(work, state, type(events[0]).__name__)
            return work.reply(self._kinds.board, name)

        return use_case

    async def _alarm(self, work: Work, lost: BoardLost, version: int) -> None:
        directory = self._directory.current()
        known = directory.facilities.get(lost.facility)
        centres = self._policy.centres_of(known.capabilities if known else ())
        command = no_board_alert(
            lost.facility,
            centres,
            boards.outage_key(lost.facility, version),
            cause_event_id=derive_id("event", board_name(lost.facility), str(version)),
            catalogue=self._catalogue,
            directory=directory,
            rosters=await rosters_of(work, self._kinds, directory, lost.facility),
            at=work.context.recorded_at,
        )
        reached = await self._reach.of(command.escalation)
        command = replace(command, escalation=called_without_board(command.escalation, reached))
        # Where this process's picture of the boards is old, another has triggered it already.
        alert: Alert | None = await work.load(self._kinds.alert, lost.alert)
        events = alerts.decide(alert, command, work.context)
        if events:
            await work.record(self._kinds.alert, lost.alert, events)

    async def _go_on(self, work: Work, facility: str) -> None:
        query = StreamQuery(
            kind=self._kinds.alert.name,
            contains={"facility": facility, "state": "TRIGGERED"},
            limit=_ALERTS_MAX,
        )
        page = await self._store.find(query)
        if page.next_after is not None:
            _log.error("alerts_wait_for_a_board", facility=facility, gone_on=_ALERTS_MAX)
        for stream in page.streams:
            alert: Alert | None = await work.load(self._kinds.alert, stream.stream_id)
            if alert is None or alert.rule == boards.NO_BOARD:
                continue
            reached = await self._reach.of(alert.escalation, silent=silent_channel(alert))
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
