"""`python -m services.notification.refold`: folds the events anew into an empty database, compares.

A composition root of its own, without what a service process has: no gRPC, no outbox, no deadlines, and no
channel that reaches anybody.
"""

import sys

from services.notification.adapters.aggregate_codecs import build_aggregates
from services.notification.settings import NotificationSettings
from services.shared.database.migrations import load_migrations
from services.shared.lifecycle.decision_kinds import decision_kinds
from services.shared.refolding.program import run_refolding
from services.shared.refolding.subject import Subject


def subject(settings: NotificationSettings) -> Subject:
    """The service as it is folded. Raises CodecMismatch."""
    kinds = build_aggregates()
    return Subject(
        service="notification",
        dsn=settings.dsn,
        kafka=settings.kafka(),
        migrations=load_migrations(
            "services.shared.eventstore.migrations", "services.notification.migrations"
        ),
        kinds={**kinds.by_name(), **decision_kinds()},
        collections={"alerts": kinds.alert},
    )


if __name__ == "__main__":
    sys.exit(run_refolding(subject(NotificationSettings()), sys.argv[1:]))
