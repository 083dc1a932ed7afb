"""What is remembered of a referral, a consultation or a ward from event to event."""

from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest

from services.notification.domain.occurrence import Occurrence
from services.notification.domain.subject_state import OpenOffer, SubjectState, observe
from services.notification.domain.values import Pathway, Urgency
from tests.unit.notification.occurrences import occurrence, offer
from tests.unit.notification.scenario import (
    BRANCH,
    CONSULTATION,
    EPISODE,
    HOSPITAL,
    NOW,
    OFFER,
    PREFECTURE,
    REFERRAL,
)

ETA = NOW + timedelta(minutes=95)
SECOND = "offers/0ffe12ab-0000-4000-8000-000000000002"
REQUESTED = occurrence("ReferralRequested", {"offers": [offer(), offer(SECOND, PREFECTURE)]}, version=1)


def seen(*events: Occurrence) -> SubjectState:
    state: SubjectState | None = None
    for version, event in enumerate(events, start=1):
        state = observe(state, replace(event, version=version))
    assert state is not None
    snapshot = msgspec.msgpack.encode(state)
    assert msgspec.msgpack.decode(snapshot, type=SubjectState) == state
    return state


def test_a_referral_s_first_event_says_whom_it_concerns() -> None:
    assert seen(REQUESTED) == SubjectState(
        name=REFERRAL,
        kind="referral",
        version=1,
        episode=EPISODE,
        pathway=Pathway.STROKE,
        urgency=Urgency.EMERGENCY,
        origin_facility=BRANCH,
        destination_facility=HOSPITAL,
        open_offers=(OpenOffer(name=OFFER, facility=HOSPITAL), OpenOffer(name=SECOND, facility=PREFECTURE)),
    )


def test_an_event_that_was_seen_changes_nothing() -> None:
    state = seen(REQUESTED, occurrence("ReferralAccepted", {"facility": HOSPITAL}))
    assert observe(state, REQUESTED) is state
    assert observe(state, replace(REQUESTED, version=2)) is state


@pytest.mark.parametrize("event_type", ["OfferDeclined", "OfferLapsed", "AcceptanceWithdrawn"])
def test_an_answered_offer_is_open_no_more(event_type: str) -> None:
    third = offer("offers/3", BRANCH)
    state = seen(REQUESTED, occurrence(event_type, {"offer": OFFER, "facility": HOSPITAL, "offers": [third]}))
    assert [item.name for item in state.open_offers] == [SECOND, "offers/3"]


@pytest.mark.parametrize("event_type", ["ReferralApproved", "ReferralRerouted"])
def test_new_offers_are_open(event_type: str) -> None:
    opened = occurrence(event_type, {"offers": [offer("offers/3")]})
    assert [item.name for item in seen(REQUESTED, opened).open_offers] == [OFFER, SECOND, "offers/3"]


@pytest.mark.parametrize(
    "event_type",
    [
        "ReferralAccepted",
        "ReferralClosed",
        "ReferralCancelled",
        "ReferralExpired",
        "PatientDied",
        "EnteredInError",
    ],
)
def test_acceptance_and_every_end_leave_no_offer_open(event_type: str) -> None:
    assert seen(REQUESTED, occurrence(event_type)).open_offers == ()


def test_the_expected_arrival_is_the_latest_that_was_said() -> None:
    departed = occurrence("PatientDeparted", {"estimated_arrival_time": ETA})
    later = occurrence(
        "PatientDiverted",
        {"estimated_arrival_time": ETA + timedelta(hours=1)},
        destination_facility=PREFECTURE,
    )
    assert seen(REQUESTED, departed).estimated_arrival_time == ETA
    diverted = seen(REQUESTED, departed, later)
    assert diverted.estimated_arrival_time == ETA + timedelta(hours=1)
    assert diverted.destination_facility == PREFECTURE
    assert seen(REQUESTED, departed, occurrence("TransportArranged")).estimated_arrival_time == ETA


def test_a_new_acceptance_forgets_the_old_arrival() -> None:
    accepted = occurrence("ReferralAccepted", {"estimated_arrival_time": ETA})
    assert seen(accepted, occurrence("ReferralAccepted")).estimated_arrival_time is None


def test_the_child_s_destination_is_not_the_parent_s() -> None:
    back = occurrence("PatientReferredBack", {"destination_facility": BRANCH})
    assert seen(REQUESTED, back).destination_facility == HOSPITAL


def test_who_asked_is_remembered_for_the_answer() -> None:
    asked = occurrence("InformationRequested", {"facility": PREFECTURE})
    assert seen(REQUESTED, asked, occurrence("InformationProvided")).asking_facility == PREFECTURE


def test_a_consultation_keeps_its_kind_parties_and_promise() -> None:
    requested = occurrence(
        "ConsultationRequested",
        {
            "episode": EPISODE,
            "kind": "ECG",
            "urgency": "URGENT",
            "pathway": "CHEST_PAIN",
            "requesting_facility": BRANCH,
            "centre_facility": HOSPITAL,
            "due_at": NOW,
        },
        of=CONSULTATION,
    )
    resubmitted = occurrence("ConsultationResubmitted", {"due_at": ETA}, of=CONSULTATION)
    state = seen(requested, occurrence("ConsultationReturned", of=CONSULTATION), resubmitted)
    assert state == SubjectState(
        name=CONSULTATION,
        kind="consultation",
        version=3,
        episode=EPISODE,
        pathway=Pathway.CHEST_PAIN,
        urgency=Urgency.URGENT,
        requesting_facility=BRANCH,
        centre_facility=HOSPITAL,
        consultation_kind="ECG",
        due_at=ETA,
    )


def test_a_ward_keeps_its_facility() -> None:
    applied = occurrence("WardApplied", of="wards/jg-stroke", facility=HOSPITAL)
    state = seen(applied, occurrence("CountsConfirmed", {"differs": True}, of="wards/jg-stroke"))
    assert (state.kind, state.facility) == ("ward", HOSPITAL)


def test_an_unknown_pathway_is_refused_when_it_is_read() -> None:
    with pytest.raises(ValueError, match="DENTISTRY"):
        occurrence("ReferralRequested", pathway="DENTISTRY")
