"""The fold of a referral's events. It reads the event and its metadata, and nothing else."""

from collections.abc import Callable, Mapping
from typing import Any

from services.referral.domain.events import Event, ReferralRequested
from services.referral.domain.fold_journey import JOURNEY
from services.referral.domain.fold_offers import OFFERS, requested
from services.referral.domain.fold_plan import PLAN, keeps_standing
from services.referral.domain.fold_record import RECORD, record_begun
from services.referral.domain.fold_results import RESULTS
from services.referral.domain.fold_review import REVIEW
from services.referral.domain.fold_steps import STEPS, next_step
from services.referral.domain.referral_state import Referral
from services.referral.domain.transition_lookup import next_state
from services.shared.kernel.command import EventMetadata, Recorded
from services.shared.kernel.frozen import copier

_CHANGES: dict[type[Event], Callable[[Referral, Any, EventMetadata], dict[str, Any]]] = {
    **OFFERS,
    **JOURNEY,
    **RECORD,
    **PLAN,
    **REVIEW,
    **RESULTS,
    **STEPS,
}
_COPY: Callable[[Referral, Mapping[str, Any]], Referral] = copier(Referral)


def evolve(state: Referral | None, recorded: Recorded[Event]) -> Referral:
    """The state after the event. Raises ValueError when the table has no such event in this state."""
    event, metadata = recorded.event, recorded.metadata
    after = next_state(state, event)
    if state is None:
        if not isinstance(event, ReferralRequested):
            raise ValueError(f"{type(event).__name__} cannot be the first event")
        return Referral(state=after, **requested(event, metadata), **record_begun(event, metadata))
    changes = _CHANGES[type(event)](state, event, metadata)
    changes.update(next_step(state, event, after))
    if state.standing_order and not keeps_standing(state, changes, after):
        changes["standing_order"] = ""
    changes["version"] = metadata.version
    changes["state"] = after
    changes["update_time"] = metadata.recorded_at
    return _COPY(state, changes)
