"""Rosters and contact points, put together."""

from dataclasses import dataclass
from typing import Any

from services.notification.adapters import national_calendar, stored_caseload
from services.notification.adapters.stored_contact_points import (
    StoredContactPoints,
    stored_contact_points,
)
from services.notification.adapters.stored_copies import StoredDirectory
from services.notification.application.aggregates import Aggregates
from services.notification.application.agree_swaps import SwapDesk
from services.notification.application.apply_roster import RosterDesk
from services.notification.application.contact_points import ContactDesk
from services.notification.application.hand_over import HandoverReading
from services.notification.application.read_roster import RosterReading
from services.notification.application.reading import AlertReading
from services.notification.application.watch_coverage import CoverageWatch
from services.notification.domain.rules import RuleCatalogue
from services.notification.entrypoints.grpc import (
    contact_service,
    handover_service,
    roster_service,
    swap_service,
)
from services.notification.settings import NotificationSettings
from services.shared.lifecycle.foundation import Foundation
from services.shared.rpc.method import UnaryMethod


@dataclass(frozen=True, kw_only=True)
class Rosters:
    """What rosters and contact points need, put together."""

    methods: tuple[UnaryMethod[Any, Any], ...]
    coverage: CoverageWatch
    swaps: SwapDesk
    #: None without keys
    points: StoredContactPoints | None


def compose_rosters(
    settings: NotificationSettings,
    foundation: Foundation,
    kinds: Aggregates,
    catalogue: RuleCatalogue,
    directory: StoredDirectory,
) -> Rosters:
    """Raises SealingKeysInvalid."""
    runner, calendars = foundation.runner, national_calendar.NationalCalendar()
    points = stored_contact_points(foundation.store, settings.contact_keys)
    reading = RosterReading(kinds, runner, directory)
    handovers = HandoverReading(
        rosters=reading,
        alerts=AlertReading(foundation.store, runner, kinds, directory),
        cases=stored_caseload.StoredCaseload(foundation.store),
        directory=directory,
    )
    desk = RosterDesk(
        kinds=kinds, runner=runner, directory=directory, calendars=calendars, catalogue=catalogue
    )
    swaps = SwapDesk(kinds, directory, reading)
    return Rosters(
        methods=(
            *roster_service.RosterServicer(desk, reading).methods(),
            *swap_service.SwapServicer(kinds, runner, swaps).methods(),
            *contact_service.ContactServicer(ContactDesk(kinds, runner, points)).methods(),
            *handover_service.HandoverServicer(handovers).methods(),
        ),
        points=points,
        swaps=swaps,
        coverage=CoverageWatch(kinds=kinds, catalogue=catalogue, directory=directory, calendars=calendars),
    )
