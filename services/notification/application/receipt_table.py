"""What asking for receipts needs of the table of deliveries. Raises DependencyDown when it is away."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from services.notification.application.channels import Report


@dataclass(frozen=True, kw_only=True, slots=True)
class AwaitedReceipt:
    """A message that a vendor took, and whose receipt is due to be asked for."""

    id: str
    alert: str
    recipient: str
    channel: str
    #: the vendor's name for the message
    reference: str
    sent_at: datetime
    #: this time, from 1
    asked: int


class ReceiptTable(Protocol):
    """Durable: each message is asked for a bounded number of times, further apart each time."""

    async def claim_receipts(self, channels: Sequence[str], *, limit: int) -> Sequence[AwaitedReceipt]:
        """Those that are due. When each is asked for next is written down before it is asked."""
        ...

    async def reported(self, awaited: AwaitedReceipt, report: Report) -> None:
        """How far it came. What has come further since stays."""
        ...
