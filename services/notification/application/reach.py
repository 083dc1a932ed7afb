"""Who is reached beside the board, by the channels that the site has: as messages are planned."""

from collections.abc import Iterable, Mapping

from services.notification.application.channels import SiteChannel
from services.notification.application.contact_points import ContactPoints, ContactsUnreadable
from services.notification.domain.values import EscalationStep, Recipient
from services.notification.domain.without_board import named_channels


class Reach:
    """Raises DependencyDown when the store is away."""

    def __init__(self, contacts: ContactPoints, channels: Mapping[str, SiteChannel]) -> None:
        self._contacts = contacts
        self._channels = channels
        self._kinds = {each.contact for each in channels.values() if each.contact is not None}
        self._is_for_everybody = any(each.traits.for_everybody for each in channels.values())

    async def of(self, escalation: Iterable[EscalationStep]) -> frozenset[str]:
        """The users of an escalation whom a message reaches that is no board's."""
        people = {each.user: each for step in escalation for each in step.recipients}
        return frozenset([user for user, each in people.items() if await self._is_reached(each)])

    async def _is_reached(self, recipient: Recipient) -> bool:
        if recipient.channels:
            return not named_channels(recipient).isdisjoint(self._channels)
        if self._is_for_everybody:
            return True
        if not self._kinds:
            return False
        try:
            points = await self._contacts.of(recipient.user)
        except ContactsUnreadable:
            # What cannot be read now cannot be written to either.
            return False
        return any(point.kind in self._kinds for point in points)
