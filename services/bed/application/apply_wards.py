"""Makes a facility's wards what the request says: all of them, or none."""

from dataclasses import dataclass

from services.bed.application.aggregates import Aggregates
from services.bed.domain import ward as wards
from services.bed.domain.commands import ApplyWard
from services.bed.domain.events import WardApplied
from services.bed.domain.state import Ward, bed_name
from services.shared.eventstore.runner import CommandRunner
from services.shared.eventstore.store import EventStore
from services.shared.eventstore.work import Reply, UseCase, Work
from services.shared.kernel.command import CommandContext

_EVENTS_PAGE = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class AppliedWards:
    """The wards after the request, and the names of the beds that it added and removed."""

    wards: tuple[Ward, ...]
    added: tuple[str, ...]
    removed: tuple[str, ...]


class WardApplication:
    """Applies descriptions of wards."""

    def __init__(self, store: EventStore, runner: CommandRunner, kinds: Aggregates) -> None:
        self._store = store
        self._runner = runner
        self._kinds = kinds

    def apply(self, commands: tuple[ApplyWard, ...]) -> UseCase[Ward]:
        """Answers with the first ward; `outcome` tells of all of them, also when the request is repeated."""

        async def use_case(work: Work) -> Reply[Ward]:
            for command in commands:
                name = wards.stream_id(command.ward.id)
                state: Ward | None = await work.load(self._kinds.ward, name)
                events = wards.decide(state, command, work.context)
                if events:
                    await work.record(self._kinds.ward, name, events)
            return work.reply(self._kinds.ward, wards.stream_id(commands[0].ward.id))

        return use_case

    async def dry_run(self, commands: tuple[ApplyWard, ...], context: CommandContext) -> AppliedWards:
        """What would change, decided like the real thing and not written."""
        found: list[Ward] = []
        events: list[tuple[str, WardApplied]] = []
        for command in commands:
            state = (await self._runner.read(self._kinds.ward, wards.stream_id(command.ward.id))).state
            decided = wards.decide(state, command, context)
            events.extend((command.ward.id, event) for event in decided if isinstance(event, WardApplied))
            if state is not None:
                found.append(state)
        return _outcome(found, events)

    async def outcome(self, commands: tuple[ApplyWard, ...], context: CommandContext) -> AppliedWards:
        """What the request with this request id did, from the events that it left."""
        found: list[Ward] = []
        events: list[tuple[str, WardApplied]] = []
        for command in commands:
            name = wards.stream_id(command.ward.id)
            applied = await self._applied(name, context.request_id)
            version = applied[0] if applied is not None else None
            if applied is not None:
                events.append((command.ward.id, applied[1]))
            if version is not None:
                found.append(await self._runner.state_at(self._kinds.ward, name, version))
            else:
                state = (await self._runner.read(self._kinds.ward, name)).state
                found.extend(() if state is None else (state,))
        return _outcome(found, events)

    async def _applied(self, name: str, request_id: str) -> tuple[int, WardApplied] | None:
        after = 0
        while page := await self._store.read_events(name, after_version=after, limit=_EVENTS_PAGE):
            for stored in page:
                if stored.type == WardApplied.__name__:
                    recorded = self._kinds.ward.decode_event(stored.payload)
                    event = recorded.event
                    if recorded.metadata.request_id == request_id and isinstance(event, WardApplied):
                        return stored.version, event
            after = page[-1].version
        return None


def _outcome(found: list[Ward], events: list[tuple[str, WardApplied]]) -> AppliedWards:
    return AppliedWards(
        wards=tuple(found),
        added=tuple(bed_name(ward, bed.id) for ward, event in events for bed in event.added_beds),
        removed=tuple(bed_name(ward, bed) for ward, event in events for bed in event.removed_beds),
    )
