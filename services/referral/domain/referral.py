"""The referral aggregate: everything that the application calls, under one name.

`decide` and `evolve` are pure; `transitions.TABLE` is the one place that says what may follow what.
"""

from services.referral.domain.continuation import child_needed, opened_child
from services.referral.domain.deadlines import deadlines
from services.referral.domain.decide import decide
from services.referral.domain.decide_offers import beds_needed
from services.referral.domain.decide_request import decide_create
from services.referral.domain.events import EVENTS
from services.referral.domain.evolve import evolve
from services.referral.domain.parties import may_read
from services.referral.domain.readers import reading_facilities
from services.referral.domain.referral_state import (
    INTERNAL_FIELDS,
    Referral,
    ReferralEnvelope,
    envelope,
    is_live,
    is_terminal,
)
from services.referral.domain.transition_lookup import COMMANDS, allowed_commands
from services.referral.domain.worklist import facets

__all__ = [
    "COMMANDS",
    "EVENTS",
    "INTERNAL_FIELDS",
    "Referral",
    "ReferralEnvelope",
    "allowed_commands",
    "beds_needed",
    "child_needed",
    "deadlines",
    "decide",
    "decide_create",
    "envelope",
    "evolve",
    "facets",
    "is_live",
    "is_terminal",
    "may_read",
    "opened_child",
    "reading_facilities",
]
