"""The ambulance service that is to carry a patient, and what it must be told."""

from typing import Any

from services.referral.domain.decision import Decision


def carrier_to_tell(decision: Decision[Any]) -> str:
    """Who is to carry and does not know yet what is being said; empty when there is no such service."""
    state = decision.state
    if state.transport is None or state.ambulance_facility == decision.context.actor.facility:
        return ""
    return state.ambulance_facility
