"""Asks the vendors what became of messages that they took: a message that nobody got is no message."""

import asyncio
from collections.abc import Callable, Mapping

import structlog

from services.notification.application.channels import ChannelRefused, SentMessage, SiteChannel
from services.notification.application.contact_points import ContactPoints, ContactsUnreadable
from services.notification.application.receipt_table import AwaitedReceipt, ReceiptTable

_log = structlog.get_logger(__name__)

#: Told of what was reported: channel, outcome.
Counted = Callable[[str, str], None]

#: Asked for at a time.
_ASKED_MAX = 20


class ReceiptDesk:
    """Raises DependencyDown when the database is away: what was asked for is asked for again, later."""

    def __init__(
        self,
        *,
        table: ReceiptTable,
        contacts: ContactPoints,
        channels: Mapping[str, SiteChannel],
        counted: Counted,
    ) -> None:
        self._table = table
        self._contacts = contacts
        self._channels = {name: site for name, site in channels.items() if site.receipts is not None}
        self._counted = counted

    @property
    def is_needed(self) -> bool:
        """Whether any channel of the site reports what became of its messages."""
        return bool(self._channels)

    async def ask_some(self) -> int:
        """Asks for what is due, at most so much; returns how many. One vendor's fault is no other's."""
        due = await self._table.claim_receipts(tuple(self._channels), limit=_ASKED_MAX)
        await asyncio.gather(*(self._ask(each) for each in due))
        return len(due)

    async def _ask(self, awaited: AwaitedReceipt) -> None:
        site = self._channels[awaited.channel]
        assert site.receipts is not None
        try:
            address = await self._address(awaited, site)
            sent = SentMessage(
                id=awaited.id,
                reference=awaited.reference,
                address=address,
                sent_at=awaited.sent_at,
                asked=awaited.asked,
            )
            async with asyncio.timeout(site.timeout_s):
                report = await site.receipts.report(sent)
        except (ChannelRefused, TimeoutError) as error:
            detail = error.detail if isinstance(error, ChannelRefused) else "TIMEOUT"
            self._counted(awaited.channel, "receipt_refused")
            _log.warning("receipt_refused", channel=awaited.channel, delivery=awaited.id, detail=detail)
            return
        except ContactsUnreadable:
            return
        if report is None:
            return
        if report.failure:
            self._counted(awaited.channel, "undelivered")
            _log.warning(
                "message_not_delivered",
                channel=awaited.channel,
                delivery=awaited.id,
                alert=awaited.alert,
                detail=report.failure,
            )
        else:
            self._counted(awaited.channel, report.state.value.lower())
        await self._table.reported(awaited, report)

    async def _address(self, awaited: AwaitedReceipt, site: SiteChannel) -> str:
        """The person's address as it is now; the vendor finds nothing by another than it was sent to."""
        points = await self._contacts.of(awaited.recipient)
        return next((point.address for point in points if point.kind is site.contact), "")
