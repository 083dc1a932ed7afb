"""Who is reached beside the board: by what the site has, as messages are planned."""

from typing import Any, cast

import pytest

from services.notification.application.channels import Channel, SiteChannel
from services.notification.application.contact_points import ContactsUnreadable
from services.notification.application.reach import Reach
from services.notification.domain.contact_values import ContactKind
from services.notification.domain.delivery import ChannelTraits
from services.notification.domain.values import EscalationStep, Recipient, Severity


class Book:
    """What people have; one of them cannot be read."""

    async def of(self, user: str) -> Any:
        if user == "torn":
            raise ContactsUnreadable
        return [cast(Any, type("Point", (), {"kind": ContactKind.SMS}))] if user == "wang" else []


def channel(name: str, contact: ContactKind | None, *, for_everybody: bool = False) -> SiteChannel:
    traits = ChannelTraits(name=name, severities=frozenset(Severity), for_everybody=for_everybody)
    return SiteChannel(traits=traits, channel=cast(Channel, None), contact=contact)


STEP = EscalationStep(
    duty="duty",
    facility="jimsar-general",
    recipients=tuple(
        Recipient(user=user, name=user, channels=channels)
        for user, channels in (
            ("li", ("stream",)),
            ("wang", ()),
            ("zhao", ("sms",)),
            ("sun", ("pigeon",)),
            ("torn", ()),
        )
    ),
    repeat_s=120,
    rounds=2,
)
SMS = {"sms": channel("sms", ContactKind.SMS)}
ROBOT = {"group": channel("group", None, for_everybody=True)}


@pytest.mark.parametrize(
    ("channels", "reached"),
    [
        ({}, set()),
        (SMS, {"wang", "zhao"}),
        (ROBOT, {"wang", "torn"}),
        ({**SMS, **ROBOT}, {"wang", "zhao", "torn"}),
    ],
)
async def test_a_named_channel_counts_where_the_site_has_it_and_a_contact_point_where_none_is_named(
    channels: dict[str, SiteChannel], reached: set[str]
) -> None:
    assert await Reach(Book(), channels).of((STEP,)) == reached
