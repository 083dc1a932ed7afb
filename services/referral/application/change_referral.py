"""Every command of a referral that exists, and what it moves beside: its episode, a referral that follows."""

from collections.abc import Sequence

from services.referral.application.aggregates import Aggregates
from services.referral.application.episode_membership import (
    end_move,
    join_episode,
    live_referrals_of,
    membership_of,
)
from services.referral.application.known_beds import KnownAcceptances, KnownBeds
from services.referral.application.known_directory import KnownDirectory
from services.referral.application.standing_orders import StandingOrders
from services.referral.domain import referral as referrals
from services.referral.domain.acceptance_times import acceptance_of
from services.referral.domain.commands import AcceptReferral, Command, RecordFollowUp, ReferBack
from services.referral.domain.events import Event, FollowUpRecorded, PatientReferredBack
from services.referral.domain.policy import ReferralPolicy
from services.referral.domain.referral_state import Referral
from services.shared.eventstore.work import Reaction, Reply, UseCase, Work
from services.shared.kernel.command import CommandContext, EventMetadata
from services.shared.kernel.refusals import NotFound

#: Commands that may open a referral in the same episode, and so must know which ones are live in it.
_OPENERS = (ReferBack, RecordFollowUp)


class ReferralChanges:
    """Decides commands on referrals and writes what follows from them, in one unit."""

    def __init__(
        self,
        *,
        kinds: Aggregates,
        directory: KnownDirectory,
        beds: KnownBeds,
        acceptances: KnownAcceptances,
        policy: ReferralPolicy,
        standing: StandingOrders,
    ) -> None:
        self._kinds = kinds
        self._directory = directory
        self._beds = beds
        self._acceptances = acceptances
        self._policy = policy
        self._standing = standing

    def change(self, command: Command, name: str) -> UseCase[Referral]:
        """Answers with the referral after the command."""

        async def use_case(work: Work) -> Reply[Referral]:
            await self._apply(work, command, name)
            return work.reply(self._kinds.referral, name)

        return use_case

    def follow(self, command: Command, name: str) -> Reaction:
        """For commands that the system gives: a bed's news, a due deadline. Does nothing without referral."""

        async def reaction(work: Work) -> None:
            if await work.load(self._kinds.referral, name) is not None:
                await self._apply(work, command, name)

        return reaction

    async def _apply(self, work: Work, command: Command, name: str) -> None:
        state = await work.load_target(self._kinds.referral, name)
        if state is None:
            raise NotFound("Referral", name)
        child_name = referrals.child_needed(state, command)
        child: Referral | None = None
        if child_name:
            child = await work.load(self._kinds.referral, child_name)
        live: tuple[str, ...] = ()
        if isinstance(command, _OPENERS):
            live = await live_referrals_of(work, self._kinds, state.episode)
        counted = referrals.beds_needed(command, work.context.actor.facility, self._policy)
        events = referrals.decide(
            state,
            command,
            work.context,
            directory=self._directory.current(),
            policy=self._policy,
            live_referrals=live,
            child=child,
            wards=await self._beds.of(counted) if counted else (),
        )
        if not events:
            return
        after = await work.record(self._kinds.referral, name, events)
        self._keep_acceptances(work, after, events)
        await self._open_children(work, after, events)
        await self._bring_facilities(work, state, after)
        if state.standing_order and not after.standing_order:
            await self._standing.end_with_referral(work, state.standing_order)
        await end_move(work, self._kinds, state, after, self._directory.current())
        if isinstance(command, AcceptReferral) and command.standing_plan is not None:
            await self._standing.schedule_with_acceptance(work, command.standing_plan, after)

    def _keep_acceptances(self, work: Work, after: Referral, events: Sequence[Event]) -> None:
        """How long the destination took is what the next origin asks."""
        for event in events:
            acceptance = acceptance_of(after, event, work.context.recorded_at)
            if acceptance is not None:
                self._acceptances.keep(work, acceptance)

    async def _open_children(self, work: Work, parent: Referral, events: Sequence[Event]) -> None:
        """A referral back, or one that a red flag opens, begins in the unit of the event that names it."""
        for event in events:
            if not isinstance(event, PatientReferredBack | FollowUpRecorded):
                continue
            metadata = _metadata(parent, event, work.context)
            opened = referrals.opened_child(parent, event, metadata, self._directory.current(), self._policy)
            if opened is None:
                continue
            name, requested = opened
            child = await work.record(self._kinds.referral, name, (requested,))
            await join_episode(
                work, self._kinds, child.episode, membership_of(child), self._directory.current()
            )

    async def _bring_facilities(self, work: Work, before: Referral, after: Referral) -> None:
        """A destination that accepted, or to which the patient was diverted, takes part in the episode."""
        if after.offers == before.offers:
            return
        known = set(membership_of(before).facilities)
        membership = membership_of(after)
        if not known.issuperset(membership.facilities):
            await join_episode(work, self._kinds, after.episode, membership, self._directory.current())


def _metadata(parent: Referral, event: Event, context: CommandContext) -> EventMetadata:
    """What the child's first event may know of the event that opens it."""
    return EventMetadata(
        event_id="",
        aggregate_id=parent.name,
        version=parent.version,
        type=type(event).__name__,
        occurred_at=context.occurred_at,
        recorded_at=context.recorded_at,
        actor=context.actor,
        request_id=context.request_id,
    )
