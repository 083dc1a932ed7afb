"""Who may read what, and the record of who did.

The facilities on a referral, consultation or episode may read it, the coordinators of their communities, the
ambulance services that may carry the patient, and operators; everybody else is told that it does not exist.
Every view is recorded, lists and streams too, apart from the event log: health data are sensitive personal
information (GB/T 39725-2020).
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypeVar, cast

from services.referral.application.aggregates import Aggregates
from services.referral.application.known_directory import KnownDirectory
from services.referral.application.listing import ListFilter, Listings, ListQuery, Place
from services.referral.domain.episode_state import Episode
from services.referral.domain.readers import knows_of, readable_parties
from services.referral.domain.referral_state import is_live
from services.shared.eventstore.aggregate import AggregateKind
from services.shared.eventstore.runner import CommandRunner
from services.shared.kernel.actor import Actor
from services.shared.kernel.refusals import NotFound
from services.shared.watching.resource_stream import Pictured

S = TypeVar("S")

#: What is live is read so much at a time.
_PICTURE_STEP = 500

#: At most one of an episode's referrals is live, and it is among the latest.
_MEMBERS_ASKED_MAX = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class View:
    """Somebody looked at something."""

    at: datetime
    actor: Actor
    #: RPC
    method: str
    #: resource names; of a list, those that it showed
    resources: tuple[str, ...]
    #: W3C traceparent of the call
    traceparent: str
    #: coded, with words; empty where none is asked for
    reason: str = ""


class ViewLog(Protocol):
    """Keeps who looked at what. Raises DependencyDown: what cannot be recorded is not shown."""

    async def record(self, view: View) -> None: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Reader:
    """Who reads, through which RPC, when."""

    actor: Actor
    method: str
    at: datetime
    traceparent: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ListPage:
    """States of a list's page and the position to go on after; None when there is no more."""

    states: tuple[Any, ...]
    next_after: Place | None
    #: of each state, for who stops within the page
    positions: tuple[Place, ...]


class Reading:
    """Reads aggregates as they are in the store now. Raises DependencyDown when it is away."""

    def __init__(
        self, listings: Listings, runner: CommandRunner, directory: KnownDirectory, log: ViewLog
    ) -> None:
        self._listings = listings
        self._runner = runner
        self._directory = directory
        self._log = log

    def may_read(self, kind: AggregateKind[S, Any], state: S, actor: Actor) -> bool:
        """Whether the actor may read for one that takes part."""
        parties = cast("list[str]", kind.facets(state)["parties"])
        return knows_of(parties, actor, self._directory.current())

    async def one(self, kind: AggregateKind[S, Any], name: str, reader: Reader) -> S:
        """Raises NotFound when it does not exist, or the reader may not know of it."""
        loaded = await self._runner.read(kind, name)
        if loaded.state is None or not self.may_read(kind, loaded.state, reader.actor):
            raise NotFound(kind.name, name)
        await self._record(reader, (name,))
        return loaded.state

    async def episode(self, kinds: Aggregates, name: str, reader: Reader) -> Episode:
        """An episode: for its own facilities, and for one that is asked to take the patient.

        A destination takes part from its acceptance on; but it cannot decide on a stroke without the clocks,
        so a live referral that it may read opens the episode too. Raises NotFound.
        """
        loaded = await self._runner.read(kinds.episode, name)
        state = loaded.state
        if state is None:
            raise NotFound(kinds.episode.name, name)
        is_shown = self.may_read(kinds.episode, state, reader.actor)
        if not is_shown:
            members = [each for each in state.members if each.startswith("referrals/")]
            for member in members[-_MEMBERS_ASKED_MAX:]:
                referral = (await self._runner.read(kinds.referral, member)).state
                if referral is not None and is_live(referral):
                    is_shown = is_shown or self.may_read(kinds.referral, referral, reader.actor)
        if not is_shown:
            raise NotFound(kinds.episode.name, name)
        await self._record(reader, (name,))
        return state

    async def readable(self, kinds: Aggregates, episode: Episode, reader: Reader) -> tuple[str, ...]:
        """The members of an episode that the reader may know of."""
        found: list[str] = []
        for member in episode.members:
            kind = kinds.of(member)
            state = (await self._runner.read(kind, member)).state
            if state is not None and self.may_read(kind, state, reader.actor):
                found.append(member)
        await self._record(reader, tuple(found))
        return tuple(found)

    async def some(
        self, kind: AggregateKind[S, Any], names: tuple[str, ...], reader: Reader
    ) -> tuple[S, ...]:
        """Those of `names` that exist and that the reader may know of."""
        shown: list[S] = []
        seen: list[str] = []
        for name in names:
            state = (await self._runner.read(kind, name)).state
            if state is not None and self.may_read(kind, state, reader.actor):
                shown.append(state)
                seen.append(name)
        await self._record(reader, tuple(seen))
        return tuple(shown)

    async def page(
        self,
        kind: AggregateKind[Any, Any],
        wanted: ListFilter,
        reader: Reader,
        *,
        after: Place | None = None,
        limit: int,
    ) -> ListPage:
        """The latest changes first, or the latest created, of what the reader may know of."""
        page = await self.look_through(kind, wanted, reader, after=after, limit=limit)
        await self._record(reader, tuple(state.name for state in page.states))
        return page

    async def look_through(
        self,
        kind: AggregateKind[Any, Any],
        wanted: ListFilter,
        reader: Reader,
        *,
        after: Place | None = None,
        limit: int,
    ) -> ListPage:
        """A page that is not shown yet: whoever shows any of it says so (`shown`)."""
        parties = readable_parties(reader.actor, self._directory.current())
        if wanted.waiting:
            # Somebody's turn is a facility's, also for who may read for others.
            parties = frozenset((reader.actor.facility,))
        page = await self._listings.page(
            ListQuery(
                kind=kind.name,
                wanted=wanted,
                parties=None if parties is None else tuple(sorted(parties)),
                after=after,
                limit=limit,
            )
        )
        return ListPage(
            states=await self._runner.revive_all(kind, page.streams),
            next_after=page.next_after,
            positions=page.positions,
        )

    async def picture(self, kind: AggregateKind[S, Any], reader: Reader) -> AsyncIterator[Pictured[S]]:
        """All that is live now and the reader may know of: where a watch stream begins.

        What changes meanwhile moves out of the pages still to come, and its change is in the stream.
        """
        after: Place | None = None
        while True:
            page = await self.page(kind, ListFilter(live=True), reader, after=after, limit=_PICTURE_STEP)
            for state in page.states:
                yield Pictured(name=state.name, version=state.version, state=state)
            after = page.next_after
            if after is None:
                return

    async def shown(self, reader: Reader, *names: str) -> None:
        """Records that these are about to be shown: a stream's change, a timeline's members.

        Raises DependencyDown.
        """
        await self._record(reader, names)

    async def _record(self, reader: Reader, resources: tuple[str, ...]) -> None:
        if resources:
            view = View(
                at=reader.at,
                actor=reader.actor,
                method=reader.method,
                resources=resources,
                traceparent=reader.traceparent,
            )
            await self._log.record(view)
