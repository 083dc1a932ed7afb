"""Swaps: asked for, answered, void when nobody answers; who is asked is told, and who asked is."""

from dataclasses import replace

from services.notification.application.aggregates import Aggregates
from services.notification.application.copies import KnownDirectory
from services.notification.application.read_roster import RosterReading
from services.notification.domain import alert as alerts
from services.notification.domain import swaps
from services.notification.domain.alert_state import Alert, alert_name
from services.notification.domain.commands import SettleAlert, TriggerAlert
from services.notification.domain.communities import acting_at
from services.notification.domain.roster import Roster
from services.notification.domain.roster_state import roster_name
from services.notification.domain.swap_alerts import (
    answer_alert,
    answer_key,
    swap_alert,
    swap_key,
    withdrawn_alert,
    withdrawn_key,
)
from services.notification.domain.swap_values import (
    LapseSwap,
    ProposeSwap,
    SwapCommand,
    SwapProposal,
    SwapProposed,
    SwapState,
    SwapWithdrawn,
)
from services.shared.eventstore.work import Reaction, Reply, UseCase, Work
from services.shared.kernel.actor import Actor, system_actor

_SYSTEM = system_actor("notification")


class SwapDesk:
    """Raises DependencyDown when the store is away."""

    def __init__(self, kinds: Aggregates, directory: KnownDirectory, reading: RosterReading) -> None:
        self._kinds = kinds
        self._directory = directory
        self._reading = reading

    def carry_out(self, command: SwapCommand, name: str) -> UseCase[Roster]:
        """Answers with the roster of that name after the command."""

        async def use_case(work: Work) -> Reply[Roster]:
            state = await work.load_target(self._kinds.roster, name)
            await self._decide(work, state, command, name)
            return work.reply(self._kinds.roster, name)

        return use_case

    def lapse(self, name: str, command: LapseSwap) -> Reaction:
        """Nothing where somebody has answered."""

        async def reaction(work: Work) -> None:
            state: Roster | None = await work.load(self._kinds.roster, name)
            if swaps.find(state, command.swap) is not None:
                await self._decide(work, state, command, name)

        return reaction

    async def listed(
        self, facility: str, actor: Actor, *, open_only: bool
    ) -> tuple[Roster | None, tuple[SwapProposal, ...]]:
        """The swaps of a roster by their turns. Raises NotPermitted for another facility's."""
        state, _ = await self._reading.roster(facility, actor)
        known = state.proposals if state is not None else ()
        wanted = (each for each in known if not open_only or each.state is SwapState.PROPOSED)
        return state, tuple(sorted(wanted, key=lambda each: (each.first.starts_at, each.name)))

    async def _decide(self, work: Work, state: Roster | None, command: SwapCommand, name: str) -> None:
        actor = acting_at(work.context.actor, name.partition("/")[2], self._directory.current())
        events = swaps.decide(state, command, replace(work.context, actor=actor))
        if not events:
            return
        after = await work.record(self._kinds.roster, name, events)
        for event in events:
            proposal = swaps.find(after, event.swap)
            if proposal is None:
                continue
            if isinstance(event, SwapProposed):
                await self._change(work, swap_key(event.swap), swap_alert(after, proposal))
                continue
            cause = f"{name}@{after.version}"
            settle = SettleAlert(resolution=type(event).__name__, cause_event_id=cause)
            await self._change(work, swap_key(event.swap), settle)
            if isinstance(event, SwapWithdrawn):
                # What was told of the answer holds no longer.
                await self._change(work, answer_key(event.swap), settle)
                before = swaps.find(state, event.swap)
                if before is not None and before.state is SwapState.AGREED:
                    withdrawn = withdrawn_alert(after, proposal)
                    if withdrawn is not None:
                        await self._change(work, withdrawn_key(event.swap), withdrawn)
                continue
            answer = answer_alert(after, proposal)
            if answer is not None:
                await self._change(work, answer_key(event.swap), answer)

    async def _change(self, work: Work, key: str, command: TriggerAlert | SettleAlert) -> None:
        name = alert_name(key, None)
        alert: Alert | None = await work.load(self._kinds.alert, name)
        if alert is None and isinstance(command, SettleAlert):
            return
        events = alerts.decide(alert, command, replace(work.context, actor=_SYSTEM))
        if events:
            await work.record(self._kinds.alert, name, events)


def addressed_roster(command: SwapCommand, actor: Actor) -> str:
    """The name of the roster that a command is about: of the caller's facility where it names none."""
    if isinstance(command, ProposeSwap):
        return roster_name(command.facility or actor.facility)
    return swaps.swap_roster(command.swap)
