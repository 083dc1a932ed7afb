"""What each state is called in FHIR and HL7 v2: whole, and in agreement with the table."""

from services.referral.domain.consultation_transitions import LIVE
from services.referral.domain.consultation_values import ConsultationState
from services.referral.domain.fhir_status import (
    CONSULTATION,
    OFFERS,
    REFERRAL,
    RequestStatus,
    Rf1Status,
    TaskStatus,
)
from services.referral.domain.referral_state import TERMINAL
from services.referral.domain.referral_values import OfferState, ReferralState

#: hl7.org/fhir/R4/valueset-request-status and -task-status, as they stand there
REQUEST_CODES = {"draft", "active", "on-hold", "revoked", "completed", "entered-in-error", "unknown"}
TASK_CODES = {
    *("draft", "requested", "received", "accepted", "rejected", "ready", "cancelled", "in-progress"),
    *("on-hold", "failed", "completed", "entered-in-error"),
}
OVER = {RequestStatus.REVOKED, RequestStatus.COMPLETED, RequestStatus.ENTERED_IN_ERROR}
TASK_OVER = {
    TaskStatus.REJECTED,
    TaskStatus.CANCELLED,
    TaskStatus.FAILED,
    TaskStatus.COMPLETED,
    TaskStatus.ENTERED_IN_ERROR,
}


def test_every_state_has_its_codes_and_no_code_is_made_up() -> None:
    assert REFERRAL.keys() == set(ReferralState)
    assert OFFERS.keys() == set(OfferState)
    assert CONSULTATION.keys() == set(ConsultationState)
    assert {status.value for status in RequestStatus} <= REQUEST_CODES
    assert {status.value for status in TaskStatus} <= TASK_CODES
    assert {status.value for status in Rf1Status} == {"A", "P", "R", "E"}


def test_a_request_is_over_where_the_referral_is() -> None:
    for state, standing in REFERRAL.items():
        assert (standing.request in OVER) == (state in TERMINAL), state
        if state in TERMINAL:
            assert standing.task in TASK_OVER, state
    for question, standing in CONSULTATION.items():
        assert (standing.request in OVER) == (question not in LIVE), question


def test_a_task_is_over_where_the_offer_is() -> None:
    waiting = {OfferState.SENT, OfferState.ACKNOWLEDGED, OfferState.ACCEPTED}
    assert {offer for offer, task in OFFERS.items() if task not in TASK_OVER} == waiting
