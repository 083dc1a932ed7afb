"""The projections of aggregates and how far a pass over them has come, in PostgreSQL."""

from collections.abc import Sequence
from hashlib import sha256

import orjson

from services.referral.application.aggregates import Aggregates
from services.referral.application.renew_projections import Pass, Projected, ProjectionRenewal
from services.referral.domain.clocks_targets import ClockTargets
from services.shared.database.pool import Database
from services.shared.database.sql_blocks import load_blocks
from services.shared.eventstore.runner import CommandRunner
from services.shared.eventstore.store import EventStore

_SQL = load_blocks("services.referral.adapters.sql", "projections.sql")
_NAME = "projections"

#: Raised by one when facets or readings are made otherwise, or a deadline is new: a pass then renews what was
#: written before.
_MADE = 3


class PostgresProjections:
    """Implements `Projections`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def progress(self) -> Pass | None:
        row = await self._database.fetch_row(_SQL["read_pass"], _NAME)
        if row is None:
            return None
        return Pass(
            made_by=row["made_by"], after=row["after_stream_id"], is_finished=row["finished_at"] is not None
        )

    async def keep(self, progress: Pass) -> None:
        await self._database.execute(
            _SQL["keep_pass"], _NAME, progress.made_by, progress.after, progress.is_finished
        )

    async def renew(self, projected: Sequence[Projected]) -> int:
        await self._set_missing(projected)
        return int(
            await self._database.fetch_value(
                _SQL["renew_projections"],
                [each.stream_id for each in projected],
                [each.version for each in projected],
                [orjson.dumps(each.facets).decode() for each in projected],
            )
        )

    async def _set_missing(self, projected: Sequence[Projected]) -> None:
        missing = [(each, deadline) for each in projected for deadline in each.deadlines]
        if missing:
            await self._database.execute(
                _SQL["set_missing_deadlines"],
                [each.stream_id for each, _ in missing],
                [each.version for each, _ in missing],
                [deadline.key for _, deadline in missing],
                [deadline.due_at for _, deadline in missing],
            )


def made_by(targets: ClockTargets, kinds: Aggregates) -> str:
    """What projections are made by: this code, and the site's targets."""
    folds = sorted((name, kind.fold_version) for name, kind in kinds.by_name().items())
    return sha256(repr((_MADE, folds, targets.clocks, targets.shares)).encode()).hexdigest()


def projection_renewal(
    database: Database,
    store: EventStore,
    runner: CommandRunner,
    *,
    kinds: Aggregates,
    targets: ClockTargets,
) -> ProjectionRenewal:
    return ProjectionRenewal(
        store=store,
        runner=runner,
        kinds=kinds,
        projections=PostgresProjections(database),
        made_by=made_by(targets, kinds),
    )
