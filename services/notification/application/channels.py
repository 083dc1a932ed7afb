"""What the service needs of a channel: one interface for all, and what is sent and answered."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from services.notification.domain.contact_values import ContactKind
from services.notification.domain.delivery import ChannelDeliveryState, RetryPolicy
from services.notification.domain.message import Message
from services.notification.domain.reach import ChannelTraits


@dataclass(frozen=True, kw_only=True, slots=True)
class Parcel:
    """One message to one recipient, ready to send."""

    #: UUID: the same however often the message is sent again
    idempotency_key: str
    #: tries that were refused for certain; another one is a new message to a vendor that remembers keys
    refused_before: int
    recipient: str
    #: empty for a channel that needs none
    address: str = field(repr=False)
    secret: str = field(default="", repr=False)
    message: Message


@dataclass(frozen=True, kw_only=True, slots=True)
class Receipt:
    """What a channel says of a message that it took."""

    state: ChannelDeliveryState = ChannelDeliveryState.SENT
    #: the vendor's name for the message
    reference: str = ""


class ChannelRefused(Exception):
    """The message was not taken. The text is for the record: no address, no secret."""

    def __init__(
        self,
        detail: str,
        *,
        is_final: bool = False,
        is_unknown: bool = False,
        is_recipients: bool = False,
    ) -> None:
        """`is_final`: another try would end alike. `is_unknown`: it may have been taken all the same.
        `is_recipients`: the fault is the recipient's address, not the channel's.
        """
        super().__init__(detail)
        self.detail = detail
        self.is_final = is_final
        self.is_unknown = is_unknown
        self.is_recipients = is_recipients


class Channel(Protocol):
    """One way to send. `send` returns or raises ChannelRefused within the channel's timeout."""

    async def send(self, parcel: Parcel) -> Receipt: ...

    async def close(self) -> None: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class SentMessage:
    """A message that a vendor took, to be asked for."""

    #: as it was sent with: the vendor has it too
    id: str
    #: the vendor's name for it; empty where its answer was lost
    reference: str
    address: str = field(repr=False)
    sent_at: datetime
    #: this time, from 1
    asked: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """What a vendor says became of a message."""

    state: ChannelDeliveryState = ChannelDeliveryState.SENT
    #: why it reached nobody, and will not; empty where it did
    failure: str = ""


class Receipts(Protocol):
    """What a vendor knows of messages that it took."""

    async def report(self, sent: SentMessage) -> Report | None:
        """None while the vendor does not know. Raises ChannelRefused where it does not say."""
        ...


@dataclass(frozen=True, kw_only=True)
class SiteChannel:
    """A channel as the site configured it."""

    traits: ChannelTraits
    channel: Channel
    #: kind of contact point whose address it needs; None when it needs none
    contact: ContactKind | None
    #: what it carries comes to the recipient and nobody else: it may carry a link that answers as them
    is_personal: bool = False
    #: messages on their way at once
    concurrency: int = 4
    timeout_s: float = 10.0
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    #: of a recipient who chose none
    language: str = "zh"
    #: None where the channel says all it knows at once
    receipts: Receipts | None = None

    @property
    def name(self) -> str:
        return self.traits.name
