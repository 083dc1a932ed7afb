"""The worker that asks the vendors for receipts, beside those of other processes."""

from services.notification.application.ask_receipts import ReceiptDesk
from services.shared.loops.recurring import Recurring


class ReceiptWorker(Recurring):
    """Works until stopped. Outlives outages of PostgreSQL and of vendors."""

    def __init__(self, desk: ReceiptDesk, *, every_s: float = 5.0) -> None:
        super().__init__(interval_s=every_s, undone="receipts_not_asked")
        self._desk = desk

    async def run(self) -> None:
        """Returns when it is stopped; where nothing is ever asked for, that is all it waits for."""
        if self._desk.is_needed:
            await super().run()
            return
        with self._stopping.running():
            await self._stopping.told.wait()

    async def round(self) -> bool:
        """Whether there may be more to ask for at once. Raises DependencyDown."""
        return await self._desk.ask_some() > 0
