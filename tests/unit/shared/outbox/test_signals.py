"""At most one NOTIFY is under way, and what is appended meanwhile shares the next."""

import asyncio

from services.shared.eventstore.postgres_store import shard_of
from services.shared.eventstore.units import AppendUnit, OutboxMessage
from services.shared.kernel.refusals import DependencyDown
from services.shared.outbox.signals import CoalescedNotifier
from tests.doubles.parcel import NOW


class Channel:
    """Counts the notifications, and lets them through when told to."""

    def __init__(self) -> None:
        self.payloads: list[str] = []
        self.under_way = 0
        self.most_under_way = 0
        self.open = asyncio.Event()
        self.is_down = False

    async def fetch_row(self, statement: str, channel: str, payload: str) -> None:
        self.payloads.append(payload)
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        await self.open.wait()
        self.under_way -= 1
        if self.is_down:
            raise DependencyDown("postgresql", "down")


def _unit(key: str) -> AppendUnit:
    message = OutboxMessage(
        topic="t", key=key, value=b"", event_id="e", type="T", recorded_at=NOW, traceparent="", version=1
    )
    return AppendUnit(messages=(message,))


def _notifier(channel: Channel, **options: object) -> CoalescedNotifier:
    return CoalescedNotifier(channel, pause_s=0.0, **options)  # type: ignore[arg-type]


async def test_a_hundred_appends_share_two_notifications() -> None:
    channel = Channel()
    notifier = _notifier(channel)
    notifier.appended((_unit("k0"),))
    await asyncio.sleep(0)
    for number in range(1, 100):
        notifier.appended((_unit(f"k{number}"),))
    channel.open.set()
    await notifier.stop()
    assert channel.most_under_way == 1
    first, second = channel.payloads
    assert first == str(shard_of("k0"))
    assert {int(shard) for shard in second.split(",")} == {shard_of(f"k{number}") for number in range(1, 100)}


async def test_nothing_is_sent_without_messages_or_for_shards_held_here() -> None:
    channel = Channel()
    woken: list[frozenset[int]] = []

    def wake(shards: frozenset[int]) -> frozenset[int]:
        woken.append(shards)
        return frozenset()

    notifier = _notifier(channel, wake=wake)
    notifier.appended((AppendUnit(),))
    assert woken == []
    notifier.appended((_unit("k"),))
    await notifier.stop()
    assert woken == [frozenset({shard_of("k")})]
    assert channel.payloads == []


async def test_a_notification_that_fails_hinders_no_later_one() -> None:
    channel = Channel()
    channel.open.set()
    channel.is_down = True
    notifier = _notifier(channel)
    notifier.appended((_unit("k"),))
    await notifier.stop()
    channel.is_down = False
    notifier.appended((_unit("k"),))
    await notifier.stop()
    assert len(channel.payloads) == 2
