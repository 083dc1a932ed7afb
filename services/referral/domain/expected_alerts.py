"""Whose desks a referral would bring into action, from what the state table and its deadlines say.

The events and whose turn it is are the referral service's to know. Which duty answers for them, and who is on
it, the notification service's rules and rosters say.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from services.referral.domain import commands as c
from services.referral.domain import events as e
from services.referral.domain.explaining_texts import filled
from services.referral.domain.norms import Assessment, Request
from services.referral.domain.norms_move import CAPABILITY_OF
from services.referral.domain.texts import span
from services.referral.domain.transition_lookup import ROWS
from services.shared.kernel.text import BilingualText


@dataclass(frozen=True, kw_only=True, slots=True)
class ExpectedAlert:
    """One event, and whose desk acts on it."""

    event: str
    #: of silence before it, from the moment that the destination is asked
    after_s: int
    facility: str
    facility_name: BilingualText
    #: of the state table
    command: str
    #: that may give it
    roles: tuple[str, ...]
    #: the pathway's capability, when the facility has it
    centre: str
    text: BilingualText


@dataclass(frozen=True, kw_only=True, slots=True)
class _Turn:
    """Whose turn it is after an event."""

    #: of the text
    code: str
    event: type[e.Event]
    command: type[c.Command]
    facility: str
    after_s: int = 0
    #: limit that the text names
    within_s: int


def expected_alerts(found: Assessment, request: Request) -> tuple[ExpectedAlert, ...]:
    """In the order in which it would happen if nobody answered; last what follows from an acceptance."""
    return tuple([_alert(turn, request) for turn in _turns(found, request)])


def _turns(found: Assessment, request: Request) -> Iterator[_Turn]:
    destination, terms = found.facility.id, request.policy.terms(request.urgency, request.pathway)
    asked: type[e.Event] = e.ReferralRequested
    if found.needs_approval:
        yield _Turn(
            code="APPROVAL",
            event=e.ReferralRequested,
            command=c.ApproveReferral,
            facility=request.directory.lead_of(request.origin),
            within_s=terms.expiry_s,
        )
        asked = e.ReferralApproved
    yield _Turn(
        code="OFFER",
        event=asked,
        command=c.AcceptReferral,
        facility=destination,
        within_s=terms.acknowledge_s,
    )
    yield _Turn(
        code="OVERDUE",
        event=e.OfferOverdue,
        command=c.AcceptReferral,
        facility=destination,
        after_s=terms.acknowledge_s,
        within_s=terms.acknowledge_s,
    )
    yield _Turn(
        code="LAPSED",
        event=e.OfferLapsed,
        command=c.RerouteReferral,
        facility=request.origin.id,
        after_s=terms.decide_s,
        within_s=terms.decide_s,
    )
    if found.approval_in_retrospect:
        yield _Turn(
            code="REVIEW",
            event=e.ReferralAccepted,
            command=c.ReviewReferral,
            facility=request.directory.lead_of(request.origin),
            within_s=request.policy.review_limit_s(request.urgency, request.pathway),
        )


def _alert(turn: _Turn, request: Request) -> ExpectedAlert:
    known = request.directory.facility(turn.facility)
    name = BilingualText(zh=turn.facility, en=turn.facility) if known is None else known.name
    centre = CAPABILITY_OF.get(request.pathway, "")
    roles = dict.fromkeys(role.value for by in ROWS[turn.command][0].by for role in by.roles)
    return ExpectedAlert(
        event=turn.event.__name__,
        after_s=turn.after_s,
        facility=turn.facility,
        facility_name=name,
        command=turn.command.__name__,
        roles=tuple(roles),
        centre=centre if known is not None and centre in known.capabilities else "",
        text=filled(turn.code, name, span(turn.within_s)),
    )
