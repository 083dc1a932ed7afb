"""What the notification service remembers of each referral, consultation and ward.

Most events say whom they concern, but not everything that their alerts must say: the rules find it here.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from services.notification.domain.occurrence import (
    Occurrence,
    elements_at,
    moment_at,
    text_at,
)
from services.notification.domain.values import Pathway, Urgency


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenOffer:
    """An offer that a facility has not answered."""

    name: str
    facility: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SubjectState:
    """One referral, consultation or ward, as far as the rules need it."""

    #: aggregate id, such as `referrals/{uuid}`
    name: str
    kind: str
    #: of the latest event seen
    version: int
    episode: str = ""
    pathway: Pathway | None = None
    urgency: Urgency | None = None
    origin_facility: str = ""
    #: of the accepted offer, or of the open one while none is accepted
    destination_facility: str = ""
    #: facility that asked the origin for information
    asking_facility: str = ""
    requesting_facility: str = ""
    centre_facility: str = ""
    #: TELECONSULTATION, ECG, IMAGING, LAB
    consultation_kind: str = ""
    due_at: datetime | None = None
    estimated_arrival_time: datetime | None = None
    #: facility of a ward
    facility: str = ""
    open_offers: tuple[OpenOffer, ...] = ()


def observe(state: SubjectState | None, occurrence: Occurrence) -> SubjectState:
    """The subject after one more event. An event that is not newer than what was seen changes nothing."""
    if state is None:
        state = SubjectState(name=occurrence.aggregate_id, kind=occurrence.aggregate_kind, version=0)
    elif occurrence.version <= state.version:
        return state
    envelope = occurrence.envelope
    known = replace(
        state,
        version=occurrence.version,
        episode=occurrence.episode or state.episode,
        pathway=occurrence.pathway or state.pathway,
        urgency=occurrence.urgency or state.urgency,
        origin_facility=text_at(envelope, "origin_facility") or state.origin_facility,
        destination_facility=text_at(envelope, "destination_facility") or state.destination_facility,
        facility=text_at(envelope, "facility") or state.facility,
    )
    if occurrence.aggregate_kind == "consultation":
        return _question(known, occurrence.fields)
    if occurrence.aggregate_kind == "referral":
        learn = _LEARN.get(occurrence.event_type)
        return learn(known, occurrence.fields) if learn else known
    return known


Learn = Callable[[SubjectState, Mapping[str, object]], SubjectState]


def _offers_opened(state: SubjectState, fields: Mapping[str, object]) -> SubjectState:
    """Adds the offers that the event opened, and drops the one that it closed."""
    closed = text_at(fields, "offer")
    opened = tuple(
        OpenOffer(name=text_at(offer, "name"), facility=text_at(offer, "facility"))
        for offer in elements_at(fields, "offers")
    )
    kept = tuple(
        offer
        for offer in state.open_offers
        if offer.name != closed and offer.name not in {new.name for new in opened}
    )
    return replace(state, open_offers=kept + opened)


def _accepted(state: SubjectState, fields: Mapping[str, object]) -> SubjectState:
    return replace(
        state,
        open_offers=(),
        estimated_arrival_time=moment_at(fields, "estimated_arrival_time"),
    )


def _asked(state: SubjectState, fields: Mapping[str, object]) -> SubjectState:
    return replace(state, asking_facility=text_at(fields, "facility"))


def _on_the_road(state: SubjectState, fields: Mapping[str, object]) -> SubjectState:
    expected = moment_at(fields, "estimated_arrival_time")
    return replace(state, estimated_arrival_time=expected or state.estimated_arrival_time)


def _ended(state: SubjectState, fields: Mapping[str, object]) -> SubjectState:
    return replace(state, open_offers=())


def _question(state: SubjectState, fields: Mapping[str, object]) -> SubjectState:
    return replace(
        state,
        requesting_facility=text_at(fields, "requesting_facility") or state.requesting_facility,
        centre_facility=text_at(fields, "centre_facility") or state.centre_facility,
        consultation_kind=text_at(fields, "kind") or state.consultation_kind,
        due_at=moment_at(fields, "due_at") or state.due_at,
    )


_LEARN: Mapping[str, Learn] = {
    "ReferralRequested": _offers_opened,
    "ReferralApproved": _offers_opened,
    "OfferDeclined": _offers_opened,
    "OfferLapsed": _offers_opened,
    "ReferralRerouted": _offers_opened,
    "AcceptanceWithdrawn": _offers_opened,
    "ReferralAccepted": _accepted,
    "InformationRequested": _asked,
    "TransportArranged": _on_the_road,
    "PatientDeparted": _on_the_road,
    "PatientDiverted": _on_the_road,
    "ArrivalEstimateChanged": _on_the_road,
    "ReferralClosed": _ended,
    "ReferralCancelled": _ended,
    "ReferralExpired": _ended,
    "PatientDied": _ended,
    "EnteredInError": _ended,
}
