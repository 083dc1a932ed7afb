"""Links that answer an alert: what they allow, how their codes are made, and when they are in force.

A code is 16 random bytes and 10 of a keyed digest over all that the link is bound to, in base64url: 35
characters, which is what a vendor's SMS template takes for a variable. Guessing one is guessing 128 bits; and
whoever can read the database, but not the key, cannot make one either.
"""

import base64
import binascii
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from services.notification.domain.alert_state import Alert
from services.notification.domain.values import AlertState
from services.shared.kernel.ids import derive_id
from services.shared.kernel.text import BilingualText

NONCE_BYTES = 16
_DIGEST_BYTES = 10
CODE_LENGTH = 35

#: A second tap, or a try after an answer that was lost, is the same answer within this time.
SAME_ANSWER = timedelta(minutes=2)

#: Roles of a roster whose people take no patients.
_OFFICES = frozenset({"referral_office", "bed_desk", "ambulance", "coordinator", "operator"})

#: Why a patient is not taken, by code.
DECLINE_REASONS = {
    "NO_BED": BilingualText(zh="无床", en="no bed"),
    "NO_CAPACITY": BilingualText(zh="救治能力已满", en="no capacity"),
    "NO_SPECIALIST": BilingualText(zh="无专科医师", en="no specialist"),
    "EQUIPMENT_DOWN": BilingualText(zh="设备故障", en="equipment down"),
    "NOT_INDICATED": BilingualText(zh="不符合转入指征", en="not indicated"),
}


class AnswerAction(StrEnum):
    """What a link may do."""

    ACKNOWLEDGE = "ACKNOWLEDGE"
    ACCEPT = "ACCEPT"
    DECLINE = "DECLINE"


@dataclass(frozen=True, kw_only=True, slots=True)
class AnswerLink:
    """One link of one message: for one person, one alert and these actions alone."""

    nonce: bytes
    delivery: str
    alert: str
    recipient: str
    recipient_name: str
    #: for which the recipient answers; empty for a fallback of none
    facility: str
    actions: tuple[AnswerAction, ...]
    language: str
    expires_at: datetime
    used_at: datetime | None = None
    used_action: str = ""
    used_reason: str = ""

    def is_open(self, now: datetime) -> bool:
        """Whether it may still be used."""
        return self.used_at is None and now < self.expires_at

    def is_same_answer(self, action: AnswerAction, reason: str, now: datetime) -> bool:
        """Whether it was used for just this a moment ago."""
        return (
            self.used_at is not None
            and now - self.used_at <= SAME_ANSWER
            and (self.used_action, self.used_reason) == (action.value, reason)
        )

    def request_id(self, action: AnswerAction) -> str:
        """Of the command that it gives: the same again is the same command."""
        return derive_id("answer", self.nonce.hex(), action.value)


def offered_actions(alert: Alert, *, recipients_facility: str, may_decide: bool) -> tuple[AnswerAction, ...]:
    """What a recipient may do by link. `may_decide`: the site lets links speak for people elsewhere.

    A patient is taken or not by the clinicians of the facility that was asked, so by nobody whom another
    facility's roster names, and by no office.
    """
    decides = (
        may_decide
        and alert.action == "AcceptReferral"
        and alert.subject.startswith("referrals/")
        and recipients_facility == alert.facility
        and alert.role not in _OFFICES
    )
    both = (AnswerAction.ACCEPT, AnswerAction.DECLINE) if decides else ()
    return (AnswerAction.ACKNOWLEDGE, *both)


def actions_left(alert: Alert, link: AnswerLink) -> tuple[AnswerAction, ...]:
    """What the link may still do as the alert stands."""
    match alert.state:
        case AlertState.TRIGGERED:
            return link.actions
        case AlertState.ACKNOWLEDGED:
            return tuple(action for action in link.actions if action is not AnswerAction.ACKNOWLEDGE)
        case AlertState.RESOLVED:
            return ()


def code_of(link: AnswerLink, key: bytes) -> str:
    """The last part of the link's address."""
    return base64.urlsafe_b64encode(link.nonce + _digest(link, key)).rstrip(b"=").decode()


def nonce_of(code: str) -> bytes | None:
    """The part of a code by which its link is found; None for what cannot be a code."""
    if len(code) != CODE_LENGTH or not code.isascii():
        return None
    try:
        content = base64.b64decode(f"{code}=", altchars=b"-_", validate=True)
    except binascii.Error:
        return None
    # More than one text decodes to the same bytes; only one of them is the code.
    is_plain = base64.urlsafe_b64encode(content).rstrip(b"=").decode() == code
    return content[:NONCE_BYTES] if is_plain and len(content) == NONCE_BYTES + _DIGEST_BYTES else None


def is_code_of(code: str, link: AnswerLink, key: bytes) -> bool:
    """Whether the code is this link's own, in a time that does not tell how much of it is right."""
    return hmac.compare_digest(code.encode(), code_of(link, key).encode())


def _digest(link: AnswerLink, key: bytes) -> bytes:
    bound = (
        link.nonce.hex(),
        link.delivery,
        link.alert,
        link.recipient,
        link.facility,
        ",".join(link.actions),
        str(int(link.expires_at.timestamp())),
    )
    return hmac.digest(key, "\x1f".join(bound).encode(), "sha256")[:_DIGEST_BYTES]
