"""Alerts that nobody has answered, when their next call is due."""

from services.notification.application.aggregates import Aggregates
from services.notification.application.change_alert import meet_deadline
from services.shared.commands.system_context import deadline_context
from services.shared.deadlines.worker import DueDeadline
from services.shared.eventstore.runner import CommandRunner
from services.shared.kernel.actor import system_actor

_ACTOR = system_actor("notification")


class AlertDeadlines:
    """Runs due deadlines of alerts."""

    def __init__(self, runner: CommandRunner, kinds: Aggregates) -> None:
        self._runner = runner
        self._kinds = kinds

    async def fire(self, due: DueDeadline) -> None:
        """Raises DependencyDown or Overloaded to be asked again."""
        await self._runner.react(
            meet_deadline(self._kinds, due.stream_id, due.key),
            deadline_context(due, _ACTOR),
            target=due.stream_id,
            inbox=None,
        )
