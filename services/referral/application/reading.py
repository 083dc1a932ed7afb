"""Who may read what, and the record of who did.

The facilities on a referral, consultation or episode may read it, and coordinators and operators; everybody
else is told that it does not exist. Every view is recorded, apart from the event log (PIPL; facts.md, Law).
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypeVar, cast

from services.shared.eventstore.aggregate import AggregateKind
from services.shared.eventstore.runner import CommandRunner
from services.shared.eventstore.store import EventStore, StreamQuery
from services.shared.kernel.actor import Actor, Role
from services.shared.kernel.refusals import NotFound

S = TypeVar("S")

_OVERVIEW = (Role.COORDINATOR, Role.OPERATOR, Role.SYSTEM)


@dataclass(frozen=True, kw_only=True, slots=True)
class View:
    """Somebody looked at something."""

    at: datetime
    actor: Actor
    #: RPC
    method: str
    #: resource names; of a list, those that it showed
    resources: tuple[str, ...]


class ViewLog(Protocol):
    """Keeps who looked at what. Raises DependencyDown: what cannot be recorded is not shown."""

    async def record(self, view: View) -> None: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Reader:
    """Who reads, through which RPC, when."""

    actor: Actor
    method: str
    at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class ListPage:
    """States of a list's page and the position to go on after; None when there is no more."""

    states: tuple[Any, ...]
    next_after: int | None


def may_read(kind: AggregateKind[S, Any], state: S, actor: Actor) -> bool:
    """Whether the actor's facility takes part, or the actor has an overview role."""
    parties = cast("list[str]", kind.facets(state)["parties"])
    return actor.facility in parties or actor.has_role(*_OVERVIEW)


class Reading:
    """Reads aggregates as they are in the store now. Raises DependencyDown when it is away."""

    def __init__(self, store: EventStore, runner: CommandRunner, log: ViewLog) -> None:
        self._store = store
        self._runner = runner
        self._log = log

    async def one(self, kind: AggregateKind[S, Any], name: str, reader: Reader) -> S:
        """Raises NotFound when it does not exist, or the reader may not know of it."""
        loaded = await self._runner.read(kind, name)
        if loaded.state is None or not may_read(kind, loaded.state, reader.actor):
            raise NotFound(kind.name, name)
        await self._record(reader, (name,))
        return loaded.state

    async def some(
        self, kind: AggregateKind[S, Any], names: tuple[str, ...], reader: Reader
    ) -> tuple[S, ...]:
        """Those of `names` that exist and that the reader may know of."""
        states = [(await self._runner.read(kind, name)).state for name in names]
        shown = tuple(s for s in states if s is not None and may_read(kind, s, reader.actor))
        await self._record(reader, tuple(name for name, s in zip(names, states, strict=True) if s in shown))
        return shown

    async def page(
        self,
        kind: AggregateKind[Any, Any],
        contains: dict[str, object],
        reader: Reader,
        *,
        states: tuple[str, ...] = (),
        after: int | None = None,
        limit: int,
    ) -> ListPage:
        """The latest changes first; a facility sees what it takes part in, an overview role sees all."""
        if not reader.actor.has_role(*_OVERVIEW):
            contains = {**contains, "parties": [reader.actor.facility]}
        page = await self._store.find(
            StreamQuery(kind=kind.name, contains=contains, states=states, after=after, limit=limit)
        )
        await self._record(reader, tuple(stream.stream_id for stream in page.streams))
        return ListPage(
            states=tuple(kind.decode_state(stream.snapshot) for stream in page.streams),
            next_after=page.next_after,
        )

    async def _record(self, reader: Reader, resources: tuple[str, ...]) -> None:
        if resources:
            view = View(at=reader.at, actor=reader.actor, method=reader.method, resources=resources)
            await self._log.record(view)
