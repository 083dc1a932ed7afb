"""`python -m services.bed.refold`: folds the events anew into an empty database, compares.

A composition root of its own, without what a service process has: no gRPC, no outbox, no deadlines.
"""

import sys

from services.bed.adapters.aggregate_codecs import build_aggregates
from services.bed.application.ended_referrals import HOLDER
from services.bed.settings import BedSettings
from services.shared.database.migrations import load_migrations
from services.shared.lifecycle.decision_kinds import decision_kinds
from services.shared.refolding.program import run_refolding
from services.shared.refolding.subject import Subject


def subject(settings: BedSettings) -> Subject:
    """The service as it is folded. Raises CodecMismatch."""
    kinds = build_aggregates()
    return Subject(
        service="bed",
        dsn=settings.dsn,
        kafka=settings.kafka(),
        migrations=load_migrations("services.shared.eventstore.migrations", "services.bed.migrations"),
        kinds={**kinds.by_name(), **decision_kinds()},
        collections={"wards": kinds.ward, "desks": kinds.desk},
        foreign_holders=frozenset({HOLDER}),
    )


if __name__ == "__main__":
    sys.exit(run_refolding(subject(BedSettings()), sys.argv[1:]))
