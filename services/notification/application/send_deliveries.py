"""Sends one message that is due, and writes down what became of it."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import structlog

from services.notification.application.aggregates import Aggregates
from services.notification.application.answer_links import Link, Links
from services.notification.application.channels import (
    ChannelRefused,
    Parcel,
    SiteChannel,
)
from services.notification.application.contact_points import ContactPoints, ContactsUnreadable
from services.notification.application.copies import KnownDirectory
from services.notification.application.delivery_table import DeliveryTable, DueDelivery
from services.notification.domain.alert_state import Alert
from services.notification.domain.contact_values import Language, reachable
from services.notification.domain.delivery import is_needed
from services.notification.domain.message import compose
from services.shared.eventstore.runner import CommandRunner

_log = structlog.get_logger(__name__)

#: Told what became of an attempt: channel, outcome.
Counted = Callable[[str, str], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Reach:
    """How one person is reached now."""

    address: str = field(repr=False)
    secret: str = field(repr=False)
    language: str


class DeliverySender:
    """Raises DependencyDown when the database is away: the message is then sent again, under the same key."""

    def __init__(
        self,
        *,
        runner: CommandRunner,
        kinds: Aggregates,
        table: DeliveryTable,
        contacts: ContactPoints,
        directory: KnownDirectory,
        channels: Mapping[str, SiteChannel],
        links: Links,
        now: Callable[[], datetime],
        counted: Counted,
    ) -> None:
        self._runner = runner
        self._kinds = kinds
        self._table = table
        self._contacts = contacts
        self._directory = directory
        self._channels = channels
        self._links = links
        self._now = now
        self._counted = counted

    async def send(self, due: DueDelivery) -> str:
        """One attempt; returns what became of it, as it is counted.

        Between the channel's answer and the record a crash repeats it with the same key.
        """
        site = self._channels[due.channel]
        alert = (await self._runner.read(self._kinds.alert, due.alert)).state
        why_not = "GONE" if alert is None else is_needed(alert, due.recipient, due.called_at, self._now())
        if alert is None or why_not:
            self._counted(due.channel, "cancelled")
            await self._table.needless(due, why_not)
            return "cancelled"
        try:
            parcel = await self._parcel(due, site, alert, await self._reach(due, site, alert))
            async with asyncio.timeout(site.timeout_s):
                receipt = await site.channel.send(parcel)
        except TimeoutError:
            return await self._failed(due, site, ChannelRefused("TIMEOUT", is_unknown=True))
        except ChannelRefused as refused:
            return await self._failed(due, site, refused)
        self._counted(due.channel, "sent")
        await self._table.sent(due, receipt.state, receipt.reference)
        return "sent"

    async def _reach(self, due: DueDelivery, site: SiteChannel, alert: Alert) -> _Reach:
        """Raises ChannelRefused where there is no address, or it is to be left alone now."""
        if site.traits.is_shared:
            return _Reach(address="", secret="", language=site.language)
        try:
            points = await self._contacts.of(due.recipient)
        except ContactsUnreadable as error:
            if site.contact is None:
                # Only the language is not known.
                return _Reach(address="", secret="", language=site.language)
            raise ChannelRefused("CONTACT_POINTS_UNREADABLE", is_recipients=True) from error
        spoken = next((point.language for point in points if point.language), None)
        if site.contact is None:
            return _Reach(address="", secret="", language=_language(spoken, site))
        own = tuple(point for point in points if point.kind is site.contact)
        if not own:
            raise ChannelRefused("NO_CONTACT_POINT", is_final=True, is_recipients=True)
        found = next(iter(reachable(own, urgency=alert.urgency, at=self._now())), None)
        if found is None:
            raise ChannelRefused("QUIET_HOURS", is_final=True, is_recipients=True)
        return _Reach(
            address=found.address, secret=found.secret, language=_language(found.language or spoken, site)
        )

    async def _parcel(self, due: DueDelivery, site: SiteChannel, alert: Alert, reach: _Reach) -> Parcel:
        # A link is the recipient's own word: it goes where nobody else reads it, and nowhere else.
        link = Link()
        if site.is_personal:
            link = await self._links.link_for(due, alert, language=reach.language)
        message = compose(
            alert,
            self._directory.current(),
            language=reach.language,
            now=self._now(),
            link=link.url,
            code=link.code,
        )
        return Parcel(
            idempotency_key=due.id,
            refused_before=due.refused_before,
            recipient=due.recipient,
            address=reach.address,
            secret=reach.secret,
            message=message,
        )

    async def _failed(self, due: DueDelivery, site: SiteChannel, refused: ChannelRefused) -> str:
        again_in_s = None if refused.is_final else site.retry.delay_s(due.attempt)
        outcome = "dead" if again_in_s is None else "failed"
        self._counted(due.channel, outcome)
        log = _log.error if again_in_s is None else _log.warning
        log(
            "delivery_failed",
            channel=due.channel,
            delivery=due.id,
            alert=due.alert,
            attempt=due.attempt,
            detail=refused.detail,
        )
        await self._table.failed(
            due,
            refused.detail,
            again_in_s=again_in_s,
            is_unknown=refused.is_unknown,
            counts=not refused.is_recipients,
        )
        return outcome


def _language(chosen: Language | None, site: SiteChannel) -> str:
    return site.language if chosen is None else chosen.value.lower()
