"""Deadlines of referrals, consultations and standing orders whose time has come."""

from services.referral.application.aggregates import Aggregates
from services.referral.application.change_consultation import follow_consultation
from services.referral.application.change_referral import ReferralChanges
from services.referral.application.known_directory import KnownDirectory
from services.referral.application.standing_orders import StandingOrders
from services.referral.domain import commands
from services.referral.domain import consultation_commands as questions
from services.referral.domain import standing_commands as visits
from services.referral.domain.consultation_policy import ConsultationPolicy
from services.shared.commands.system_context import deadline_context
from services.shared.deadlines.worker import DueDeadline
from services.shared.eventstore.runner import CommandRunner
from services.shared.eventstore.work import Reaction
from services.shared.kernel.actor import system_actor

_ACTOR = system_actor("referral")


class ReferralDeadlines:
    """Runs due deadlines as ordinary commands of the system."""

    def __init__(
        self,
        runner: CommandRunner,
        kinds: Aggregates,
        *,
        changes: ReferralChanges,
        standing: StandingOrders,
        policy: ConsultationPolicy,
        directory: KnownDirectory,
    ) -> None:
        self._runner = runner
        self._kinds = kinds
        self._changes = changes
        self._standing = standing
        self._policy = policy
        self._directory = directory

    async def fire(self, due: DueDeadline) -> None:
        """Raises DependencyDown or Overloaded to be asked again, ValueError for a kind without deadlines."""
        await self._runner.react(
            self._reaction(due), deadline_context(due, _ACTOR), target=due.stream_id, inbox=None
        )

    def _reaction(self, due: DueDeadline) -> Reaction:
        if due.kind == self._kinds.referral.name:
            return self._changes.follow(commands.MeetDeadline(key=due.key), due.stream_id)
        if due.kind == self._kinds.consultation.name:
            command = questions.MeetDeadline(key=due.key)
            return follow_consultation(self._kinds, self._directory, self._policy, command, due.stream_id)
        if due.kind == self._kinds.standing.name:
            return self._standing.follow(visits.MeetDeadline(key=due.key), due.stream_id)
        raise ValueError(f"{due.kind} has no deadlines")
