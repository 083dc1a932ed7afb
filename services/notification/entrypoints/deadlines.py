"""What is due: the next call of an alert, a drill that begins, one that nobody answered, gaps."""

from services.notification.application.aggregates import Aggregates
from services.notification.application.agree_swaps import SwapDesk
from services.notification.application.change_alert import meet_deadline
from services.notification.application.drill_desk import DrillDesk
from services.notification.application.watch_coverage import CoverageWatch
from services.notification.domain.swaps import lapsing
from services.shared.commands.system_context import deadline_context
from services.shared.deadlines.worker import DueDeadline
from services.shared.eventstore.runner import CommandRunner
from services.shared.eventstore.work import Reaction
from services.shared.kernel.actor import system_actor

_ACTOR = system_actor("notification")


class AlertDeadlines:
    """Runs due deadlines of alerts, drills and their plans, and rosters."""

    def __init__(
        self,
        runner: CommandRunner,
        kinds: Aggregates,
        drills: DrillDesk,
        coverage: CoverageWatch,
        swap_desk: SwapDesk,
    ) -> None:
        self._runner = runner
        self._kinds = kinds
        self._drills = drills
        self._coverage = coverage
        self._swap_desk = swap_desk

    async def fire(self, due: DueDeadline) -> None:
        """Raises DependencyDown or Overloaded to be asked again."""
        await self._runner.react(
            self._reaction(due),
            deadline_context(due, _ACTOR),
            target=due.stream_id,
            inbox=None,
        )

    def _reaction(self, due: DueDeadline) -> Reaction:
        if due.kind == self._kinds.drill.name:
            return self._drills.meet(due.stream_id, due.key)
        if due.kind == self._kinds.drill_plan.name:
            return self._drills.hold(due.stream_id, due.due_at)
        if due.kind == self._kinds.roster.name:
            lapsed = lapsing(due.key)
            if lapsed is not None:
                return self._swap_desk.lapse(due.stream_id, lapsed)
            return self._coverage.check(due.stream_id, due.key)
        return meet_deadline(self._kinds, due.stream_id, due.key)
