"""What lists are asked for, and where their pages come from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from services.referral.domain.consultation_transitions import LIVE
from services.referral.domain.consultation_values import ConsultationState
from services.referral.domain.episode_values import EpisodeState
from services.referral.domain.referral_values import ReferralState
from services.referral.domain.standing_state import LIVE as STANDING_LIVE
from services.referral.domain.standing_values import StandingOrderState
from services.referral.domain.worklist import OPEN_PHASE, phase_of
from services.shared.eventstore.units import StoredStream

#: The phases of each state, by kind: everything that is not over is OPEN, the rest what it ended as.
_PHASES: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "referral": {state.value: (phase_of(state),) for state in ReferralState},
    "consultation": {
        **{state.value: (OPEN_PHASE if state in LIVE else state.value,) for state in ConsultationState},
        # A critical value of the report may wait for its acknowledgement.
        ConsultationState.REPORTED.value: (OPEN_PHASE, ConsultationState.REPORTED.value),
    },
    "episode": {
        state.value: (OPEN_PHASE if state is EpisodeState.OPEN else state.value,) for state in EpisodeState
    },
    "standing_order": {
        state.value: (OPEN_PHASE if state in STANDING_LIVE else state.value,) for state in StandingOrderState
    },
}


@dataclass(frozen=True, kw_only=True, slots=True)
class ListFilter:
    """What is wanted; whatever is left out is not asked for."""

    #: one of these states; any when empty
    states: tuple[str, ...] = ()
    pathway: str = ""
    urgency: str = ""
    direction: str = ""
    #: pseudonym
    patient: str = ""
    #: `episodes/{uuid}`
    episode: str = ""
    #: it is the turn of the reader's own facility
    waiting: bool = False
    overdue: bool = False
    #: what is not over
    live: bool = False
    created_from: datetime | None = None
    created_before: datetime | None = None
    #: other facets, as JSON; for what is asked seldom, or of few
    contains: Mapping[str, object] = field(default_factory=dict)

    @property
    def by_creation(self) -> bool:
        """Whether the list is ordered by creation: it is for whoever asks for times of it."""
        return self.created_from is not None or self.created_before is not None


@dataclass(frozen=True, kw_only=True, slots=True)
class Creation:
    """A place in a list that is ordered by creation."""

    created_at: datetime
    #: of the aggregate: several may be created in one moment
    name: str

    def __str__(self) -> str:
        return f"{self.created_at.isoformat()} {self.name}"

    @classmethod
    def parse(cls, text: str) -> "Creation":
        """What `str` gave. Raises ValueError."""
        moment, _, name = text.partition(" ")
        created_at = datetime.fromisoformat(moment)
        if created_at.tzinfo is None:
            raise ValueError(f"{moment} has no time zone")
        return cls(created_at=created_at, name=name)


#: Where one of a list stands: the number of its latest change, or its creation.
Place = int | Creation


@dataclass(frozen=True, kw_only=True, slots=True)
class ListedPage:
    """What a page shows, and the place to go on after; None when there is no more."""

    streams: tuple[StoredStream, ...]
    next_after: Place | None
    #: of each stream
    positions: tuple[Place, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class ListQuery:
    """One page of a list: the latest change first; where times of creation are asked for, the latest created.

    Either way it is a walk along an index that ends with the page.
    """

    #: such as `referral`
    kind: str
    wanted: ListFilter
    #: one of these takes part; None is anybody's
    parties: tuple[str, ...] | None
    #: place of the last one seen; None begins
    after: Place | None = None
    limit: int

    @property
    def by_creation(self) -> bool:
        """Whether it is ordered by creation."""
        return self.wanted.by_creation

    @property
    def phases(self) -> tuple[str, ...]:
        """The parts of the list that the wanted states lie in. Raises KeyError for a kind without lists."""
        phases = _PHASES[self.kind]
        if self.wanted.waiting or self.wanted.overdue or self.wanted.live:
            return (OPEN_PHASE,)
        wanted = self.wanted.states or phases
        return tuple(dict.fromkeys(phase for state in wanted for phase in phases[state]))


class Listings(Protocol):
    """Raises DependencyDown when the store is away."""

    async def page(self, query: ListQuery) -> ListedPage: ...
