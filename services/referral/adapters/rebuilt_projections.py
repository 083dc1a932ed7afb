"""The read models of this service that can be made anew: lists, and the readings of clocks."""

from collections.abc import Mapping
from typing import Any

from services.referral.application.aggregates import Aggregates
from services.shared.database.pool import Database
from services.shared.database.sql_blocks import load_blocks
from services.shared.eventstore.aggregate import AggregateKind
from services.shared.kafka.address import KafkaAddress
from services.shared.lifecycle.decision_kinds import decision_kinds
from services.shared.projections.build_store import BuildStore, ProjectionSpec
from services.shared.projections.building import Building

_SQL = load_blocks("services.referral.adapters.sql", "rebuilding.sql")


def rebuilt_projections(database: Database, kafka: KafkaAddress, kinds: Aggregates) -> Mapping[str, Building]:
    """By the names of their tables. Raises CodecMismatch."""
    return {spec.name: Building(BuildStore(database, spec), kafka) for spec in _specs(kinds)}


def _specs(kinds: Aggregates) -> tuple[ProjectionSpec, ...]:
    published: dict[str, AggregateKind[Any, Any]] = {
        "referrals": kinds.referral,
        "episodes": kinds.episode,
        "consultations": kinds.consultation,
        "standing_orders": kinds.standing,
    }
    return (
        ProjectionSpec(
            name="listing",
            key=("stream_id", "party"),
            owner="stream_id",
            # Of every aggregate of the store there is a row, if only for those who may read everything.
            kinds={**kinds.by_name(), **decision_kinds()},
            collections=published,
            write=_SQL["write_listing"],
        ),
        ProjectionSpec(
            name="clock_readings",
            key=("episode", "key", "started_by"),
            owner="episode",
            kinds={kinds.episode.name: kinds.episode},
            collections={"episodes": kinds.episode},
            write=_SQL["write_clock_readings"],
        ),
    )
