"""What a recorded referral says of its asking: whom, when, what they answered, and how the journey went on.

It is read from the referral's own events. Times are clinical, in seconds: how long people took, not when the
platform heard of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from services.referral.domain.events import (
    AcceptanceWithdrawn,
    ApprovalRefused,
    EnteredInError,
    Event,
    OfferAcknowledged,
    OfferDeclined,
    OfferLapsed,
    PatientArrived,
    PatientDeparted,
    ReferralAccepted,
    ReferralApproved,
    ReferralRequested,
    ReferralRerouted,
)
from services.referral.domain.referral_values import Dispatch, NormOverride, Offer
from services.referral.domain.values import Urgency
from services.shared.kernel.command import EventMetadata, Recorded


class AnswerKind(StrEnum):
    """What came of asking a facility."""

    ACCEPTED = "ACCEPTED"
    #: it said no, or took its acceptance back
    DECLINED = "DECLINED"
    #: it said nothing in time
    LAPSED = "LAPSED"
    #: it was asked, and had not decided when another accepted or the referral ended
    UNDECIDED = "UNDECIDED"


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What one facility did with one offer."""

    facility: str
    kind: AnswerKind
    #: from the offer to the answer; of UNDECIDED to the end of the record
    wait_s: int
    #: from the offer to somebody's first word; None when nobody said that it was seen
    seen_s: int | None
    #: the limits that the offer was given
    acknowledge_s: int
    decide_s: int
    #: by road, as the offer says; None when unknown
    travel_minutes: int | None

    @property
    def is_late(self) -> bool:
        """Whether nobody saw it within its limit."""
        return is_seen_late(self.seen_s, self.wait_s, self.acknowledge_s)


@dataclass(frozen=True, kw_only=True, slots=True)
class Round:
    """A list of destinations that was given at one time: at the request, or at a re-routing."""

    destinations: tuple[str, ...]
    dispatch: Dispatch
    #: how long after the rounds before were exhausted
    after_s: int


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordedReferral:
    """One referral as it went."""

    name: str
    request: ReferralRequested
    requested_at: datetime
    #: norms that were overridden at its creation, or at a re-routing
    overrides: tuple[NormOverride, ...]
    rounds: tuple[Round, ...]
    #: in the order of asking; a facility that was asked twice has two
    answers: tuple[Answer, ...]
    #: how long the approval took; None when none was asked for, or nobody decided
    approval_s: int | None
    #: None when none was asked for, or nobody decided
    approved: bool | None
    #: by whom, and how long after the request; None when nobody did, or took it back
    accepted_by: str
    accepted_s: int | None
    departed_at: datetime | None
    arrived_at: datetime | None

    @property
    def urgency(self) -> Urgency:
        return self.request.urgency


def is_seen_late(seen_s: int | None, wait_s: int, limit_s: int) -> bool:
    """An answer shows that it was seen too."""
    return (wait_s if seen_s is None else min(seen_s, wait_s)) > limit_s


def recorded(history: Sequence[Recorded[Event]]) -> RecordedReferral | None:
    """What the whole history of one referral says; None of one that was entered in error.

    Raises ValueError for a history that does not begin with its request.
    """
    if not history or not isinstance(history[0].event, ReferralRequested):
        raise ValueError("a referral begins with its request")
    if any(isinstance(each.event, EnteredInError) for each in history):
        return None
    reading = _Reading(history[0].event, history[0].metadata)
    for each in history[1:]:
        reading.add(each.event, each.metadata.occurred_at)
    return reading.referral()


@dataclass(slots=True)
class _Asked:
    offer: Offer
    #: moments in seconds from the request
    at_s: int
    seen_at_s: int | None = None
    answered_at_s: int | None = None
    kind: AnswerKind = AnswerKind.UNDECIDED

    def answer(self, end_s: int) -> Answer:
        offer = self.offer
        answered_at_s = end_s if self.answered_at_s is None else self.answered_at_s
        return Answer(
            facility=offer.facility,
            kind=self.kind,
            wait_s=max(0, answered_at_s - self.at_s),
            seen_s=None if self.seen_at_s is None else self.seen_at_s - self.at_s,
            acknowledge_s=round((offer.acknowledge_by - offer.sent_at).total_seconds()),
            decide_s=round((offer.decide_by - offer.sent_at).total_seconds()),
            travel_minutes=offer.travel_minutes,
        )


@dataclass(slots=True)
class _Reading:
    """A referral while its events are read."""

    request: ReferralRequested
    metadata: EventMetadata
    rounds: list[Round] = field(default_factory=list)
    asked: dict[str, _Asked] = field(default_factory=dict)
    overrides: dict[str, NormOverride] = field(default_factory=dict)
    approved_at_s: int | None = None
    approved: bool | None = None
    accepted: _Asked | None = None
    departed_at: datetime | None = None
    arrived_at: datetime | None = None
    #: since when nobody was asked
    idle_since_s: int | None = None
    #: how far the history is
    at_s: int = 0

    def __post_init__(self) -> None:
        request = self.request
        self._round(request.offers, request.next_destinations, request.dispatch, 0)
        self._open(request.offers)
        self._overridden(request)

    def add(self, event: Event, at: datetime) -> None:
        """One more event; those that say nothing of the asking are passed over.

        Whole seconds from the request: so the parts of a course add up to it. Clinical times are people's
        and may go back; then no time has passed.
        """
        passed_s = (at - self.metadata.occurred_at).total_seconds()
        self.at_s = max(self.at_s, round(passed_s))
        match event:
            case ReferralApproved():
                self.approved, self.approved_at_s = True, self.at_s
                self._open(event.offers)
            case ApprovalRefused():
                self.approved, self.approved_at_s = False, self.at_s
                self.idle_since_s = self.at_s
            case OfferAcknowledged():
                self.asked[event.offer].seen_at_s = self.at_s
            case OfferDeclined() | OfferLapsed() | AcceptanceWithdrawn():
                lapsed = isinstance(event, OfferLapsed)
                self._answer(event.offer, AnswerKind.LAPSED if lapsed else AnswerKind.DECLINED)
                self._open(event.offers)
                if event.exhausted:
                    self.idle_since_s = self.at_s
            case ReferralRerouted():
                idle_s = self.at_s - (self.at_s if self.idle_since_s is None else self.idle_since_s)
                self._round(event.offers, event.next_destinations, event.dispatch, idle_s)
                self._open(event.offers)
                self._overridden(event)
            case ReferralAccepted():
                self.accepted = self._answer(event.offer, AnswerKind.ACCEPTED)
            case PatientDeparted():
                self.departed_at = at
            case PatientArrived():
                self.arrived_at = at
            case _:
                pass

    def _round(
        self, offers: Sequence[Offer], following: tuple[str, ...], dispatch: Dispatch, after_s: int
    ) -> None:
        destinations = (*(offer.facility for offer in offers), *following)
        self.rounds.append(Round(destinations=destinations, dispatch=dispatch, after_s=after_s))

    def _overridden(self, event: ReferralRequested | ReferralRerouted) -> None:
        for rule in event.norms:
            if rule.override is not None:
                self.overrides[rule.code] = NormOverride(rule=rule.code, reason=rule.override)

    def _open(self, offers: Sequence[Offer]) -> None:
        for offer in offers:
            self.asked[offer.name] = _Asked(offer=offer, at_s=self.at_s)

    def _answer(self, offer: str, kind: AnswerKind) -> _Asked:
        asked = self.asked[offer]
        asked.kind, asked.answered_at_s = kind, self.at_s
        if asked is self.accepted and kind is not AnswerKind.ACCEPTED:
            self.accepted = None
        return asked

    def referral(self) -> RecordedReferral:
        """What was read, up to the record's end."""
        accepted = self.accepted
        accepted_s = None if accepted is None else accepted.answered_at_s
        # Who was outrun had until then, and no longer.
        end_s = self.at_s if accepted_s is None else accepted_s
        return RecordedReferral(
            name=self.metadata.aggregate_id,
            request=self.request,
            requested_at=self.metadata.occurred_at,
            overrides=tuple(self.overrides.values()),
            rounds=tuple(self.rounds),
            answers=tuple(each.answer(end_s) for each in self.asked.values()),
            approval_s=self.approved_at_s,
            approved=self.approved,
            accepted_by="" if accepted is None else accepted.offer.facility,
            accepted_s=accepted_s,
            departed_at=self.departed_at,
            arrived_at=self.arrived_at,
        )
