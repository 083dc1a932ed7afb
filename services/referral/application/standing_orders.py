"""Standing orders: opened on a referral, carried out visit by visit, over together or before it."""

from collections.abc import Sequence
from dataclasses import replace

from services.referral.application.aggregates import Aggregates
from services.referral.application.episode_membership import join_episode
from services.referral.application.known_directory import KnownDirectory
from services.referral.domain import referral as referrals
from services.referral.domain import standing as orders
from services.referral.domain import standing_texts as texts
from services.referral.domain.commands import FollowStanding
from services.referral.domain.episode_commands import JoinEpisode
from services.referral.domain.policy import ReferralPolicy
from services.referral.domain.referral_state import Referral
from services.referral.domain.standing_commands import FollowReferral, ScheduleStanding, StandingCommand
from services.referral.domain.standing_events import StandingEvent
from services.referral.domain.standing_state import StandingOrder
from services.referral.domain.standing_values import StandingPlan
from services.referral.domain.values import CodedReason
from services.shared.eventstore.work import Reaction, Reply, UseCase, Work
from services.shared.kernel.actor import system_actor
from services.shared.kernel.command import CommandContext
from services.shared.kernel.ids import resource_name
from services.shared.kernel.refusals import FailedRule, NotAllowed, NotFound

_SYSTEM = system_actor("referral")

#: Why an order ends with its referral.
WITH_REFERRAL = CodedReason(code="REFERRAL_OVER")


class StandingOrders:
    """Decides commands on standing orders and writes what follows from them, in one unit."""

    def __init__(
        self,
        kinds: Aggregates,
        directory: KnownDirectory,
        policy: ReferralPolicy,
    ) -> None:
        self._kinds = kinds
        self._directory = directory
        self._policy = policy
        self._standing_policy = policy.standing

    def schedule(self, command: ScheduleStanding, name: str) -> UseCase[StandingOrder]:
        """Answers with the new order. The referral and its episode learn of it in the same unit."""

        async def use_case(work: Work) -> Reply[StandingOrder]:
            if await work.load_target(self._kinds.standing, name) is not None:
                # The name follows from the request id: this request was carried out before.
                rule = FailedRule(code="ALREADY_SCHEDULED", text=texts.ALREADY_SCHEDULED)
                raise NotAllowed(state="", allowed_commands=(), failed_rules=(rule,), resource_name=name)
            referral: Referral | None = await work.load(self._kinds.referral, command.referral)
            events = orders.decide_schedule(
                command,
                work.context,
                referral=referral,
                directory=self._directory.current(),
                policy=self._standing_policy,
            )
            await self._open(work, name, events)
            return work.reply(self._kinds.standing, name)

        return use_case

    async def schedule_with_acceptance(self, work: Work, plan: StandingPlan, accepted: Referral) -> None:
        """In the unit of the acceptance that gives the calendar at once.

        Raises InvalidInput for a plan that does not fit, NotAllowed while another order runs: then nothing
        is accepted either.
        """
        events = orders.decide_with_acceptance(
            plan, work.context, accepted=accepted, policy=self._standing_policy
        )
        await self._open(work, resource_name("standing_orders", work.context.request_id), events)

    async def _open(self, work: Work, name: str, events: Sequence[StandingEvent]) -> None:
        order = await work.record(self._kinds.standing, name, events)
        await self._tell_referral(work, order, over=False)
        membership = JoinEpisode(
            member=name,
            patient=order.patient,
            facilities=(order.origin_facility, order.facility),
            sending_facility="",
        )
        await join_episode(work, self._kinds, order.episode, membership, self._directory.current())

    def change(self, command: StandingCommand, name: str) -> UseCase[StandingOrder]:
        """Answers with the order after the command."""

        async def use_case(work: Work) -> Reply[StandingOrder]:
            state = await work.load_target(self._kinds.standing, name)
            if state is None:
                raise NotFound(orders.RESOURCE, name)
            await self._apply(work, command, state)
            return work.reply(self._kinds.standing, name)

        return use_case

    def follow(self, command: StandingCommand, name: str) -> Reaction:
        """For a due deadline; nothing without an order."""

        async def reaction(work: Work) -> None:
            state = await work.load(self._kinds.standing, name)
            if state is not None:
                await self._apply(work, command, state)

        return reaction

    async def end_with_referral(self, work: Work, name: str) -> None:
        """In the unit of the event that ends the referral, or gives it to another facility."""
        state = await work.load(self._kinds.standing, name)
        context = replace(work.context, actor=_SYSTEM)
        events = self._decided(state, FollowReferral(reason=WITH_REFERRAL), context)
        if events:
            await work.record(self._kinds.standing, name, events)

    async def _apply(self, work: Work, command: StandingCommand, state: StandingOrder) -> None:
        events = self._decided(state, command, work.context)
        if not events:
            return
        after = await work.record(self._kinds.standing, state.name, events)
        if orders.is_live(state) and not orders.is_live(after):
            await self._tell_referral(work, after, over=True)

    def _decided(
        self, state: StandingOrder | None, command: StandingCommand, context: CommandContext
    ) -> tuple[StandingEvent, ...]:
        return orders.decide(
            state, command, context, directory=self._directory.current(), policy=self._standing_policy
        )

    async def _tell_referral(self, work: Work, order: StandingOrder, *, over: bool) -> None:
        referral: Referral | None = await work.load(self._kinds.referral, order.referral)
        events = referrals.decide(
            referral,
            FollowStanding(standing_order=order.name, over=over),
            replace(work.context, actor=_SYSTEM),
            directory=self._directory.current(),
            policy=self._policy,
        )
        if events:
            await work.record(self._kinds.referral, order.referral, events)
