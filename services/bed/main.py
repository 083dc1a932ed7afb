"""The bed service's composition root: the only place where its objects meet."""

from collections.abc import Sequence
from datetime import timedelta

import grpc

from services.bed.adapters import aggregate_codecs
from services.bed.adapters.aggregate_codecs import BED_TOPIC, build_aggregates
from services.bed.adapters.availability_records import AVAILABILITY_TOPIC
from services.bed.adapters.availability_tail import KafkaAvailabilityTail
from services.bed.adapters.block_deadlines import PostgresMissingDeadlines
from services.bed.application.apply_wards import WardApplication
from services.bed.application.encounters import Encounters
from services.bed.application.finding_wards import WardFinder
from services.bed.application.follow_referral import FollowReferral
from services.bed.application.hold_bed import Holding
from services.bed.application.reading import WardReading
from services.bed.application.renew_block_deadlines import BlockDeadlineRenewal
from services.bed.application.search_beds import BedSearching
from services.bed.application.wait_for_bed import WaitingLists
from services.bed.application.ward_recording import WardRecorder
from services.bed.application.watch_availability import AvailabilityWatch
from services.bed.domain.search import Facility
from services.bed.entrypoints.consumer import BedConsumer, ReferralConsumer
from services.bed.entrypoints.deadlines import WardDeadlines
from services.bed.entrypoints.directory_news import DIRECTORY_TOPIC, DirectoryConsumer
from services.bed.entrypoints.grpc import bed_service
from services.bed.entrypoints.grpc.availability import AvailabilityServicer
from services.bed.entrypoints.grpc.stays import StayServicer
from services.bed.entrypoints.grpc.waiting import WaitingServicer
from services.bed.entrypoints.referral_news import REFERRAL_TOPIC
from services.bed.settings import BedSettings
from services.shared.copies.document_copies import DocumentCopies
from services.shared.database.migrations import load_migrations
from services.shared.feed.metrics import FeedMetrics
from services.shared.feed.tail import TopicTail
from services.shared.inbox.consumer import ConsumerSettings
from services.shared.kafka.topics import Cleanup, TopicSpec
from services.shared.lifecycle.foundation import Foundation, build_foundation
from services.shared.lifecycle.loops import consumer_loops, deadline_loops
from services.shared.lifecycle.oversight import oversight
from services.shared.lifecycle.process import Assembly, run_process
from services.shared.rpc.call import RpcRuntime
from services.shared.rpc.method import service_handler

SERVICE = "bed"

TOPICS = (
    TopicSpec(name=BED_TOPIC),
    TopicSpec(name=REFERRAL_TOPIC),
    TopicSpec(name=DIRECTORY_TOPIC, partitions=1, cleanup=Cleanup.COMPACT),
    TopicSpec(name=AVAILABILITY_TOPIC, cleanup=Cleanup.COMPACT),
    TopicSpec(name="tierlink.bed.dlq.v1"),
)

CONSUMES = ConsumerSettings(
    group="tierlink-bed", topics=(REFERRAL_TOPIC, DIRECTORY_TOPIC), dlq_topic="tierlink.bed.dlq.v1"
)


def build(settings: BedSettings) -> Foundation:
    """The mechanisms that the service stands on."""
    migrations = load_migrations("services.shared.eventstore.migrations", "services.bed.migrations")
    return build_foundation(SERVICE, settings, settings.dsn, migrations)


def assemble(settings: BedSettings, foundation: Foundation) -> Assembly:
    """The service's own objects. Raises CodecMismatch."""
    kinds = build_aggregates()
    store, runner = foundation.store, foundation.runner
    finder = WardFinder(store, kinds)
    recorder = WardRecorder(kinds)
    holding = Holding(store, kinds, finder, recorder)
    blocks = BlockDeadlineRenewal(store, runner, kinds, PostgresMissingDeadlines(foundation.reading))
    reading = WardReading(store, runner, kinds, stale_after_s=settings.stale_after_s)
    hold_max = timedelta(seconds=settings.hold_max_s)
    beds = bed_service.BedServicer(
        kinds=kinds,
        runner=runner,
        finder=finder,
        holding=holding,
        application=WardApplication(store, runner, kinds, recorder),
        reading=reading,
        hold_max=hold_max,
    )
    tail = TopicTail(foundation.kafka, AVAILABILITY_TOPIC, FeedMetrics(foundation.registry))
    watching = AvailabilityWatch(reading, KafkaAvailabilityTail(tail), stale_after_s=settings.stale_after_s)
    facilities = DocumentCopies(store, "facility", Facility)
    searching = BedSearching(reading, facilities, stale_after_s=settings.stale_after_s)
    availability = AvailabilityServicer(reading, searching, watching)
    waiting = WaitingServicer(
        kinds=kinds, runner=runner, lists=WaitingLists(store, kinds, finder, runner), hold_max=hold_max
    )
    stays = StayServicer(kinds=kinds, runner=runner, encounters=Encounters(store, kinds, finder, recorder))
    consumer = BedConsumer(
        ReferralConsumer(runner, FollowReferral(store, kinds, finder, recorder, holding)),
        DirectoryConsumer(runner, facilities),
    )

    def handlers(runtime: RpcRuntime) -> Sequence[grpc.ServiceRpcHandler]:
        return [
            service_handler(
                bed_service.SERVICE,
                (*beds.methods(), *waiting.methods(), *stays.methods(), *availability.methods()),
                runtime,
            ),
            *(
                service_handler(*served, runtime)
                for served in oversight(foundation, kinds.by_name(), aggregate_codecs)
            ),
        ]

    return Assembly(
        handlers=handlers,
        loops=(
            tail,
            facilities,
            *consumer_loops(foundation, consumer.handle, CONSUMES),
            *deadline_loops(foundation, WardDeadlines(runner, kinds).fire),
        ),
        topics=TOPICS,
        prepare=(facilities.refresh, blocks.renew),
        host=settings.host,
        port=settings.port,
        operations_port=settings.operations_port,
    )


def main() -> int:
    """Runs the service. Returns the process's exit code."""
    settings = BedSettings()
    return run_process(
        lambda: build(settings),
        lambda foundation: assemble(settings, foundation),
        service=SERVICE,
        log_level=settings.log_level,
    )
