"""Tells the lead of gaps in the roster before they come: once a gap, and that it is over."""

from services.notification.application.aggregates import Aggregates
from services.notification.application.calendars import Calendars, national_days
from services.notification.application.copies import KnownDirectory
from services.notification.application.roster_lookup import rosters_of
from services.notification.domain import alert as alerts
from services.notification.domain import roster as rosters
from services.notification.domain.alert_state import Alert, alert_name
from services.notification.domain.calling import summons
from services.notification.domain.commands import SettleAlert
from services.notification.domain.coverage_alerts import (
    gap_intent,
    gap_key,
    gap_resolution,
)
from services.notification.domain.roster import Roster
from services.notification.domain.roster_commands import CheckCoverage
from services.notification.domain.roster_values import CoverageGap
from services.notification.domain.rules import RuleCatalogue
from services.notification.domain.values import AlertState
from services.shared.eventstore.work import Reaction, Work

#: How often one gap may come back after it was filled; more is no use to anybody.
_RETURNS_MAX = 50


class CoverageWatch:
    """Runs the deadline of a roster, in one unit with the alerts that it asks for."""

    def __init__(
        self,
        *,
        kinds: Aggregates,
        catalogue: RuleCatalogue,
        directory: KnownDirectory,
        calendars: Calendars,
    ) -> None:
        self._kinds = kinds
        self._catalogue = catalogue
        self._directory = directory
        self._calendars = calendars

    def check(self, name: str, key: str) -> Reaction:
        """Nothing where the roster has moved on."""

        async def reaction(work: Work) -> None:
            state: Roster | None = await work.load(self._kinds.roster, name)
            if state is None:
                return
            national = national_days(self._calendars, state.rotations, work.context.recorded_at)
            events = rosters.check_coverage(state, CheckCoverage(key=key), work.context, national=national)
            if not events:
                return
            after = await work.record(self._kinds.roster, name, events)
            for event in events:
                for gap in event.closed:
                    await self._settle(work, after, gap)
                for gap in event.opened:
                    await self._trigger(work, after, gap)

        return reaction

    async def _trigger(self, work: Work, roster: Roster, gap: CoverageGap) -> None:
        directory = self._directory.current()
        called = summons(
            gap_intent(roster, gap, directory.name(roster.facility), found_at=work.context.recorded_at),
            catalogue=self._catalogue,
            directory=directory,
            rosters=await rosters_of(work, self._kinds, directory, roster.facility),
            at=work.context.recorded_at,
        )
        latest = await self._latest(work, gap_key(roster, gap))
        name = alert_name(called.alert.dedup_key, latest)
        state: Alert | None = await work.load(self._kinds.alert, name)
        events = alerts.decide(state, called.alert, work.context)
        if events:
            await work.record(self._kinds.alert, name, events)

    async def _settle(self, work: Work, roster: Roster, gap: CoverageGap) -> None:
        latest = await self._latest(work, gap_key(roster, gap))
        if latest is None:
            return
        command = SettleAlert(
            resolution=gap_resolution(gap, work.context.recorded_at),
            cause_event_id=f"{roster.name}@{roster.version}",
        )
        events = alerts.decide(latest, command, work.context)
        if events:
            await work.record(self._kinds.alert, latest.name, events)

    async def _latest(self, work: Work, key: str) -> Alert | None:
        """The latest alert of a gap: after a resolved one the next name follows from it."""
        latest: Alert | None = None
        for _ in range(_RETURNS_MAX):
            found: Alert | None = await work.load(self._kinds.alert, alert_name(key, latest))
            if found is None:
                return latest
            if found.state is not AlertState.RESOLVED:
                return found
            latest = found
        return latest
