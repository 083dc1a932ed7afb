"""What sends messages and opens answer links, put together."""

from collections.abc import Mapping
from datetime import timedelta

from services.notification.adapters.channels.channel_file import channel_environment, load_channels
from services.notification.adapters.delivery_retention import DeliveryRetention
from services.notification.adapters.stored_answer_links import (
    AnswerTokens,
    StoredAnswerLinks,
    read_answer_key,
)
from services.notification.adapters.stored_copies import StoredDirectory
from services.notification.adapters.stored_deliveries import StoredDeliveries
from services.notification.adapters.stored_receipts import StoredReceipts
from services.notification.adapters.wall_clock import now
from services.notification.application.aggregates import Aggregates
from services.notification.application.answer_links import AnswerDesk, AnswerPolicy, NoLinks
from services.notification.application.ask_receipts import ReceiptDesk
from services.notification.application.channels import SiteChannel
from services.notification.application.contact_points import ContactPoints
from services.notification.application.plan_deliveries import BoardIsLive, DeliveryPlanner
from services.notification.application.reach import Reach
from services.notification.application.send_deliveries import DeliverySender
from services.notification.application.watch_channels import ChannelWatch
from services.notification.domain.channel_health import SilenceLimits
from services.notification.domain.rules import RuleCatalogue
from services.notification.entrypoints.delivery_metrics import DeliveryMetrics
from services.notification.entrypoints.delivery_worker import DeliveryWorker
from services.notification.entrypoints.receipt_worker import ReceiptWorker
from services.notification.settings import NotificationSettings
from services.shared.lifecycle.foundation import Foundation
from services.shared.lifecycle.process import Loop
from services.shared.lifecycle.settings import Part


def answer_desk(
    settings: NotificationSettings, foundation: Foundation, kinds: Aggregates
) -> AnswerDesk | None:
    """Where the site has links. Raises AnswerKeyError, SigningKeyError."""
    if settings.answer_key is None or not settings.answer_url:
        return None
    pem = settings.answer_signing_key
    return AnswerDesk(
        runner=foundation.runner,
        kinds=kinds,
        table=StoredAnswerLinks(foundation.reading),
        policy=AnswerPolicy(
            url=settings.answer_url,
            key=read_answer_key(settings.answer_key),
            lifetime=timedelta(seconds=settings.answer_link_s),
        ),
        minting=None if pem is None else AnswerTokens(pem, audience=settings.token_audience),
        now=now,
    )


def site_channels(settings: NotificationSettings) -> Mapping[str, SiteChannel]:
    """The channels of the site's file, by name. Raises ChannelsFileError."""
    return load_channels(settings.channels, channel_environment(type(settings)), now)


def delivery_loops(
    *,
    settings: NotificationSettings,
    foundation: Foundation,
    kinds: Aggregates,
    table: StoredDeliveries,
    directory: StoredDirectory,
    catalogue: RuleCatalogue,
    contacts: ContactPoints,
    channels: Mapping[str, SiteChannel],
    reach: Reach,
    answers: AnswerDesk | None,
    board_is_live: BoardIsLive,
) -> tuple[Loop, ...]:
    """What sends messages, asks for their receipts and forgets old ones, in a process whose part it is."""
    if Part.DELIVERIES not in foundation.parts:
        return ()
    metrics = DeliveryMetrics(foundation.registry)
    worker = DeliveryWorker(
        table=table,
        planner=DeliveryPlanner(
            runner=foundation.runner,
            kinds=kinds,
            reach=reach,
            board_is_live=board_is_live,
            now=now,
            counted=metrics.counted,
        ),
        reach=reach,
        fallback=catalogue.fallback.recipients,
        sender=DeliverySender(
            runner=foundation.runner,
            kinds=kinds,
            table=table,
            contacts=contacts,
            directory=directory,
            channels=channels,
            links=answers or NoLinks(),
            now=now,
            counted=metrics.counted,
        ),
        watch=ChannelWatch(
            store=foundation.store,
            runner=foundation.runner,
            kinds=kinds,
            table=table,
            catalogue=catalogue,
            channels=channels,
            limits=SilenceLimits(failures=settings.silent_failures, after_s=settings.silent_after_s),
            seen=metrics.seen,
        ),
        channels=channels,
        tracer=foundation.tracer,
    )
    foundation.on_appended(worker.appended)
    receipts = ReceiptDesk(
        table=StoredReceipts(foundation.reading),
        contacts=contacts,
        channels=channels,
        counted=metrics.counted,
    )
    retention = DeliveryRetention(foundation.reading, months=settings.deliveries_retention_months)
    return (worker, ReceiptWorker(receipts), retention)
