"""The notification service's composition root: the only place where its objects meet."""

import json
import sys
from collections.abc import Sequence

import grpc

from services.notification.adapters import aggregate_codecs
from services.notification.adapters.aggregate_codecs import ALERT_TOPIC, build_aggregates
from services.notification.adapters.rule_catalogue import DEFAULT_RULES, RulesFileError, load_rules
from services.notification.adapters.stored_copies import StoredDirectory
from services.notification.adapters.stored_deliveries import StoredDeliveries
from services.notification.application.contact_points import NoContactPoints
from services.notification.application.reach import Reach
from services.notification.composition.alerts import compose_alerts
from services.notification.composition.boards import compose_boards
from services.notification.composition.deliveries import answer_desk, delivery_loops, site_channels
from services.notification.composition.rosters import compose_rosters
from services.notification.entrypoints import occurrences
from services.notification.entrypoints.consumer import DIRECTORY_TOPIC, OccurrenceConsumer
from services.notification.entrypoints.deadlines import AlertDeadlines
from services.notification.entrypoints.grpc import (
    alert_service,
    answer_service,
    board_service,
    drill_service,
    roster_service,
)
from services.notification.settings import NotificationSettings
from services.shared.database.migrations import load_migrations
from services.shared.inbox.consumer import ConsumerSettings
from services.shared.kafka.topics import Cleanup, TopicSpec
from services.shared.lifecycle.foundation import Foundation, build_foundation
from services.shared.lifecycle.loops import consumer_loops, deadline_loops
from services.shared.lifecycle.oversight import oversight
from services.shared.lifecycle.process import Assembly, run_process
from services.shared.rpc.call import RpcRuntime
from services.shared.rpc.method import service_handler

SERVICE = "notification"

TOPICS = (
    TopicSpec(name=ALERT_TOPIC),
    *(TopicSpec(name=topic) for topic in occurrences.TOPICS),
    TopicSpec(name=DIRECTORY_TOPIC, partitions=1, cleanup=Cleanup.COMPACT),
    TopicSpec(name="tierlink.notification.dlq.v1"),
)

CONSUMES = ConsumerSettings(
    group="tierlink-notification",
    topics=(*occurrences.TOPICS, DIRECTORY_TOPIC),
    dlq_topic="tierlink.notification.dlq.v1",
)


def build(settings: NotificationSettings) -> Foundation:
    """The mechanisms that the service stands on."""
    migrations = load_migrations("services.shared.eventstore.migrations", "services.notification.migrations")
    return build_foundation(SERVICE, settings, settings.dsn, migrations)


def assemble(settings: NotificationSettings, foundation: Foundation) -> Assembly:
    """The service's own objects.

    Raises CodecMismatch, RulesFileError, BoardsFileError, ChannelsFileError, SealingKeysInvalid.
    """
    kinds = build_aggregates()
    runner, directory = foundation.runner, StoredDirectory(foundation.store)
    catalogue = load_rules(settings.rules or DEFAULT_RULES, settings.site_rules).catalogue
    rosters = compose_rosters(settings, foundation, kinds, catalogue, directory)
    channels, contacts = site_channels(settings), rosters.points or NoContactPoints()
    reach = Reach(contacts, channels)
    boards = compose_boards(settings, foundation, kinds, catalogue, directory, reach=reach)
    table = StoredDeliveries(foundation.reading)
    alerts = compose_alerts(foundation, kinds, catalogue, directory, boards=boards, reach=reach, table=table)
    answers = answer_desk(settings, foundation, kinds)
    links = answer_service.AnswerServicer(answers, directory)
    due = AlertDeadlines(runner, kinds, boards.drills, rosters.coverage, rosters.swaps)
    consumer = OccurrenceConsumer(runner, alerts.desk, directory)

    def handlers(runtime: RpcRuntime) -> Sequence[grpc.ServiceRpcHandler]:
        return [
            service_handler(alert_service.SERVICE, alerts.methods, runtime),
            service_handler(roster_service.SERVICE, rosters.methods, runtime),
            service_handler(answer_service.SERVICE, links.methods(), runtime),
            service_handler(board_service.SERVICE, boards.boards_served.methods(), runtime),
            service_handler(drill_service.SERVICE, boards.drills_served.methods(), runtime),
            *(
                service_handler(*served, runtime)
                for served in oversight(foundation, kinds.by_name(), aggregate_codecs)
            ),
        ]

    return Assembly(
        handlers=handlers,
        loops=(
            directory.facilities,
            directory.communities,
            alerts.tail,
            boards.watch,
            *consumer_loops(foundation, consumer.handle, CONSUMES),
            *deadline_loops(foundation, due.fire),
            *delivery_loops(
                settings=settings,
                foundation=foundation,
                kinds=kinds,
                table=table,
                directory=directory,
                catalogue=catalogue,
                contacts=contacts,
                channels=channels,
                reach=reach,
                answers=answers,
                board_is_live=boards.is_live,
            ),
        ),
        topics=TOPICS,
        prepare=(directory.refresh, boards.watch.prepare),
        host=settings.host,
        port=settings.port,
        operations_port=settings.operations_port,
    )


def show_rules() -> int:
    """Prints what the site's file changes in the alert rules, or its faults. Returns the exit code."""
    settings = NotificationSettings()
    try:
        rules = load_rules(settings.rules or DEFAULT_RULES, settings.site_rules)
    except RulesFileError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    for each in rules.differences:
        before, after = (json.dumps(value, ensure_ascii=False) for value in (each.before, each.after))
        sys.stdout.write(f"{each.place.file}:{each.place.line}: {each.key}: {before} -> {after}\n")
    return 0


def main() -> int:
    """Runs the service. Returns the process's exit code."""
    settings = NotificationSettings()
    return run_process(
        lambda: build(settings),
        lambda foundation: assemble(settings, foundation),
        service=SERVICE,
        log_level=settings.log_level,
    )
