"""`python -m services.referral.refold`: folds the events anew into an empty database, compares.

A composition root of its own, without what a service process has: no gRPC, no outbox, no deadlines.
"""

import sys

from services.referral.adapters.aggregate_codecs import build_aggregates
from services.referral.adapters.target_catalogue import load_catalogue
from services.referral.settings import ReferralSettings
from services.shared.database.migrations import load_migrations
from services.shared.lifecycle.decision_kinds import decision_kinds
from services.shared.refolding.program import run_refolding
from services.shared.refolding.subject import Subject, TableSpec

#: Without `changed`, which is drawn when a row is written.
LISTING = TableSpec(
    name="listing",
    key=("stream_id", "party"),
    columns=(
        *("kind", "phase", "state", "pathway", "urgency", "direction"),
        *("waits", "overdue", "created_at"),
    ),
    owner="stream_id",
)
CLOCK_READINGS = TableSpec(
    name="clock_readings",
    key=("episode", "key", "started_by"),
    columns=("pathway", "facility", "started_at", "elapsed_ms", "excluded"),
    owner="episode",
)


def subject(settings: ReferralSettings) -> Subject:
    """The service as it is folded. Raises CodecMismatch, CatalogueInvalid."""
    catalogue = load_catalogue(settings.targets)
    kinds = build_aggregates(catalogue.clock_targets, catalogue.shares)
    return Subject(
        service="referral",
        dsn=settings.dsn,
        kafka=settings.kafka(),
        migrations=load_migrations("services.shared.eventstore.migrations", "services.referral.migrations"),
        kinds={**kinds.by_name(), **decision_kinds()},
        collections={
            "referrals": kinds.referral,
            "episodes": kinds.episode,
            "consultations": kinds.consultation,
            "standing_orders": kinds.standing,
        },
        tables=(LISTING, CLOCK_READINGS),
    )


if __name__ == "__main__":
    sys.exit(run_refolding(subject(ReferralSettings()), sys.argv[1:]))
