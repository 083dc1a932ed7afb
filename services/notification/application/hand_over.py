"""What those who go off duty hand over to those who come on."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.notification.application.caseload import Caseload
from services.notification.application.copies import KnownDirectory
from services.notification.application.read_roster import RosterReading
from services.notification.application.reading import AlertReading
from services.notification.domain.alert_state import Alert
from services.notification.domain.caseload import CaseUnderWay
from services.notification.domain.clock_times import CHINA_OFFSET_MINUTES
from services.notification.domain.handover import Changeover, changeover, digest
from services.notification.domain.roster_state import offset_minutes
from services.shared.kernel.actor import Actor
from services.shared.kernel.text import BilingualText

#: More than can be said at a hand-over; the numbers of a bigger house are on its lists.
_ALERTS_MAX = 200
_CASES_MAX = 300
#: What was opened longer ago is no concern of a shift.
_DAYS = timedelta(days=30)


@dataclass(frozen=True, kw_only=True, slots=True)
class HandedOver:
    """A hand-over with what belongs to it."""

    change: Changeover
    alerts: Sequence[Alert]
    cases: Sequence[CaseUnderWay]
    text: BilingualText


class HandoverReading:
    """Reads rosters, alerts and cases. Raises DependencyDown when the store is away."""

    def __init__(
        self, *, rosters: RosterReading, alerts: AlertReading, cases: Caseload, directory: KnownDirectory
    ) -> None:
        self._rosters = rosters
        self._alerts = alerts
        self._cases = cases
        self._directory = directory

    async def read(self, facility: str, actor: Actor, at: datetime, role: str) -> HandedOver:
        """Raises NotPermitted for another facility's: it names people."""
        roster, _ = await self._rosters.roster(facility, actor)
        found = await self._alerts.open_alerts(facility, alerts_max=_ALERTS_MAX)
        alerts = [alert for alert in found if role in ("", alert.role)]
        since = (at - _DAYS).date()
        cases = await self._cases.of(facility, since=since, cases_max=_CASES_MAX)
        change = changeover(roster, at, role)
        text = digest(
            change,
            alerts,
            cases,
            directory=self._directory.current(),
            at=at,
            offset=CHINA_OFFSET_MINUTES if roster is None else offset_minutes(roster),
        )
        return HandedOver(change=change, alerts=alerts, cases=cases, text=text)
