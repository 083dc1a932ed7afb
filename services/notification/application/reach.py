"""Who is reached beside the board, by the channels and the contact points that there are now."""

from collections.abc import Iterable, Mapping

import structlog

from services.notification.application.channels import SiteChannel
from services.notification.application.contact_points import ContactPoints, ContactsUnreadable
from services.notification.domain.reach import ChannelTraits, Way, is_reached, ways
from services.notification.domain.values import EscalationStep, Recipient, Severity

_log = structlog.get_logger(__name__)


class Reach:
    """Raises DependencyDown when the store is away."""

    def __init__(self, contacts: ContactPoints, channels: Mapping[str, SiteChannel]) -> None:
        self._contacts = contacts
        self._channels = channels
        #: of the site's channels, by name
        self.traits: Mapping[str, ChannelTraits] = {name: each.traits for name, each in channels.items()}

    async def of(
        self, escalation: Iterable[EscalationStep], severity: Severity, *, silent: str = ""
    ) -> frozenset[str]:
        """The users of an escalation to whom a message about such an alert comes that is no board's.

        `silent` is the channel whose silence the alert is about.
        """
        found: list[str] = []
        for user, each in {each.user: each for step in escalation for each in step.recipients}.items():
            own = await self.own(user)
            if is_reached(each.channels, channels=self.traits, own=own, severity=severity, silent=silent):
                found.append(user)
        return frozenset(found)

    async def reaches(self, recipient: Recipient) -> bool:
        """Whether any message that is no board's can come to somebody, of whichever severity."""
        own = await self.own(recipient.user)
        return is_reached(recipient.channels, channels=self.traits, own=own)

    async def ways(self, recipient: Recipient, severity: Severity) -> tuple[Way, ...]:
        """By what somebody is called about an alert of a severity, and what hinders it."""
        own = await self.own(recipient.user)
        return ways(recipient.channels, channels=self.traits, own=own, severity=severity)

    async def own(self, user: str) -> tuple[str, ...] | None:
        """The site's channels that the person has an address for; None where that cannot be read."""
        try:
            kinds = {point.kind for point in await self._contacts.of(user)}
        except ContactsUnreadable:
            # One person's book must not keep the others from being called.
            _log.error("contact_points_unreadable", user=user)
            return None
        return tuple(name for name, channel in self._channels.items() if channel.contact in kinds)
