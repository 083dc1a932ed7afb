"""Makes a facility's roster what the request says, or tells what that would change."""

from collections.abc import Sequence
from dataclasses import replace

from services.notification.application.aggregates import Aggregates
from services.notification.application.calendars import Calendars, national_days
from services.notification.application.copies import KnownDirectory
from services.notification.domain import roster as rosters
from services.notification.domain.communities import acting_at
from services.notification.domain.roster import Roster, RosterChange, RosterEvent
from services.notification.domain.roster_commands import ApplyRoster, RosterApplied
from services.notification.domain.roster_texts import KNOWN_ROLES
from services.notification.domain.rules import RuleCatalogue
from services.shared.eventstore.runner import CommandRunner
from services.shared.eventstore.work import Reply, UseCase, Work
from services.shared.kernel.command import CommandContext


class RosterDesk:
    """Applies rosters. Raises DependencyDown when the store is away."""

    def __init__(
        self,
        *,
        kinds: Aggregates,
        runner: CommandRunner,
        directory: KnownDirectory,
        calendars: Calendars,
        catalogue: RuleCatalogue,
    ) -> None:
        self._kinds = kinds
        self._runner = runner
        self._directory = directory
        self._calendars = calendars
        of_rules = {role for rule in catalogue.rules for role in rule.role.values()}
        self._roles = KNOWN_ROLES | of_rules | set(catalogue.centres.values())

    async def apply(
        self, command: ApplyRoster, context: CommandContext, digest: bytes
    ) -> tuple[int, RosterChange]:
        """The version in force, and what the request changes; the same request again has the same answer.

        Raises NotPermitted, InvalidInput with every fault, and like `CommandRunner.run`.
        """
        facility = rosters.roster_facility(command, context.actor)
        name = rosters.roster_name(facility)
        if facility not in self._directory.current().facilities:
            # It may have been told of a moment ago.
            await self._directory.refresh()
        before = await self._runner.read(self._kinds.roster, name)
        if command.dry_run or (before.state is None and not _has_entries(command)):
            self._decide(before.state, command, context)
            wanted = rosters.planned(facility, command, ())
            return before.version, rosters.change(before.state, wanted)
        reply = await self._runner.run(
            self._use_case(command, name), context, kind=self._kinds.roster, target=name, digest=digest
        )
        return reply.version, await self._change(name, reply.version, context.request_id)

    def _use_case(self, command: ApplyRoster, name: str) -> UseCase[Roster]:
        async def use_case(work: Work) -> Reply[Roster]:
            state = await work.load_target(self._kinds.roster, name)
            events: Sequence[RosterEvent] = self._decide(state, command, work.context)
            if events:
                await work.record(self._kinds.roster, name, events)
            return work.reply(self._kinds.roster, name)

        return use_case

    def _decide(
        self, state: Roster | None, command: ApplyRoster, context: CommandContext
    ) -> tuple[RosterApplied, ...]:
        directory = self._directory.current()
        facility = rosters.roster_facility(command, context.actor)
        return rosters.decide(
            state,
            command,
            replace(context, actor=acting_at(context.actor, facility, directory)),
            national=national_days(self._calendars, command.rotations, context.recorded_at),
            facilities=directory.facilities,
            roles=self._roles,
        )

    async def _change(self, name: str, version: int, request_id: str) -> RosterChange:
        """What this request changed, also when it is asked again: from the event that it left."""
        event = await self._runner.event_at(self._kinds.roster, name, version)
        if event.metadata.request_id != request_id or not isinstance(event.event, RosterApplied):
            return RosterChange(added=0, removed=0)
        after = await self._runner.state_at(self._kinds.roster, name, version)
        if version == 1:
            return rosters.change(None, after)
        before = await self._runner.state_at(self._kinds.roster, name, version - 1)
        return rosters.change(before, after)


def _has_entries(command: ApplyRoster) -> bool:
    parts = (command.duties, command.rotations, command.shifts, command.swaps, command.leaves)
    return any((*parts, command.calendar, command.requirements))
