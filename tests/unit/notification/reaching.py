"""Contact points and channels of tests."""

from typing import Any, cast

from services.notification.adapters.aggregate_codecs import build_aggregates
from services.notification.application.channels import SiteChannel
from services.notification.application.contact_points import ContactsUnreadable
from services.notification.domain.alert_state import alert_name
from services.notification.domain.contact_values import ContactKind, ContactPoint, Language
from services.notification.domain.reach import ChannelTraits
from services.notification.domain.values import Severity
from tests.unit.notification.scenario import (
    KEY,
)

NAME = alert_name(KEY, None)
KINDS = build_aggregates()
PHONE = ContactPoint(kind=ContactKind.SMS, address="+8613900000001", language=Language.EN)


def site(
    name: str,
    *,
    contact: ContactKind | None = None,
    shared: bool = False,
    severities: frozenset[Severity] = frozenset(Severity),
    **more: Any,
) -> SiteChannel:
    traits = ChannelTraits(
        name=name,
        severities=severities,
        is_shared=shared,
        for_everybody=shared,
        needs_address=contact is not None,
    )
    return SiteChannel(traits=traits, channel=cast(Any, None), contact=contact, **more)


SMS = site("sms", contact=ContactKind.SMS, is_personal=True)
ROBOT = site("robot", shared=True)


class Books:
    """Contact points by person; a book of None cannot be read, and a fault is a fault of the program."""

    def __init__(self, **books: tuple[ContactPoint, ...] | None) -> None:
        self.books = books
        self.is_faulty = False

    async def of(self, user: str) -> tuple[ContactPoint, ...]:
        if self.is_faulty:
            raise RuntimeError("a fault of the program")
        found = self.books.get(user.replace("-", "_"), ())
        if found is None:
            raise ContactsUnreadable("no key")
        return found
