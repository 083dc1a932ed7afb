"""The fold of a referral's events. It reads the event and its metadata, and nothing else."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from services.referral.domain.events import Event, ReferralRequested
from services.referral.domain.fold_journey import JOURNEY
from services.referral.domain.fold_offers import OFFERS, requested
from services.referral.domain.referral_state import Referral
from services.referral.domain.transition_lookup import next_state
from services.shared.kernel.command import EventMetadata, Recorded

_CHANGES: dict[type[Event], Callable[[Referral, Any, EventMetadata], dict[str, Any]]] = {
    **OFFERS,
    **JOURNEY,
}


def evolve(state: Referral | None, recorded: Recorded[Event]) -> Referral:
    """The state after the event. Raises ValueError when the table has no such event in this state."""
    event, metadata = recorded.event, recorded.metadata
    after = next_state(state, event)
    if state is None:
        if not isinstance(event, ReferralRequested):
            raise ValueError(f"{type(event).__name__} cannot be the first event")
        return Referral(state=after, **requested(event, metadata))
    changes = _CHANGES[type(event)](state, event, metadata)
    changes["version"] = metadata.version
    changes["state"] = after
    changes["update_time"] = metadata.recorded_at
    return replace(state, **changes)
