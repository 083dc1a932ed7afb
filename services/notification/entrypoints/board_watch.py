"""Looks at the signs of life of boards, and has outages and daily drills follow from what it sees."""

import structlog

from services.notification.application.aggregates import Aggregates
from services.notification.application.board_desk import BoardDesk, Silence
from services.notification.application.drill_desk import DrillDesk
from services.notification.application.presence import BoardPresence
from services.notification.domain.board import Board, BoardState, Place, board_name
from services.notification.domain.board_policy import BoardPolicy
from services.notification.domain.drill_plan import DrillPlan, is_held_at
from services.shared.clocks.day_clock import DAY_CLOCK
from services.shared.eventstore.runner import CommandRunner
from services.shared.eventstore.work import Reaction
from services.shared.kernel.actor import system_actor
from services.shared.kernel.command import CommandContext
from services.shared.kernel.ids import derive_id
from services.shared.loops.recurring import Recurring

_log = structlog.get_logger(__name__)
_ACTOR = system_actor("notification")

#: Between two looks: what an outage is late by at most.
_EVERY_S = 1.0
#: Plans follow directory and policy, which change by the year.
_PLANS_EVERY = 15


class BoardWatch(Recurring):
    """Every process looks; those whose part deadlines are also act. What two see at once happens once."""

    def __init__(
        self,
        *,
        runner: CommandRunner,
        kinds: Aggregates,
        policy: BoardPolicy,
        presence: BoardPresence,
        boards: BoardDesk,
        drills: DrillDesk,
        acts: bool,
    ) -> None:
        super().__init__(interval_s=_EVERY_S, undone="boards_not_watched")
        self._runner = runner
        self._kinds = kinds
        self._policy = policy
        self._presence = presence
        self._boards = boards
        self._drills = drills
        self._acts = acts
        self._looks = 0
        self._is_told = False

    async def prepare(self) -> None:
        """What is known before anything is served. Raises DependencyDown."""
        await self._presence.refresh()

    async def round(self) -> bool:
        """Looks once. Raises DependencyDown."""
        if not self._is_told and (expected := self._expected()):
            await self._presence.expect(expected)
            self._is_told = True
        await self._presence.refresh()
        if not self._acts:
            return False
        await self._follow_boards()
        if self._looks % _PLANS_EVERY == 0:
            await self._follow_plans()
        self._looks += 1
        return False

    def _expected(self) -> tuple[Place, ...]:
        """Where the site's file wants a board from the start."""
        walls = (
            Place(facility=facility, centre=centre)
            for facility, centres in self._policy.walls.items()
            for centre in centres
        )
        return (*(Place(facility=each) for each in self._policy.facilities), *walls)

    async def _follow_boards(self) -> None:
        for place, seen in self._presence.current().items():
            if not self._boards.expects(place):
                continue
            name = board_name(place.facility, place.centre)
            state: Board | None = (await self._runner.load(self._kinds.board, name, fresh=False)).state
            is_live = state is not None and state.state is BoardState.LIVE
            if seen.seen_at is not None and seen.silent_s <= self._policy.live_s:
                if not is_live:
                    await self._react(self._boards.note(place), name)
            elif seen.silent_s > self._policy.limit_s and (is_live or state is None):
                silence = Silence(place=place, last_seen_at=seen.seen_at)
                await self._react(self._boards.miss(silence), name)
                silent_s = round(seen.silent_s)
                _log.warning("board_lost", facility=place.facility, centre=place.centre, silent_s=silent_s)

    async def _follow_plans(self) -> None:
        for plan, (facility, centre) in self._drills.centres().items():
            state: DrillPlan | None = (
                await self._runner.load(self._kinds.drill_plan, plan, fresh=False)
            ).state
            is_none_wanted = state is None and self._policy.drill.at is None
            if not is_none_wanted and (state is None or not is_held_at(state, self._policy)):
                await self._react(self._drills.plan(plan, facility, centre), plan)

    async def _react(self, reaction: Reaction, target: str) -> None:
        now = DAY_CLOCK.now()
        context = CommandContext(
            request_id=derive_id("boards", target, now.isoformat()),
            actor=_ACTOR,
            occurred_at=now,
            recorded_at=now,
        )
        await self._runner.react(reaction, context, target=target, inbox=None)
