"""Where one service's checkpoints are kept, beside the chains that they speak of."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.shared.audit.back_dating import BACK_DATING_TOLERANCE, SignedMoment
from services.shared.audit.checkpoint import (
    Checkpoint,
    Head,
    Link,
    RecordedVersion,
    Statement,
    in_order,
    root_of,
)
from services.shared.database.pool import Database
from services.shared.database.sql_blocks import load_blocks
from services.shared.kernel.command import CommandContext
from services.shared.kernel.refusals import FailedRule, NotAllowed, RequestIdReused, StaleVersion
from services.shared.kernel.text import BilingualText

_SQL = load_blocks("services.shared.audit.sql", "checkpoints.sql")
_HEADS_PAGE = 5000
#: Lost aggregates that a refusal names; `tierlink audit verify --checkpoint` names them all.
_LOST_NAMED_MAX = 20

#: Signs a statement.
Sign = Callable[[Statement], Checkpoint]


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckpointOrder:
    """Who wants a checkpoint, and under which request."""

    context: CommandContext
    #: of the whole request: the same id with another one is refused
    digest: bytes
    #: whether what says it was recorded before the checkpoint that does not have it is signed all the same
    accept_back_dated: bool = False


class CheckpointStore:
    """The checkpoints of one service. Raises DependencyDown wherever the database is away."""

    def __init__(self, database: Database, service: str) -> None:
        self._database = database
        self._service = service

    async def make(self, order: CheckpointOrder, sign: Sign) -> Checkpoint:
        """Signs where all chains stand and keeps it, once for each request id.

        Nobody's command waits for it: it reads one snapshot. Raises RequestIdReused, StaleVersion, and
        NotAllowed when the store has lost what the checkpoint before knew, or has what it would have known
        were its moment true: no signature may cover that up.
        """
        async with (
            self._database.connection() as connection,
            connection.transaction(isolation="repeatable_read"),
        ):
            await connection.execute(_SQL["lock_checkpoints"])
            known = await connection.fetchrow(_SQL["checkpoint_by_request"], order.context.request_id)
            if known is not None:
                if known["digest"] != order.digest:
                    raise RequestIdReused(order.context.request_id)
                return self._checkpoint(known)
            latest = await connection.fetchrow(_SQL["list_checkpoints"], None, 1)
            await self._check(connection, order.context, latest["number"] if latest is not None else 0)
            if latest is not None and not order.accept_back_dated:
                await self._check_moments(connection, latest["number"], latest["made_at"])
            heads = [_head(row) for row in await connection.fetch(_SQL["present_heads"])]
            root = await asyncio.to_thread(lambda: root_of(in_order(heads)))
            checkpoint = sign(
                Statement(
                    service=self._service,
                    number=latest["number"] + 1 if latest is not None else 1,
                    made_by=order.context.actor.user,
                    occurred_at=order.context.occurred_at,
                    made_at=order.context.recorded_at,
                    tree_size=len(heads),
                    root=root,
                    previous_root=latest["root"] if latest is not None else b"",
                )
            )
            await self._keep(connection, order, checkpoint)
            return checkpoint

    async def _check(self, connection: Any, context: CommandContext, number: int) -> None:
        if context.expected_version is not None and context.expected_version != number:
            raise StaleVersion(resource_name="checkpoints", expected=context.expected_version, current=number)
        lost = [
            row["stream_id"] for row in await connection.fetch(_SQL["lost_heads"], number, _LOST_NAMED_MAX)
        ]
        if lost:
            names = ", ".join(lost)
            text = BilingualText(
                zh=f"与第 {number} 号存证不符：{names}", en=f"checkpoint {number} is contradicted by {names}"
            )
            rule = FailedRule(code="CHECKPOINT_CONTRADICTED", text=text)
            raise NotAllowed(
                state="CONTRADICTED", allowed_commands=(), failed_rules=(rule,), resource_name="checkpoints"
            )

    async def _check_moments(self, connection: Any, number: int, made_at: datetime) -> None:
        rows = await connection.fetch(
            _SQL["back_dated"], number, made_at - BACK_DATING_TOLERANCE, _LOST_NAMED_MAX
        )
        if rows:
            names = ", ".join(f"{row['stream_id']}@{row['version']}" for row in rows)
            text = BilingualText(
                zh=f"第 {number} 号存证之后写入、记录时间却早于它：{names}",
                en=f"written after checkpoint {number}, and recorded before it by its own word: {names}",
            )
            rule = FailedRule(code="BACK_DATED", text=text)
            raise NotAllowed(
                state="CONTRADICTED", allowed_commands=(), failed_rules=(rule,), resource_name="checkpoints"
            )

    async def _keep(self, connection: Any, order: CheckpointOrder, checkpoint: Checkpoint) -> None:
        statement = checkpoint.statement
        await connection.execute(
            _SQL["insert_checkpoint"],
            statement.number,
            order.context.request_id,
            order.digest,
            statement.made_by,
            statement.occurred_at,
            statement.made_at,
            statement.tree_size,
            statement.root,
            statement.previous_root,
            checkpoint.public_key,
            checkpoint.signature,
        )
        await connection.execute(_SQL["insert_heads"], statement.number)

    async def get(self, number: int) -> Checkpoint | None:
        """One by its number, None when there is no such one."""
        rows = await self._database.fetch_for_caller(_SQL["checkpoint"], number)
        return self._checkpoint(rows[0]) if rows else None

    async def latest(self, *, before: int | None, limit: int) -> tuple[Checkpoint, ...]:
        """The latest first; with `before`, those with smaller numbers."""
        rows = await self._database.fetch_for_caller(_SQL["list_checkpoints"], before, limit)
        return tuple(self._checkpoint(row) for row in rows)

    async def heads(self, number: int, *, after: str, limit: int) -> tuple[Head, ...]:
        """The heads of a checkpoint by id as the database sorts them."""
        rows = await self._database.fetch(_SQL["checkpoint_heads"], number, after, limit)
        return tuple(_head(row) for row in rows)

    async def all_heads(self, number: int) -> list[Head]:
        """All of them, in the tree's order."""
        found: list[Head] = []
        while True:
            after = found[-1].aggregate_id if found else ""
            page = await self.heads(number, after=after, limit=_HEADS_PAGE)
            found += page
            if len(page) < _HEADS_PAGE:
                return in_order(found)

    async def links(self, heads: Sequence[Head]) -> tuple[Link, ...]:
        """What the store has of these heads today."""
        rows = await self._database.fetch(
            _SQL["links"], [head.aggregate_id for head in heads], [head.version for head in heads]
        )
        return tuple(
            Link(aggregate_id=row["stream_id"], head_version=row["head_version"], hash=row["hash"])
            for row in rows
        )

    async def recorded_before(
        self, moment: datetime, *, aggregate_id: str, after: str, limit: int
    ) -> tuple[RecordedVersion, ...]:
        """Of each aggregate, or of one, the last version that says it was recorded before a moment.

        By id as the database sorts them, from the one that follows `after`.
        """
        rows = await self._database.fetch(_SQL["recorded_before"], moment, aggregate_id, after, limit)
        return tuple(
            RecordedVersion(
                aggregate_id=row["stream_id"], version=row["version"], recorded_at=row["recorded_at"]
            )
            for row in rows
        )

    async def signed_moments(self, stream_ids: Sequence[str]) -> Mapping[str, Sequence[SignedMoment]]:
        """What its checkpoints know of when events of these aggregates were written."""
        return await signed_moments(self._database.fetch, stream_ids)

    def _checkpoint(self, row: Any) -> Checkpoint:
        names = ("number", "made_by", "occurred_at", "made_at", "tree_size", "root", "previous_root")
        return Checkpoint(
            statement=Statement(service=self._service, **{name: row[name] for name in names}),
            public_key=row["public_key"],
            signature=row["signature"],
        )


async def signed_moments(
    fetch: Callable[..., Awaitable[Sequence[Any]]], stream_ids: Sequence[str]
) -> Mapping[str, Sequence[SignedMoment]]:
    """The same by a connection's `fetch`."""
    found: dict[str, list[SignedMoment]] = {}
    for row in await fetch(_SQL["signed_moments"], stream_ids):
        moment = SignedMoment(
            after_version=row["after_version"], number=row["number"], made_at=row["made_at"]
        )
        found.setdefault(row["stream_id"], []).append(moment)
    return found


def _head(row: Any) -> Head:
    return Head(aggregate_id=row["stream_id"], version=row["version"], head_hash=row["head_hash"])
