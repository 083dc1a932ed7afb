"""Boards and drills, put together."""

from collections.abc import Callable
from dataclasses import dataclass

from services.notification.adapters.board_policy_file import DEFAULT_BOARDS, load_board_policy
from services.notification.adapters.board_presence import StoredPresence
from services.notification.adapters.stored_copies import StoredDirectory
from services.notification.application.aggregates import Aggregates
from services.notification.application.board_desk import BoardDesk
from services.notification.application.drill_desk import DrillDesk
from services.notification.application.drill_reading import DrillReading
from services.notification.application.reach import Reach
from services.notification.domain.rules import RuleCatalogue
from services.notification.entrypoints.board_watch import BoardWatch
from services.notification.entrypoints.grpc import (
    board_service,
    drill_service,
)
from services.notification.settings import NotificationSettings
from services.shared.lifecycle.foundation import Foundation
from services.shared.lifecycle.settings import Part


@dataclass(frozen=True, kw_only=True)
class Boards:
    """What has to do with boards and drills."""

    desk: BoardDesk
    #: whether an alert of a facility and role is on a board now
    is_live: Callable[[str, str], bool]
    drills: DrillDesk
    watch: BoardWatch
    boards_served: board_service.BoardServicer
    drills_served: drill_service.DrillServicer


def compose_boards(
    settings: NotificationSettings,
    foundation: Foundation,
    kinds: Aggregates,
    catalogue: RuleCatalogue,
    directory: StoredDirectory,
    *,
    reach: Reach,
) -> Boards:
    """Raises BoardsFileError."""
    store, runner = foundation.store, foundation.runner
    policy = load_board_policy(
        settings.boards or DEFAULT_BOARDS, utc_offset_minutes=catalogue.utc_offset_minutes
    )
    presence = StoredPresence(foundation.reading, live_s=policy.live_s)
    desk = BoardDesk(
        store=store,
        kinds=kinds,
        catalogue=catalogue,
        policy=policy,
        directory=directory,
        presence=presence,
        reach=reach,
    )
    drills = DrillDesk(kinds=kinds, policy=policy, directory=directory, boards=desk)

    return Boards(
        desk=desk,
        is_live=desk.is_live,
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
