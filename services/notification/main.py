"""The notification service's composition root: the only place where its objects meet."""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import grpc

from services.notification.adapters import national_calendar, stored_caseload
from services.notification.adapters.aggregate_codecs import ALERT_TOPIC, build_aggregates
from services.notification.adapters.board_policy_file import DEFAULT_BOARDS, load_board_policy
from services.notification.adapters.board_presence import StoredPresence
from services.notification.adapters.rule_catalogue import DEFAULT_RULES, RulesFileError, load_rules
from services.notification.adapters.stored_contact_points import (
    StoredContactPoints,
    stored_contact_points,
)
from services.notification.adapters.stored_copies import StoredDirectory, StoredSubjects
from services.notification.application.aggregates import Aggregates
from services.notification.application.apply_roster import RosterDesk
from services.notification.application.board_desk import BoardDesk
from services.notification.application.contact_points import ContactDesk
from services.notification.application.drill_desk import DrillDesk
from services.notification.application.drill_reading import DrillReading
from services.notification.application.hand_over import HandoverReading
from services.notification.application.preview_recipients import RecipientPreview
from services.notification.application.react_to_occurrence import AlertDesk
from services.notification.application.read_roster import RosterReading
from services.notification.application.reading import AlertReading
from services.notification.application.watch_coverage import CoverageWatch
from services.notification.domain.rules import RuleCatalogue
from services.notification.entrypoints import occurrences
from services.notification.entrypoints.board_watch import BoardWatch
from services.notification.entrypoints.consumer import DIRECTORY_TOPIC, OccurrenceConsumer
from services.notification.entrypoints.deadlines import AlertDeadlines
from services.notification.entrypoints.grpc import (
    alert_service,
    board_service,
    contact_service,
    drill_service,
    handover_service,
    preview_service,
    roster_service,
)
from services.notification.settings import NotificationSettings
from services.shared.database.migrations import load_migrations
from services.shared.feed.metrics import FeedMetrics
from services.shared.feed.tail import TopicTail
from services.shared.inbox.consumer import ConsumerSettings
from services.shared.kafka.topics import Cleanup, TopicSpec
from services.shared.lifecycle.foundation import Foundation, build_foundation
from services.shared.lifecycle.loops import consumer_loops, deadline_loops
from services.shared.lifecycle.oversight import oversight
from services.shared.lifecycle.process import Assembly, run_process
from services.shared.lifecycle.settings import Part
from services.shared.rpc.call import RpcRuntime
from services.shared.rpc.method import UnaryMethod, service_handler
from services.shared.watching.resource_stream import ResourceStreams

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


@dataclass(frozen=True, kw_only=True)
class _Boards:
    """What has to do with boards and drills."""

    desk: BoardDesk
    drills: DrillDesk
    watch: BoardWatch
    boards_served: board_service.BoardServicer
    drills_served: drill_service.DrillServicer


def _boards(
    settings: NotificationSettings,
    foundation: Foundation,
    kinds: Aggregates,
    catalogue: RuleCatalogue,
    directory: StoredDirectory,
) -> _Boards:
    """Raises BoardsFileError."""
    store, runner = foundation.store, foundation.runner
    policy = load_board_policy(
        settings.boards or DEFAULT_BOARDS, utc_offset_minutes=catalogue.utc_offset_minutes
    )
    presence = StoredPresence(foundation.reading, live_s=policy.live_s)
    desk = BoardDesk(
        store=store, kinds=kinds, catalogue=catalogue, policy=policy, directory=directory, presence=presence
    )
    drills = DrillDesk(kinds=kinds, policy=policy, directory=directory, boards=desk)
    return _Boards(
        desk=desk,
        drills=drills,
        watch=BoardWatch(
            runner=runner,
            kinds=kinds,
            policy=policy,
            presence=presence,
            boards=desk,
            drills=drills,
            acts=Part.DEADLINES in foundation.parts,
        ),
        boards_served=board_service.BoardServicer(kinds, runner, policy=policy, presence=presence, desk=desk),
        drills_served=drill_service.DrillServicer(
            kinds, runner, desk=drills, reading=DrillReading(store, runner, kinds)
        ),
    )


@dataclass(frozen=True, kw_only=True)
class _Rosters:
    """What rosters and contact points need, put together."""

    methods: tuple[UnaryMethod[Any, Any], ...]
    coverage: CoverageWatch
    #: None without keys
    points: StoredContactPoints | None


def _rosters(
    settings: NotificationSettings,
    foundation: Foundation,
    kinds: Aggregates,
    catalogue: RuleCatalogue,
    directory: StoredDirectory,
) -> _Rosters:
    """Raises SealingKeysInvalid."""
    runner, calendars = foundation.runner, national_calendar.NationalCalendar()
    points = stored_contact_points(foundation.store, settings.contact_keys)
    reading = RosterReading(kinds, runner)
    handovers = HandoverReading(
        rosters=reading,
        alerts=AlertReading(foundation.store, runner, kinds),
        cases=stored_caseload.StoredCaseload(foundation.store),
        directory=directory,
    )
    desk = RosterDesk(
        kinds=kinds, runner=runner, directory=directory, calendars=calendars, catalogue=catalogue
    )
    return _Rosters(
        methods=(
            *roster_service.RosterServicer(desk, reading).methods(),
            *contact_service.ContactServicer(ContactDesk(kinds, runner, points)).methods(),
            *handover_service.HandoverServicer(handovers).methods(),
        ),
        points=points,
        coverage=CoverageWatch(kinds=kinds, catalogue=catalogue, directory=directory, calendars=calendars),
    )


def assemble(settings: NotificationSettings, foundation: Foundation) -> Assembly:
    """The service's own objects.

    Raises CodecMismatch, RulesFileError, BoardsFileError, SealingKeysInvalid.
    """
    kinds = build_aggregates()
    store, runner = foundation.store, foundation.runner
    directory, subjects = StoredDirectory(store), StoredSubjects(store)
    catalogue = load_rules(settings.rules or DEFAULT_RULES, settings.site_rules).catalogue
    boards = _boards(settings, foundation, kinds, catalogue, directory)
    desk = AlertDesk(
        store=store,
        kinds=kinds,
        catalogue=catalogue,
        directory=directory,
        subjects=subjects,
        cases=stored_caseload.StoredCaseload(store),
        boards=boards.desk,
    )
    previews = preview_service.PreviewServicer(
        RecipientPreview(
            store=store,
            runner=runner,
            kinds=kinds,
            catalogue=catalogue,
            directory=directory,
            subjects=subjects,
            boards=boards.desk,
        )
    )
    tail = TopicTail(foundation.kafka, ALERT_TOPIC, FeedMetrics(foundation.registry))
    alerts = alert_service.AlertServicer(
        kinds, runner, AlertReading(store, runner, kinds), ResourceStreams(tail, runner, kinds.alert)
    )
    rosters = _rosters(settings, foundation, kinds, catalogue, directory)
    consumer = OccurrenceConsumer(runner, desk, directory)

    def handlers(runtime: RpcRuntime) -> Sequence[grpc.ServiceRpcHandler]:
        return [
            service_handler(alert_service.SERVICE, (*alerts.methods(), *previews.methods()), runtime),
            service_handler(roster_service.SERVICE, rosters.methods, runtime),
            service_handler(board_service.SERVICE, boards.boards_served.methods(), runtime),
            service_handler(drill_service.SERVICE, boards.drills_served.methods(), runtime),
            *(service_handler(*served, runtime) for served in oversight(foundation, kinds.by_name())),
        ]

    return Assembly(
        handlers=handlers,
        loops=(
            directory.facilities,
            directory.communities,
            tail,
            boards.watch,
            *consumer_loops(foundation, consumer.handle, CONSUMES),
            *deadline_loops(foundation, AlertDeadlines(runner, kinds, boards.drills, rosters.coverage).fire),
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
