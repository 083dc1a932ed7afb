"""Receipts in the table of deliveries on PostgreSQL."""

from collections.abc import Sequence
from datetime import timedelta

from services.notification.application.channels import Report
from services.notification.application.receipt_table import AwaitedReceipt
from services.notification.domain.delivery import RECEIPT_DELAYS
from services.shared.database.pool import Database
from services.shared.database.sql_blocks import load_blocks

_SQL = load_blocks("services.notification.adapters.sql", "receipts.sql")


class StoredReceipts:
    """Implements `ReceiptTable`."""

    def __init__(self, database: Database, *, delays: tuple[timedelta, ...] = RECEIPT_DELAYS) -> None:
        self._database = database
        self._delays = list(delays)

    async def claim_receipts(self, channels: Sequence[str], *, limit: int) -> Sequence[AwaitedReceipt]:
        rows = await self._database.fetch(_SQL["claim_receipts"], list(channels), limit, self._delays)
        return [AwaitedReceipt(**{**dict(row), "id": str(row["id"])}) for row in rows]

    async def reported(self, awaited: AwaitedReceipt, report: Report) -> None:
        if report.failure:
            await self._database.execute(_SQL["end_undelivered"], awaited.id, report.failure)
        else:
            await self._database.execute(_SQL["note_receipt"], awaited.id, report.state.value)
