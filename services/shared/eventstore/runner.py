"""Runs one use case as one unit: load, decide, append; again when somebody else was faster."""

import asyncio
import contextlib
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, TypeVar
from weakref import WeakValueDictionary

import msgspec
import structlog

from services.shared.eventstore.aggregate import AggregateKind, Loaded, absent
from services.shared.eventstore.store import EventStore
from services.shared.eventstore.units import (
    AppendStatus,
    AppendUnit,
    InboxMark,
    RequestRecord,
    StoredStream,
)
from services.shared.eventstore.work import Reaction, Reply, UseCase, Work
from services.shared.kernel.command import CommandContext, Recorded
from services.shared.kernel.ids import resource_name
from services.shared.kernel.refusals import (
    DependencyDown,
    FailedRule,
    NotAllowed,
    Overloaded,
    Refused,
    RequestIdReused,
)
from services.shared.kernel.text import BilingualText

_log = structlog.get_logger(__name__)

S = TypeVar("S")
E = TypeVar("E")

#: Tries of one use case before the caller is told to come back.
ATTEMPTS_MAX = 12

#: Tries after which a claim that is another's is no passing collision.
CLAIM_ATTEMPTS_MAX = 2


def _request(context: CommandContext, reply: Reply[Any], digest: bytes) -> RequestRecord:
    return RequestRecord(
        request_id=context.request_id, digest=digest, stream_id=reply.stream_id, version=reply.version
    )


def _claimed(target: str) -> NotAllowed:
    rule = FailedRule(
        code="CLAIMED_BY_ANOTHER",
        text=BilingualText(zh="所需资源已被其他业务占用", en="what it needs is another's already"),
    )
    return NotAllowed(state="", allowed_commands=(), failed_rules=(rule,), resource_name=target)


class CommandRunner:
    """Carries use cases out against a store, with a bounded cache of states.

    A cached state is only ever a guess: the append checks its version, and so does a refusal; that nothing is
    to be done is decided again on a fresh state before anybody hears of it.
    """

    def __init__(self, store: EventStore, *, cache_max: int = 20_000) -> None:
        self._store = store
        self._cache: OrderedDict[str, Loaded[Any]] = OrderedDict()
        self._cache_max = cache_max
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def run(
        self,
        use_case: UseCase[S],
        context: CommandContext,
        *,
        kind: AggregateKind[S, Any],
        target: str,
        digest: bytes,
    ) -> Reply[S]:
        """Runs a caller's command, which answers with an aggregate of `kind`.

        The same request id again gives the first reply.

        Raises RequestIdReused, whatever the use case refuses with, Overloaded after too many collisions,
        DependencyDown when the store is away or the outcome is unknown.
        """
        is_refused = False
        for attempt in range(ATTEMPTS_MAX):
            work = Work(self, context, fresh=attempt > 0)
            # What was refused is looked at out of turn: of many who are refused, the last would otherwise
            # wait for the questions that each of the others asks the store.
            async with contextlib.nullcontext() if is_refused else self._turn(target):
                try:
                    reply = await work.carried_out(use_case)
                except Refused as caught:
                    refusal = caught
                else:
                    is_refused = False
                    if work.is_guess:
                        continue
                    result = await self._store.append(work.unit(_request(context, reply, digest), None))
                    if result.status is AppendStatus.APPENDED:
                        self._remember(work)
                        return reply
                    if result.status is AppendStatus.REPEATED and result.request is not None:
                        return await self._reply_of(kind, result.request, context.request_id, digest)
                    if result.status is AppendStatus.CLAIMED and attempt >= CLAIM_ATTEMPTS_MAX:
                        raise _claimed(target)
                    await self._lost(work, attempt)
                    continue
            is_refused = True
            earlier = await self._refused(work, refusal, kind, digest)
            if earlier is not None:
                return earlier
        raise Overloaded(f"{target} changes too often; try again")

    async def _refused(
        self, work: Work, refusal: Refused, kind: AggregateKind[S, Any], digest: bytes
    ) -> Reply[S] | None:
        """The reply that the refused request got before; None where it must be decided again.

        What was refused on states that are still in force is refused: their versions say so, many at a time
        in one small statement, where loading them and deciding again costs each caller its own. Raises the
        refusal, RequestIdReused.
        """
        context = work.context
        if work.is_fresh or isinstance(refusal, DependencyDown):
            earlier = await self.earlier_reply(kind, context, digest)
            if earlier is None:
                raise refusal
            return earlier
        decided_on = work.decided_on()
        standing = await self._store.standing(context.request_id, tuple(decided_on))
        if standing.request is not None:
            return await self._reply_of(kind, standing.request, context.request_id, digest)
        overtaken = [name for name, at in decided_on.items() if standing.versions.get(name, 0) != at]
        if not overtaken:
            raise refusal
        for name in overtaken:
            self._cache.pop(name, None)
        return None

    async def react(
        self, reaction: Reaction, context: CommandContext, *, target: str, inbox: InboxMark | None
    ) -> AppendStatus:
        """Runs a reaction to an event or a due deadline; `inbox` marks the event as done in the same unit.

        Returns APPENDED, SEEN, GAP or REPEATED. Raises like `run`.
        """
        async with self._turn(target):
            for attempt in range(ATTEMPTS_MAX):
                work = Work(self, context, fresh=attempt > 0)
                try:
                    await reaction(work)
                except Refused as refusal:
                    if attempt > 0 or isinstance(refusal, DependencyDown):
                        raise
                    continue
                if work.is_guess:
                    continue
                unit = work.unit(None, inbox)
                if unit == AppendUnit(guards=unit.guards):
                    return AppendStatus.APPENDED
                result = await self._store.append(unit)
                if result.status is AppendStatus.APPENDED:
                    self._remember(work)
                if result.status not in (AppendStatus.STALE, AppendStatus.CLAIMED):
                    return result.status
                if result.status is AppendStatus.CLAIMED and attempt >= CLAIM_ATTEMPTS_MAX:
                    raise _claimed(target)
                await self._lost(work, attempt)
        raise Overloaded(f"{target} changes too often; try again")

    async def load(
        self, kind: AggregateKind[S, E], stream_id: str, *, fresh: bool, request_id: str = ""
    ) -> Loaded[S]:
        """The aggregate as it is, or as this process last knew it.

        What the request itself names is taken for absent, unasked: if it is there the request was carried
        out before, and the append says so.
        """
        if not fresh:
            cached = self._cache.get(stream_id)
            if cached is not None:
                self._cache.move_to_end(stream_id)
                return cached
            if request_id and stream_id == resource_name(stream_id.partition("/")[0], request_id):
                return absent(kind, stream_id)
        stored = await self._store.load(stream_id)
        if stored is None:
            return absent(kind, stream_id)
        loaded = await self.revive(kind, stored)
        self._keep(loaded)
        return loaded

    async def read(self, kind: AggregateKind[S, E], stream_id: str) -> Loaded[S]:
        """The aggregate as it is in the store now."""
        return await self.load(kind, stream_id, fresh=True)

    async def revive(self, kind: AggregateKind[S, E], stored: StoredStream) -> Loaded[S]:
        """A stored aggregate, folded anew where its snapshot is of an older fold or cannot be read."""
        state = self._state_of(kind, stored)
        if state is None:
            state = await self.state_at(kind, stored.stream_id, stored.version)
        return Loaded(
            stream_id=stored.stream_id, version=stored.version, head_hash=stored.head_hash, state=state
        )

    async def revive_all(self, kind: AggregateKind[S, E], stored: Sequence[StoredStream]) -> tuple[S, ...]:
        """The states of a page of a list, in its order."""
        states = [(await self.revive(kind, stream)).state for stream in stored]
        return tuple(state for state in states if state is not None)

    def _state_of(self, kind: AggregateKind[S, E], stored: StoredStream) -> S | None:
        """The snapshot's state; None when it is of an older fold or cannot be read: it is only a cache."""
        if stored.fold_version != kind.fold_version:
            return None
        try:
            return kind.decode_state(stored.snapshot)
        except (msgspec.MsgspecError, ValueError) as error:
            _log.error("snapshot_unreadable", stream_id=stored.stream_id, error=str(error))
            return None

    async def state_at(self, kind: AggregateKind[S, E], stream_id: str, version: int) -> S:
        """The state as it was after `version`, folded from the events. Raises LookupError without events."""
        state: S | None = None
        reached = 0
        while reached < version:
            page = await self._store.read_events(
                stream_id, after_version=reached, limit=min(1000, version - reached)
            )
            if not page:
                break
            for event in page:
                state = kind.evolve(state, kind.decode_event(event.payload))
            reached = page[-1].version
        if state is None:
            raise LookupError(f"{stream_id} has no events")
        return state

    async def event_at(self, kind: AggregateKind[S, E], stream_id: str, version: int) -> Recorded[E]:
        """One event of an aggregate. Raises LookupError when it does not exist."""
        page = await self._store.read_events(stream_id, after_version=version - 1, limit=1)
        if not page or page[0].version != version:
            raise LookupError(f"{stream_id} has no version {version}")
        return kind.decode_event(page[0].payload)

    async def earlier_reply(
        self, kind: AggregateKind[S, Any], context: CommandContext, digest: bytes
    ) -> Reply[S] | None:
        """The reply that this request id got before, None when it is new. Raises RequestIdReused."""
        known = await self._store.find_request(context.request_id)
        return None if known is None else await self._reply_of(kind, known, context.request_id, digest)

    async def _reply_of(
        self, kind: AggregateKind[S, Any], known: RequestRecord, request_id: str, digest: bytes
    ) -> Reply[S]:
        if known.digest != digest:
            raise RequestIdReused(request_id)
        state = await self.state_at(kind, known.stream_id, known.version)
        return Reply(kind=kind, stream_id=known.stream_id, version=known.version, state=state, repeated=True)

    def _turn(self, target: str) -> asyncio.Lock:
        """Commands on one aggregate wait for each other here instead of colliding in the database."""
        turn = self._turns.get(target)
        if turn is None:
            turn = asyncio.Lock()
            self._turns[target] = turn
        return turn

    async def _lost(self, work: Work, attempt: int) -> None:
        for stream_id in work.depended_on():
            self._cache.pop(stream_id, None)
        if attempt >= 2:
            # Another process is at the same aggregate: leave it room, a little more each time.
            await asyncio.sleep(0.002 * attempt)

    def _remember(self, work: Work) -> None:
        for loaded in work.results():
            self._keep(loaded)

    def _keep(self, loaded: Loaded[Any]) -> None:
        self._cache[loaded.stream_id] = loaded
        self._cache.move_to_end(loaded.stream_id)
        while len(self._cache) > self._cache_max:
            self._cache.popitem(last=False)
