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
from services.shared.eventstore.store import StreamPage

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


@dataclass(frozen=True, kw_only=True, slots=True)
class ListQuery:
    """One page of a list, the latest change first."""

    #: such as `referral`
    kind: str
    wanted: ListFilter
    #: one of these takes part; None is anybody's
    parties: tuple[str, ...] | None
    #: position of the last one seen; None begins
    after: int | None = None
    limit: int
    #: when it is asked: says what is long ago
    asked_at: datetime | None = None

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

    async def page(self, query: ListQuery) -> StreamPage: ...
