"""One event as the fold of a page takes it: what it says, without the message that said it."""

from dataclasses import dataclass

from services.operator.replay_page.story import ReferralStands, WardCounts
from services.shared.kernel.text import BilingualText

NOTHING = BilingualText(zh="", en="")


@dataclass(frozen=True, kw_only=True, slots=True)
class OfReferral:
    """What a referral's event says of it."""

    stands: ReferralStands
    episode: str
    urgency: str
    pathway: str
    direction: str
    green_channel: str
    #: when the patient is expected from now on; None where the event does not say
    expected_at: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class OfConsultation:
    """What a consultation's event says of it."""

    #: None where the event leaves it as it was
    state: str | None
    requester: str
    centre: str


@dataclass(frozen=True, kw_only=True, slots=True)
class OfWard:
    """What a ward's event says of it."""

    counts: WardCounts
    facility: str
    bed_type: str
    #: None where the event does not describe the ward
    name: BilingualText | None
    #: the referral that it happened for; empty for none
    referral: str


@dataclass(frozen=True, kw_only=True, slots=True)
class OfAlert:
    """What an alert's event says of it."""

    #: None where the event leaves it as it was
    state: str | None
    #: the rest only of the event that triggered it
    facility: str = ""
    severity: str = ""
    title: BilingualText = NOTHING
    is_drill: bool = False
    subject: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Happening:
    """One event."""

    aggregate: str
    version: int
    type: str
    #: by the clock that the page goes by
    at: int
    recorded_at: int
    facility: str
    case: str
    detail: str
    #: every facility and episode that it names
    facilities: frozenset[str]
    episodes: frozenset[str]
    of: OfReferral | OfConsultation | OfWard | OfAlert | None
    #: it describes something and happened to nobody: no line of the timeline
    is_description: bool = False
