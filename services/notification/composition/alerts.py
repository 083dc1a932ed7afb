"""What triggers, shows and previews alerts."""

from dataclasses import dataclass
from typing import Any

from services.notification.adapters.aggregate_codecs import ALERT_TOPIC
from services.notification.adapters.stored_caseload import StoredCaseload
from services.notification.adapters.stored_copies import StoredDirectory, StoredSubjects
from services.notification.adapters.stored_deliveries import StoredDeliveries
from services.notification.application.aggregates import Aggregates
from services.notification.application.preview_recipients import RecipientPreview
from services.notification.application.reach import Reach
from services.notification.application.react_to_occurrence import AlertDesk
from services.notification.application.reading import AlertReading
from services.notification.composition.boards import Boards
from services.notification.domain.rules import RuleCatalogue
from services.notification.entrypoints.grpc.alert_service import AlertServicer
from services.notification.entrypoints.grpc.preview_service import PreviewServicer
from services.shared.feed.metrics import FeedMetrics
from services.shared.feed.tail import TopicTail
from services.shared.lifecycle.foundation import Foundation
from services.shared.rpc.method import StreamMethod, UnaryMethod
from services.shared.watching.resource_stream import ResourceStreams


@dataclass(frozen=True, kw_only=True, slots=True)
class Alerts:
    """Everything about alerts themselves."""

    desk: AlertDesk
    #: a loop of the process
    tail: TopicTail
    methods: tuple[UnaryMethod[Any, Any] | StreamMethod[Any, Any], ...]


def compose_alerts(
    foundation: Foundation,
    kinds: Aggregates,
    catalogue: RuleCatalogue,
    directory: StoredDirectory,
    *,
    boards: Boards,
    reach: Reach,
    table: StoredDeliveries,
) -> Alerts:
    """Connects the desk, the service that shows its alerts and the one that previews them."""
    store, runner = foundation.store, foundation.runner
    subjects = StoredSubjects(store)
    desk = AlertDesk(
        store=store,
        kinds=kinds,
        catalogue=catalogue,
        directory=directory,
        subjects=subjects,
        cases=StoredCaseload(store),
        boards=boards.desk,
    )
    previews = RecipientPreview(
        store=store,
        runner=runner,
        kinds=kinds,
        catalogue=catalogue,
        directory=directory,
        subjects=subjects,
        boards=boards.desk,
        reach=reach,
        board_is_live=boards.is_live,
    )
    tail = TopicTail(foundation.kafka, ALERT_TOPIC, FeedMetrics(foundation.registry))
    served = AlertServicer(
        kinds,
        runner,
        AlertReading(store, runner, kinds, directory),
        ResourceStreams(tail, runner, kinds.alert, foundation.waiting, foundation.tracer),
        table,
    )
    return Alerts(desk=desk, tail=tail, methods=(*served.methods(), *PreviewServicer(previews).methods()))
