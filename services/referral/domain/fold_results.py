"""What results change in a referral."""

from collections.abc import Callable
from typing import Any

from services.referral.domain import events as e
from services.referral.domain.examination_results import ResultRepeat
from services.referral.domain.fold_offers import Changes
from services.referral.domain.referral_state import Referral
from services.shared.kernel.command import EventMetadata


def _added(state: Referral, event: e.ResultsAdded, _: EventMetadata) -> Changes:
    return {"results": state.results + event.results}


def _repeated(state: Referral, event: e.ResultRepeated, metadata: EventMetadata) -> Changes:
    repeat = ResultRepeat(
        result=event.result,
        reason=event.reason,
        text=event.text,
        facility=event.facility,
        repeated_at=metadata.occurred_at,
        recorded_by=metadata.actor.user,
        recognised=event.recognised,
    )
    return {"result_repeats": (*state.result_repeats, repeat)}


RESULTS: dict[type[e.Event], Callable[[Referral, Any, EventMetadata], Changes]] = {
    e.ResultsAdded: _added,
    e.ResultRepeated: _repeated,
}
