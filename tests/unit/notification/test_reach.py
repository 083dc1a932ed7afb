"""Who is reached beside the board, by what, and why not."""

from dataclasses import replace

import pytest

from services.notification.application.channels import SiteChannel
from services.notification.application.reach import Reach
from services.notification.domain.delivery import plan, plan_shared
from services.notification.domain.reach import ChannelTraits, ReachHindrance, Way, is_reached, ways
from services.notification.domain.values import EscalationStep, Recipient, Severity
from tests.unit.notification.reaching import PHONE, ROBOT, SMS, Books
from tests.unit.notification.scenario import TRIGGERED, Given

LOUD = frozenset({Severity.CRITICAL, Severity.HIGH})
CHANNELS = {
    "sms": ChannelTraits(name="sms", severities=LOUD, needs_address=True),
    "robot": ChannelTraits(name="robot", severities=LOUD, for_everybody=True, is_shared=True),
    "paging": ChannelTraits(name="paging", severities=frozenset(Severity), for_everybody=True),
}


@pytest.mark.parametrize(
    ("named", "own", "expected"),
    [
        ((), (), [Way(channel="robot", hindrance=None), Way(channel="paging", hindrance=None)]),
        ((), None, [Way(channel="robot", hindrance=None), Way(channel="paging", hindrance=None)]),
        (("sms",), ("sms",), [Way(channel="sms", hindrance=None)]),
        (("sms",), (), [Way(channel="sms", hindrance=ReachHindrance.NO_CONTACT_POINT)]),
        (("sms",), None, [Way(channel="sms", hindrance=ReachHindrance.CONTACT_POINTS_UNREADABLE)]),
        (("pigeon",), ("sms",), [Way(channel="pigeon", hindrance=ReachHindrance.NO_SUCH_CHANNEL)]),
        (("stream", "board"), ("sms",), []),
        (("board", "robot", "robot"), (), [Way(channel="robot", hindrance=None)]),
    ],
)
def test_a_way_is_open_or_says_why_not(
    named: tuple[str, ...], own: tuple[str, ...] | None, expected: list[Way]
) -> None:
    assert list(ways(named, channels=CHANNELS, own=own)) == expected


def test_who_names_none_is_called_by_their_own_contact_points_first() -> None:
    found = ways((), channels=CHANNELS, own=("sms", "gone"))
    assert [way.channel for way in found] == ["sms", "robot", "paging"]


def test_a_channel_that_is_off_for_the_severity_brings_nothing() -> None:
    found = ways(("sms",), channels=CHANNELS, own=("sms",), severity=Severity.INFORMATION)
    assert found == (Way(channel="sms", hindrance=ReachHindrance.NOT_FOR_SEVERITY),)
    assert is_reached(("sms",), channels=CHANNELS, own=("sms",), severity=Severity.HIGH)
    assert not is_reached(("sms",), channels=CHANNELS, own=("sms",), severity=Severity.INFORMATION)


def test_the_channel_that_is_silent_reaches_nobody_of_its_own_alarm() -> None:
    found = ways(("sms",), channels=CHANNELS, own=("sms",), silent="sms")
    assert found == (Way(channel="sms", hindrance=ReachHindrance.CHANNEL_SILENT),)
    assert not is_reached(("sms",), channels=CHANNELS, own=("sms",), silent="sms")


@pytest.mark.parametrize("severity", [Severity.CRITICAL, Severity.INFORMATION])
@pytest.mark.parametrize("own", [(), ("sms",), None])
@pytest.mark.parametrize(
    "named",
    [(), ("sms",), ("robot",), ("paging",), ("pigeon",), ("stream",), ("sms", "stream")],
)
def test_whoever_is_reached_gets_a_message_and_nobody_else(
    named: tuple[str, ...], own: tuple[str, ...] | None, severity: Severity
) -> None:
    """What planning sends and what escalation believes cannot differ."""
    alert = replace(Given(None).and_then(TRIGGERED).state, severity=severity)
    call = replace(TRIGGERED.calls[0], channels=named)
    sent = [
        *plan_shared(alert, (call,), channels=CHANNELS),
        *(each for each in plan(alert, call, channels=CHANNELS, own=own) if not each.refusal),
    ]
    # An address that cannot be read now may be read when it is sent to; nobody counts on it.
    hoped_for = own is None and "sms" in named
    reached = is_reached(named, channels=CHANNELS, own=own, severity=severity)
    assert reached == (bool(sent) and not hoped_for)


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
            ("qian", ("sms",)),
        )
    ),
    repeat_s=120,
    rounds=2,
)


@pytest.mark.parametrize(
    ("channels", "reached"),
    [
        ((), set()),
        ((SMS,), {"wang", "qian"}),
        ((ROBOT,), {"wang", "torn"}),
        ((SMS, ROBOT), {"wang", "torn", "qian"}),
    ],
)
async def test_a_named_channel_needs_the_address_as_much_as_one_that_nobody_named(
    channels: tuple[SiteChannel, ...], reached: set[str]
) -> None:
    books = Books(wang=(PHONE,), torn=None, qian=(PHONE,))
    assert await Reach(books, {each.name: each for each in channels}).of((STEP,), Severity.HIGH) == reached


async def test_the_alarm_of_a_silent_channel_counts_on_no_message_by_it() -> None:
    reach = Reach(Books(wang=(PHONE,), qian=(PHONE,)), {"sms": SMS})
    assert await reach.of((STEP,), Severity.HIGH, silent="sms") == set()
