"""One unit of work: what a use case loaded, and what it adds."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar, cast

from services.shared.eventstore.aggregate import AggregateKind, Loaded, advance, change_of
from services.shared.eventstore.units import (
    AppendUnit,
    Claim,
    Document,
    Guard,
    InboxMark,
    NewEvent,
    OutboxMessage,
    RequestRecord,
    StreamChange,
)
from services.shared.kernel.command import CommandContext
from services.shared.kernel.refusals import NotFound, Refused, StaleVersion

S = TypeVar("S")
E = TypeVar("E")


class Loader(Protocol):
    """Where a unit of work gets its aggregates from."""

    async def load(
        self, kind: AggregateKind[S, E], stream_id: str, *, fresh: bool, request_id: str = ""
    ) -> Loaded[S]: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply(Generic[S]):
    """The aggregate that a command answers with, at the version after it."""

    kind: AggregateKind[S, Any]
    stream_id: str
    version: int
    state: S
    #: the command was carried out earlier, under the same request id
    repeated: bool = False


class Work:
    """What one use case loaded and what it adds; nothing is written before the runner appends."""

    def __init__(self, loader: Loader, context: CommandContext, fresh: bool) -> None:
        self.context = context
        #: decided on what the store has now, not on what this process last knew
        self.is_fresh = fresh
        self._loader = loader
        self._loaded: dict[str, Loaded[Any]] = {}
        self._before: dict[str, Loaded[Any]] = {}
        self._events: dict[str, list[NewEvent]] = {}
        self._messages: list[OutboxMessage] = []
        self._documents: list[Document] = []
        self._claims: list[Claim] = []
        self._guarded: set[str] = set()
        self._stale: StaleVersion | None = None
        self._kinds: dict[str, AggregateKind[Any, Any]] = {}

    async def load(self, kind: AggregateKind[S, E], stream_id: str) -> S | None:
        """The aggregate's state, None when it does not exist."""
        found = self._loaded.get(stream_id)
        if found is None:
            found = await self._loader.load(
                kind, stream_id, fresh=self.is_fresh, request_id=self.context.request_id
            )
            self._loaded[stream_id] = found
        return cast("S | None", found.state)

    async def load_target(self, kind: AggregateKind[S, E], stream_id: str) -> S | None:
        """Loads what the command is addressed to: whoever saw another version of it is refused, once it is
        known that he may know of it (`carried_out`)."""
        state = await self.load(kind, stream_id)
        expected, current = self.context.expected_version, self._loaded[stream_id].version
        if expected is not None and expected != current:
            self._stale = StaleVersion(resource_name=stream_id, expected=expected, current=current)
        return state

    async def carried_out(self, use_case: "UseCase[S]") -> "Reply[S]":
        """The use case's reply.

        Raises what it refuses with. Where the caller saw another version of the target, StaleVersion comes
        before all of that but NotFound: it tells the current version, which is no stranger's to know.
        """
        try:
            reply = await use_case(self)
        except NotFound:
            raise
        except Refused as refusal:
            if self._stale is not None:
                raise self._stale from refusal
            raise
        if self._stale is not None:
            raise self._stale
        return reply

    async def record(self, kind: AggregateKind[S, E], stream_id: str, events: Sequence[E]) -> S:
        """Adds events to an aggregate and returns its state after them. Raises ValueError without events."""
        await self.load(kind, stream_id)
        before = self._loaded[stream_id]
        step = advance(kind, before, events, self.context)
        self._before.setdefault(stream_id, before)
        self._events.setdefault(stream_id, []).extend(step.events)
        self._loaded[stream_id] = step.after
        self._kinds[stream_id] = kind
        self._messages.extend(step.messages)
        return cast("S", step.after.state)

    def guard(self, stream_id: str) -> None:
        """What was decided holds only while this aggregate, loaded before, is as it was loaded."""
        self._guarded.add(stream_id)

    def publish(self, message: OutboxMessage) -> None:
        """Adds a Kafka record that is not an event of an aggregate."""
        self._messages.append(message)

    def put(self, document: Document) -> None:
        """Keeps a copy or projection of another service's events."""
        self._documents.append(document)

    def claim(self, claim: Claim) -> None:
        """Takes something for good that no aggregate is to have from now on; whoever has it gives it up in
        this unit."""
        self._claims.append(claim)

    def reply(self, kind: AggregateKind[S, E], stream_id: str) -> Reply[S]:
        """Answers with an aggregate as it stands in this unit. Raises LookupError when it does not exist."""
        loaded = self._loaded[stream_id]
        if loaded.state is None:
            raise LookupError(f"{stream_id} does not exist")
        return Reply(kind=kind, stream_id=stream_id, version=loaded.version, state=cast("S", loaded.state))

    def unit(self, request: RequestRecord | None, inbox: InboxMark | None) -> AppendUnit:
        return AppendUnit(
            changes=tuple(self._change(stream_id) for stream_id in self._events),
            guards=tuple(
                Guard(stream_id=stream_id, version=self._loaded[stream_id].version)
                for stream_id in sorted(self._guarded - self._events.keys())
            ),
            messages=tuple(self._messages),
            documents=tuple(self._documents),
            claims=tuple(self._claims),
            request=request,
            inbox=inbox,
        )

    def _change(self, stream_id: str) -> StreamChange:
        return change_of(
            self._kinds[stream_id],
            self._before[stream_id],
            self._loaded[stream_id],
            tuple(self._events[stream_id]),
        )

    @property
    def is_guess(self) -> bool:
        """Decided that nothing changes, on what this process last knew: no append would find that it is
        wrong."""
        return not self.is_fresh and bool(self._loaded) and not self._events

    def decided_on(self) -> dict[str, int]:
        """The versions that were loaded, by aggregate; 0 for one that does not exist."""
        # Of what the unit has changed already, as it was before that.
        return {name: loaded.version for name, loaded in {**self._loaded, **self._before}.items()}

    def depended_on(self) -> tuple[str, ...]:
        """What the unit changes or guards."""
        return (*self._events, *self._guarded)

    def kinds(self) -> tuple[str, ...]:
        """The kinds of aggregates that the unit changes, in the order of their first events."""
        return tuple(dict.fromkeys(self._kinds[stream_id].name for stream_id in self._events))

    def event_types(self) -> tuple[str, ...]:
        """The types of the events that the unit adds."""
        return tuple(event.type for events in self._events.values() for event in events)

    def results(self) -> tuple[Loaded[Any], ...]:
        return tuple(self._loaded[stream_id] for stream_id in self._events)


UseCase = Callable[[Work], Awaitable[Reply[S]]]
Reaction = Callable[[Work], Awaitable[None]]
