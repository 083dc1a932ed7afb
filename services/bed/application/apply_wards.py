"""Makes a facility's wards what the request says: all of them, or none."""

from dataclasses import dataclass

from services.bed.application.aggregates import Aggregates
from services.bed.application.ward_recording import WardRecorder
from services.bed.domain import ward as wards
from services.bed.domain.commands import ApplyWard
from services.bed.domain.description import describes_anew
from services.bed.domain.events import WardApplied
from services.bed.domain.state import Ward, bed_name
from services.shared.eventstore.runner import CommandRunner
from services.shared.eventstore.store import EventStore
from services.shared.eventstore.work import Reply, UseCase, Work
from services.shared.kernel.command import CommandContext

_EVENTS_PAGE = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class AppliedWards:
    """The wards after the request, and what it made of them: names of beds, names of wards."""

    wards: tuple[Ward, ...]
    added: tuple[str, ...]
    removed: tuple[str, ...]
    #: beds with other constraints
    changed: tuple[str, ...]
    added_wards: tuple[str, ...]
    #: wards of another type, name or reservation
    changed_wards: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Step:
    """What the request does to one ward."""

    ward: str
    before: Ward | None
    event: WardApplied


class WardApplication:
    """Applies descriptions of wards."""

    def __init__(
        self, store: EventStore, runner: CommandRunner, kinds: Aggregates, recorder: WardRecorder
    ) -> None:
        self._store = store
        self._runner = runner
        self._kinds = kinds
        self._recorder = recorder

    def apply(self, commands: tuple[ApplyWard, ...]) -> UseCase[Ward]:
        """Answers with the first ward; `outcome` tells of all of them, also when the request is repeated."""

        async def use_case(work: Work) -> Reply[Ward]:
            for command in commands:
                name = wards.stream_id(command.ward.id)
                state: Ward | None = await work.load(self._kinds.ward, name)
                await self._recorder.decide(work, state, command, name)
            return work.reply(self._kinds.ward, wards.stream_id(commands[0].ward.id))

        return use_case

    async def dry_run(self, commands: tuple[ApplyWard, ...], context: CommandContext) -> AppliedWards:
        """What would change, decided like the real thing and not written."""
        found: list[Ward] = []
        steps: list[_Step] = []
        for command in commands:
            state = (await self._runner.read(self._kinds.ward, wards.stream_id(command.ward.id))).state
            decided = wards.decide(state, command, context)
            steps.extend(
                _Step(ward=command.ward.id, before=state, event=event)
                for event in decided
                if isinstance(event, WardApplied)
            )
            if state is not None:
                found.append(state)
        return _outcome(found, steps)

    async def outcome(self, commands: tuple[ApplyWard, ...], context: CommandContext) -> AppliedWards:
        """What the request with this request id did, from the events that it left."""
        found: list[Ward] = []
        steps: list[_Step] = []
        for command in commands:
            name = wards.stream_id(command.ward.id)
            applied = await self._applied(name, context.request_id)
            if applied is None:
                state = (await self._runner.read(self._kinds.ward, name)).state
                found.extend(() if state is None else (state,))
                continue
            version, event = applied
            before: Ward | None = None
            if version > 1:
                before = await self._runner.state_at(self._kinds.ward, name, version - 1)
            steps.append(_Step(ward=command.ward.id, before=before, event=event))
            found.append(await self._runner.state_at(self._kinds.ward, name, version))
        return _outcome(found, steps)

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


def _outcome(found: list[Ward], steps: list[_Step]) -> AppliedWards:
    return AppliedWards(
        wards=tuple(found),
        added=tuple(bed_name(step.ward, bed.id) for step in steps for bed in step.event.added_beds),
        removed=tuple(bed_name(step.ward, bed) for step in steps for bed in step.event.removed_beds),
        changed=tuple(bed_name(step.ward, bed.id) for step in steps for bed in step.event.changed_beds),
        added_wards=tuple(wards.stream_id(step.ward) for step in steps if step.before is None),
        changed_wards=tuple(
            wards.stream_id(step.ward)
            for step in steps
            if step.before is not None and describes_anew(step.before, step.event)
        ),
    )
