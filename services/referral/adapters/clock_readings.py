"""The readings of clocks that each change of an episode leaves (`0132_clock_readings.sql`), summed up."""

from collections.abc import Mapping
from datetime import datetime

from services.referral.application.summarize_clocks import ClockFigures, ShareFigures
from services.referral.domain.clocks_targets import ClockTarget, SourcedShare
from services.referral.domain.values import Pathway
from services.shared.database.pool import Database
from services.shared.database.sql_blocks import load_blocks

_SQL = load_blocks("services.referral.adapters.sql", "clocks.sql")


class PostgresClockReadings:
    """Implements `ClockReadings`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def figures(
        self,
        started_from: datetime,
        started_before: datetime,
        facilities: tuple[str, ...] | None,
        targets: tuple[ClockTarget, ...],
    ) -> Mapping[tuple[Pathway, str], ClockFigures]:
        """By pathway and key; what has no reading is left out. Raises DependencyDown."""
        scope = (started_from, started_before, None if facilities is None else list(facilities))
        rows = await self._database.fetch(
            _SQL["summarize_clocks"],
            *scope,
            [target.pathway.value for target in targets],
            [target.key for target in targets],
            [target.target_s for target in targets],
            [target.stretch_s for target in targets],
        )
        excluded: dict[tuple[str, str], dict[str, int]] = {}
        for row in await self._database.fetch(_SQL["excluded_clocks"], *scope):
            excluded.setdefault((row["pathway"], row["key"]), {})[row["code"]] = row["excluded"]
        return {
            (Pathway(row["pathway"]), row["key"]): ClockFigures(
                count=row["counted"],
                mean_s=None if row["mean_s"] is None else float(row["mean_s"]),
                median_s=None if row["median_s"] is None else float(row["median_s"]),
                met_count=row["met"],
                stretch_count=row["stretched"],
                running_count=row["running"],
                excluded=excluded.get((row["pathway"], row["key"]), {}),
            )
            for row in rows
        }

    async def shares(
        self,
        started_from: datetime,
        started_before: datetime,
        facilities: tuple[str, ...] | None,
        shares: tuple[SourcedShare, ...],
    ) -> Mapping[tuple[Pathway, str], ShareFigures]:
        """By pathway and key; what has no reading is left out. Raises DependencyDown."""
        rows = await self._database.fetch(
            _SQL["summarize_shares"],
            started_from,
            started_before,
            None if facilities is None else list(facilities),
            [share.pathway.value for share in shares],
            [share.key for share in shares],
        )
        return {
            (Pathway(row["pathway"]), row["key"]): ShareFigures(
                count=row["counted"], met_count=row["met"], unknown_count=row["unknown"]
            )
            for row in rows
        }
