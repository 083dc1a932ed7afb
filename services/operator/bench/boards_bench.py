"""Boards: an alert on its way to many screens that one process serves."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from services.operator.bench.figures import Reading, Section
from services.operator.bench.life import PEOPLE
from services.operator.bench.plan import Plan
from services.operator.bench.stack import Platform
from services.operator.platform.given import variable
from services.operator.platform.service_process import ServiceProcess
from services.operator.rpc.people import TokenBook
from services.shared.kernel.text import BilingualText
from services.shared.rpc.channels import Addresses

BOARDS = "boards"
#: To the last of all boards.
LAST_MS_AT_MOST = 1000.0

_MODES = {
    "one_account": BilingualText(zh="同一账号", en="one account"),
    "own_accounts": BilingualText(zh="各自账号", en="an account each"),
}


class BoardsBench:
    """All boards are of one hospital, so that each shows each alert."""

    def __init__(self, platform: Platform, plan: Plan) -> None:
        self._platform = platform
        self._stack = platform.stack
        self._plan = plan

    async def measure(self) -> Section:
        """Raises BenchFailed, PlatformError."""
        readings: list[Reading] = []
        addresses = self._platform.addresses
        async with self._board(addresses) as board, self._stack.worker("boards") as worker:
            for mode, title in _MODES.items():
                self._plan.note(f"{BOARDS}: {self._plan.boards}, {title.en}")
                found = await worker.do(
                    "boards",
                    timeout_s=180,
                    board=board.ready.http,
                    referral=addresses.referral,
                    tokens=self._tokens(is_shared=mode == "one_account"),
                    origin=self._stack.tokens()["origin"],
                    alerts=self._plan.board_alerts,
                    seed=self._plan.seed + list(_MODES).index(mode),
                )
                readings += _readings(mode, title, found)
        return Section(
            key=BOARDS,
            title=BilingualText(zh="从命令到所有提醒屏", en="From a command to every board"),
            readings=tuple(readings),
        )

    def _tokens(self, *, is_shared: bool) -> list[str]:
        book = TokenBook(self._stack.key)
        person = PEOPLE["destination"]
        return [
            book.token(person if is_shared else replace(person, user=f"{person.user}-{number}"))
            for number in range(self._plan.boards)
        ]

    @asynccontextmanager
    async def _board(self, addresses: Addresses) -> AsyncIterator[ServiceProcess]:
        process = ServiceProcess(
            "board",
            folder=self._stack.folder / "services" / "boards-board",
            environment={
                **{variable(name, "ADDRESS"): at for name, at in addresses.by_service().items()},
                "TIERLINK_JWKS": str(self._stack.key_files.jwks),
                "TIERLINK_BOARD_STREAMS_MAX": str(self._plan.boards + 100),
                "TIERLINK_LOG_LEVEL": "WARNING",
            },
        )
        await asyncio.to_thread(process.start)
        try:
            yield process
        finally:
            await asyncio.to_thread(process.stop)


def _readings(mode: str, title: BilingualText, found: Mapping[str, Any]) -> list[Reading]:
    def reading(key: str, zh: str, en: str, at_most: float | None = None) -> Reading:
        return Reading(
            key=f"{mode}_{key}",
            title=BilingualText(zh=f"{title.zh}：{zh}", en=f"{title.en}: {en}"),
            unit="ms",
            value=float(found[key]),
            at_most=at_most,
        )

    return [
        Reading(
            key=f"{mode}_boards",
            title=BilingualText(zh=f"{title.zh}：提醒屏", en=f"{title.en}: boards"),
            unit="",
            value=float(found["boards"]),
        ),
        reading("board_ms_p50", "到一块屏 p50", "to a board, p50"),
        reading("last_ms_p50", "到最后一块屏 p50", "to the last board, p50"),
        reading("last_ms_worst", "到最后一块屏，最慢", "to the last board, the worst", LAST_MS_AT_MOST),
    ]
