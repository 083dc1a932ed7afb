"""Asking for receipts: one vendor's fault is no other's, and nothing is told that nobody said."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from services.notification.application.ask_receipts import ReceiptDesk
from services.notification.application.channels import ChannelRefused, Report, SentMessage
from services.notification.application.receipt_table import AwaitedReceipt
from services.notification.domain.contact_values import ContactKind
from services.notification.domain.delivery import ChannelDeliveryState
from services.notification.entrypoints.receipt_worker import ReceiptWorker
from services.shared.kernel.refusals import DependencyDown
from tests.unit.notification.reaching import PHONE, Books, site
from tests.unit.notification.scenario import NOW

DELIVERED = Report(state=ChannelDeliveryState.DELIVERED)
FAILED = Report(failure="NOT_DELIVERED X")


class Vendor:
    """Says this of whatever it is asked; a fault of its own is raised."""

    def __init__(self, says: Report | Exception | None, *, slow: bool = False) -> None:
        self.says, self.slow = says, slow
        self.asked: list[SentMessage] = []

    async def report(self, sent: SentMessage) -> Report | None:
        self.asked.append(sent)
        if self.slow:
            await asyncio.sleep(60)
        if isinstance(self.says, Exception):
            raise self.says
        return self.says


class Table:
    """Gives out each receipt once, and keeps what was reported."""

    def __init__(self, *channels: str) -> None:
        self.due = [awaited(channel) for channel in channels]
        self.reports: dict[str, Report] = {}
        self.is_down = False

    async def claim_receipts(self, channels: Sequence[str], *, limit: int) -> Sequence[AwaitedReceipt]:
        if self.is_down:
            raise DependencyDown("postgresql", "away")
        given = [each for each in self.due if each.channel in channels]
        self.due = [each for each in self.due if each not in given]
        return given

    async def reported(self, awaited: AwaitedReceipt, report: Report) -> None:
        self.reports[awaited.channel] = report


def awaited(channel: str, recipient: str = "dr-li") -> AwaitedReceipt:
    return AwaitedReceipt(
        id=f"d-{channel}",
        alert="alerts/1",
        recipient=recipient,
        channel=channel,
        reference="biz",
        sent_at=NOW,
        asked=1,
    )


def desk(table: Table, counted: list[tuple[str, str]] | None = None, **vendors: Any) -> ReceiptDesk:
    channels = {
        name: site(name, contact=ContactKind.SMS, receipts=vendor, timeout_s=0.05)
        for name, vendor in vendors.items()
    }
    told = counted if counted is not None else []
    return ReceiptDesk(
        table=table,
        contacts=Books(dr_li=(PHONE,), dr_torn=None),
        channels=channels,
        counted=lambda channel, outcome: told.append((channel, outcome)),
    )


async def test_what_each_vendor_says_is_kept_whatever_the_others_do() -> None:
    table, counted = Table("good", "bad", "slow", "waits", "lost"), []
    vendors = {
        "good": Vendor(DELIVERED),
        "bad": Vendor(ChannelRefused("isv.DENIED")),
        "slow": Vendor(DELIVERED, slow=True),
        "waits": Vendor(None),
        "lost": Vendor(FAILED),
    }
    assert await desk(table, counted, **vendors).ask_some() == 5
    assert table.reports == {"good": DELIVERED, "lost": FAILED}
    assert sorted(counted) == [
        ("bad", "receipt_refused"),
        ("good", "delivered"),
        ("lost", "undelivered"),
        ("slow", "receipt_refused"),
    ]
    assert [each.address for each in vendors["good"].asked] == [PHONE.address]


async def test_of_a_person_whose_address_cannot_be_read_nothing_is_asked() -> None:
    table, vendor = Table(), Vendor(DELIVERED)
    table.due = [replace(awaited("sms", "dr-torn"), id="d-1")]
    assert await desk(table, sms=vendor).ask_some() == 1
    assert not vendor.asked
    assert table.reports == {}


async def test_a_channel_that_says_it_all_at_once_is_never_asked() -> None:
    table = Table("robot")
    only_robot = desk(table, robot=None)
    assert not only_robot.is_needed
    worker = ReceiptWorker(only_robot)
    running = asyncio.create_task(worker.run())
    await asyncio.sleep(0)
    await worker.stop()
    await asyncio.wait_for(running, 1)
    assert table.due


async def test_the_worker_outlives_an_outage() -> None:
    table = Table("sms")
    table.is_down = True
    worker = ReceiptWorker(desk(table, sms=Vendor(DELIVERED)), every_s=0.01)
    running = asyncio.create_task(worker.run())
    await asyncio.sleep(0.05)
    assert table.reports == {}
    table.is_down = False
    for _ in range(100):
        if table.reports:
            break
        await asyncio.sleep(0.02)
    assert table.reports == {"sms": DELIVERED}
    await worker.stop()
    await asyncio.wait_for(running, 1)
