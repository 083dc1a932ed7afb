"""The kinds of aggregate that the use cases work with. `main` puts in how each is encoded."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from services.referral.domain.consultation_events import ConsultationEvent
from services.referral.domain.consultation_state import Consultation
from services.referral.domain.directory import DirectoryApplied
from services.referral.domain.directory_state import Directory
from services.referral.domain.episode_events import EpisodeEvent
from services.referral.domain.episode_state import Episode
from services.referral.domain.events import Event
from services.referral.domain.referral_state import Referral
from services.referral.domain.standing_events import StandingEvent
from services.referral.domain.standing_state import StandingOrder
from services.shared.eventstore.aggregate import AggregateKind


@dataclass(frozen=True, kw_only=True)
class Aggregates:
    """Every kind of aggregate of this service."""

    referral: AggregateKind[Referral, Event]
    episode: AggregateKind[Episode, EpisodeEvent]
    consultation: AggregateKind[Consultation, ConsultationEvent]
    directory: AggregateKind[Directory, DirectoryApplied]
    standing: AggregateKind[StandingOrder, StandingEvent]

    def of(self, name: str) -> AggregateKind[Any, Any]:
        """The kind of an aggregate by its name's collection. Raises KeyError for another's name."""
        collections: dict[str, AggregateKind[Any, Any]] = {
            "referrals": self.referral,
            "episodes": self.episode,
            "consultations": self.consultation,
            "directory": self.directory,
            "standing_orders": self.standing,
        }
        return collections[name.partition("/")[0]]

    def by_name(self) -> Mapping[str, AggregateKind[Any, Any]]:
        """Every kind by its name, as the store keeps it."""
        kinds = (self.referral, self.episode, self.consultation, self.directory, self.standing)
        return {kind.name: kind for kind in kinds}
