"""The referral service's composition root: the only place where its objects meet."""

from dataclasses import dataclass, replace
from functools import partial

from services.referral.adapters import aggregate_codecs
from services.referral.adapters.aggregate_codecs import (
    CONSULTATION_TOPIC,
    DIRECTORY_TOPIC,
    EPISODE_TOPIC,
    REFERRAL_TOPIC,
    STANDING_TOPIC,
    build_aggregates,
)
from services.referral.adapters.clock_readings import PostgresClockReadings
from services.referral.adapters.directory_publication import publication
from services.referral.adapters.identity_cipher import read_identity_cipher
from services.referral.adapters.identity_store import PostgresIdentityStore
from services.referral.adapters.listing import PostgresListings
from services.referral.adapters.policy_file import load_policy
from services.referral.adapters.projections import projection_renewal
from services.referral.adapters.rebuilt_projections import rebuilt_projections
from services.referral.adapters.recognition_rules_file import load_recognition_rules
from services.referral.adapters.record_rules_file import load_record_rules
from services.referral.adapters.store_directory import StoreDirectory
from services.referral.adapters.stored_beds import StoredAcceptances, StoredBeds
from services.referral.adapters.target_catalogue import TargetCatalogue, load_catalogue
from services.referral.adapters.view_log import PostgresViewLog
from services.referral.adapters.view_retention import ViewRetention
from services.referral.application.aggregates import Aggregates
from services.referral.application.audit_scope import AuditScope
from services.referral.application.change_referral import ReferralChanges
from services.referral.application.create_referral import ReferralCreation
from services.referral.application.explain_referral import ReferralExplanation
from services.referral.application.list_reads import RecordedReads
from services.referral.application.patient_identities import PatientIdentities
from services.referral.application.patient_referrals import PatientReferrals
from services.referral.application.read_recognitions import ResultRecognitions
from services.referral.application.reading import Reading
from services.referral.application.standing_orders import StandingOrders
from services.referral.application.summarize_clocks import ClockSummaries
from services.referral.domain.policy import ReferralPolicy
from services.referral.entrypoints.bed_news import BED_TOPIC
from services.referral.entrypoints.consumer import BedConsumer
from services.referral.entrypoints.deadlines import ReferralDeadlines
from services.referral.entrypoints.grpc import (
    batch_service,
    consultation_service,
    directory_service,
    episode_service,
    identity_service,
    reads_service,
    record_rules_service,
    referral_service,
    standing_service,
)
from services.referral.entrypoints.grpc.directory_misses import looking_again
from services.referral.settings import ReferralSettings
from services.shared.database.migrations import load_migrations
from services.shared.feed.metrics import FeedMetrics
from services.shared.feed.tail import TopicTail
from services.shared.inbox.consumer import ConsumerSettings
from services.shared.kafka.topics import Cleanup, TopicSpec
from services.shared.lifecycle.foundation import Foundation, build_foundation
from services.shared.lifecycle.loops import consumer_loops, deadline_loops
from services.shared.lifecycle.oversight import Served, oversight
from services.shared.lifecycle.process import Assembly, run_process
from services.shared.projections import projection_service
from services.shared.rpc.method import Method, service_handlers
from services.shared.watching.resource_stream import ResourceStreams

SERVICE = "referral"

TOPICS = (
    TopicSpec(name=REFERRAL_TOPIC),
    TopicSpec(name=EPISODE_TOPIC),
    TopicSpec(name=CONSULTATION_TOPIC),
    TopicSpec(name=STANDING_TOPIC),
    TopicSpec(name=DIRECTORY_TOPIC, partitions=1, cleanup=Cleanup.COMPACT),
    TopicSpec(name="tierlink.referral.dlq.v1"),
)

CONSUMES = ConsumerSettings(
    group="tierlink-referral", topics=(BED_TOPIC,), dlq_topic="tierlink.referral.dlq.v1"
)


def build(settings: ReferralSettings) -> Foundation:
    """The mechanisms that the service stands on."""
    migrations = load_migrations("services.shared.eventstore.migrations", "services.referral.migrations")
    return build_foundation(SERVICE, settings, settings.dsn, migrations)


@dataclass(frozen=True, kw_only=True)
class _Shared:
    """What several of the service's parts need."""

    kinds: Aggregates
    catalogue: TargetCatalogue
    policy: ReferralPolicy
    directory: StoreDirectory
    views: PostgresViewLog
    listings: PostgresListings
    reading: Reading
    beds: StoredBeds
    acceptances: StoredAcceptances
    standing: StandingOrders
    changes: ReferralChanges


def _shared(settings: ReferralSettings, foundation: Foundation) -> _Shared:
    catalogue = load_catalogue(settings.targets)
    kinds = build_aggregates(catalogue.clock_targets, catalogue.shares)
    policy = replace(
        load_policy(settings.policy).policy,
        record=load_record_rules(catalogue.limits, settings.record_rules),
        recognition=load_recognition_rules(
            catalogue.consultation_policy.attachment_schemes, settings.recognition_rules
        ),
    )
    store, runner = foundation.store, foundation.runner
    directory = StoreDirectory(store, runner, kinds)
    views = PostgresViewLog(foundation.reading)
    listings = PostgresListings(foundation.reading)
    beds, acceptances = StoredBeds(store), StoredAcceptances(store)
    standing = StandingOrders(kinds, directory, policy)
    return _Shared(
        kinds=kinds,
        catalogue=catalogue,
        policy=policy,
        directory=directory,
        views=views,
        listings=listings,
        reading=Reading(listings, runner, directory, views),
        beds=beds,
        acceptances=acceptances,
        standing=standing,
        changes=ReferralChanges(
            kinds=kinds,
            directory=directory,
            beds=beds,
            acceptances=acceptances,
            policy=policy,
            standing=standing,
        ),
    )


def _referral_methods(shared: _Shared, foundation: Foundation, tail: TopicTail) -> tuple[Method, ...]:
    runner, policy = foundation.runner, shared.policy
    return referral_service.ReferralServicer(
        kinds=shared.kinds,
        runner=runner,
        store=foundation.store,
        reading=shared.reading,
        known=shared.directory,
        recognitions=ResultRecognitions(shared.directory, policy.recognition),
        creation=ReferralCreation(shared.kinds, shared.directory, policy),
        changes=shared.changes,
        explanation=ReferralExplanation(
            runner=runner,
            kinds=shared.kinds,
            directory=shared.directory,
            beds=shared.beds,
            acceptances=shared.acceptances,
            policy=policy,
        ),
        streams=ResourceStreams(tail, runner, shared.kinds.referral, foundation.waiting, foundation.tracer),
    ).methods()


def _consultation_methods(shared: _Shared, foundation: Foundation, tail: TopicTail) -> tuple[Method, ...]:
    return consultation_service.ConsultationServicer(
        kinds=shared.kinds,
        runner=foundation.runner,
        reading=shared.reading,
        directory=shared.directory,
        policy=shared.catalogue.consultation_policy,
        streams=ResourceStreams(
            tail, foundation.runner, shared.kinds.consultation, foundation.waiting, foundation.tracer
        ),
    ).methods()


def _episode_methods(shared: _Shared, foundation: Foundation) -> tuple[Method, ...]:
    targets = shared.catalogue.targets()
    return episode_service.EpisodeServicer(
        kinds=shared.kinds,
        runner=foundation.runner,
        reading=shared.reading,
        directory=shared.directory,
        summaries=ClockSummaries(PostgresClockReadings(foundation.reading), shared.directory, targets),
        targets=targets,
    ).methods()


def _identity_methods(
    shared: _Shared, settings: ReferralSettings, foundation: Foundation
) -> tuple[Method, ...]:
    return identity_service.IdentityServicer(
        PatientIdentities(
            store=PostgresIdentityStore(foundation.reading),
            requests=foundation.store,
            cipher=read_identity_cipher(settings.identity_keys),
            referrals=PatientReferrals(shared.listings, foundation.runner, shared.kinds),
            directory=shared.directory,
            views=shared.views,
            today=shared.policy.day_of,
        )
    ).methods()


def _oversight(shared: _Shared, foundation: Foundation) -> tuple[Served, ...]:
    scope = AuditScope(shared.kinds, foundation.runner, shared.reading)
    buildings = rebuilt_projections(foundation.reading, foundation.kafka, shared.kinds)
    rebuilding = projection_service.ProjectionServicer(buildings, foundation.runner)
    return (
        *oversight(foundation, shared.kinds.by_name(), aggregate_codecs, scope.is_known_to),
        (projection_service.SERVICE, rebuilding.methods()),
    )


def assemble(settings: ReferralSettings, foundation: Foundation) -> Assembly:
    """Raises CodecMismatch, CatalogueInvalid, RecordRulesInvalid, RecognitionRulesInvalid,
    IdentityKeysInvalid, FaultyFile."""
    shared = _shared(settings, foundation)
    kinds, runner, directory = shared.kinds, foundation.runner, shared.directory
    feeds = FeedMetrics(foundation.registry)
    referral_tail = TopicTail(foundation.kafka, REFERRAL_TOPIC, feeds)
    consultation_tail = TopicTail(foundation.kafka, CONSULTATION_TOPIC, feeds)
    directories = directory_service.DirectoryServicer(kinds, runner, directory, publication)
    visits = standing_service.StandingServicer(
        kinds=kinds,
        runner=runner,
        reading=shared.reading,
        orders=shared.standing,
        policy=shared.policy.standing,
    )
    deciding = (
        (
            referral_service.SERVICE,
            (
                *_referral_methods(shared, foundation, referral_tail),
                *_identity_methods(shared, settings, foundation),
                *reads_service.ReadsServicer(RecordedReads(kinds, shared.reading, shared.views)).methods(),
                *record_rules_service.RecordRulesServicer(shared.policy.record).methods(),
            ),
        ),
        (consultation_service.SERVICE, _consultation_methods(shared, foundation, consultation_tail)),
        (episode_service.SERVICE, _episode_methods(shared, foundation)),
        (directory_service.SERVICE, directories.methods()),
        (standing_service.SERVICE, visits.methods()),
    )
    served = (
        *((service, looking_again(methods, directory)) for service, methods in deciding),
        (batch_service.SERVICE, (batch_service.SUBMIT,)),
        *_oversight(shared, foundation),
    )
    deadlines = ReferralDeadlines(
        runner,
        kinds,
        changes=shared.changes,
        standing=shared.standing,
        policy=shared.catalogue.consultation_policy,
        directory=directory,
    )

    return Assembly(
        handlers=partial(service_handlers, served),
        loops=(
            directory,
            ViewRetention(foundation.reading, months=settings.views_retention_months),
            projection_renewal(
                foundation.reading, foundation.store, runner, kinds=kinds, targets=shared.catalogue.targets()
            ),
            referral_tail,
            consultation_tail,
            *consumer_loops(foundation, BedConsumer(runner, shared.changes, shared.beds).handle, CONSUMES),
            *deadline_loops(foundation, deadlines.fire),
        ),
        topics=TOPICS,
        prepare=(directory.refresh,),
        closing=(shared.views.close,),
        host=settings.host,
        port=settings.port,
        operations_port=settings.operations_port,
    )


def main() -> int:
    """Runs the service. Returns the process's exit code."""
    settings = ReferralSettings()
    return run_process(
        lambda: build(settings),
        lambda foundation: assemble(settings, foundation),
        service=SERVICE,
        log_level=settings.log_level,
    )
