"""Who is on duty when, and where nobody will be. A roster names people: other facilities do not see it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from services.notification.application.aggregates import Aggregates
from services.notification.application.copies import KnownDirectory
from services.notification.domain import roster_coverage as coverage
from services.notification.domain import texts
from services.notification.domain.clock_times import CHINA_OFFSET_MINUTES
from services.notification.domain.communities import sees
from services.notification.domain.roster_slots import slots_at, timeline
from services.notification.domain.roster_state import Roster, offset_minutes, roster_name
from services.notification.domain.roster_values import CoverageGap, DutySlot, SinglePoint
from services.notification.domain.values import Pathway
from services.shared.eventstore.runner import CommandRunner
from services.shared.kernel.actor import Actor
from services.shared.kernel.refusals import NotPermitted

#: A longer period is no roster any more but an archive.
PERIOD_MAX = timedelta(days=92)


@dataclass(frozen=True, kw_only=True, slots=True)
class Coverage:
    """What is to be known of the coming days."""

    on_duty: tuple[DutySlot, ...]
    gaps: tuple[CoverageGap, ...]
    single_points: tuple[SinglePoint, ...]
    #: of the roster; 0 without one
    version: int
    #: the distance of the site's clock from UTC
    offset_minutes: int


class RosterReading:
    """Reads rosters from the store. Raises DependencyDown when it is away."""

    def __init__(self, kinds: Aggregates, runner: CommandRunner, directory: KnownDirectory) -> None:
        self._kinds = kinds
        self._runner = runner
        self._directory = directory

    async def roster(self, facility: str, actor: Actor) -> tuple[Roster | None, int]:
        """The roster with its version. Raises NotPermitted for another facility's."""
        if not sees(actor, facility, self._directory.current()):
            raise NotPermitted("OTHER_FACILITY", texts.OTHER_FACILITYS_ROSTER)
        loaded = await self._runner.read(self._kinds.roster, roster_name(facility))
        return loaded.state, loaded.version

    async def slots(
        self, facility: str, actor: Actor, first: datetime, last: datetime | None
    ) -> tuple[tuple[DutySlot, ...], int]:
        """The slots of a period, or of a moment where there is no end to it."""
        state, version = await self.roster(facility, actor)
        if state is None:
            return (), version
        return (slots_at(state, first) if last is None else timeline(state, first, last)), version

    async def coverage(
        self,
        facility: str,
        actor: Actor,
        first: datetime,
        last: datetime,
        *,
        role: str = "",
        pathway: Pathway | None = None,
    ) -> Coverage:
        """Of a role and a pathway, or of all of them. No roster has nothing that must be held."""
        state, version = await self.roster(facility, actor)
        if state is None:
            return Coverage(
                on_duty=(),
                gaps=(),
                single_points=(),
                version=version,
                offset_minutes=CHINA_OFFSET_MINUTES,
            )

        def wanted(roles: tuple[str, ...], of_pathway: Pathway | None) -> bool:
            return (not role or role in roles) and (pathway is None or of_pathway in (None, pathway))

        return Coverage(
            on_duty=tuple(
                slot for slot in slots_at(state, first) if wanted((slot.post.role,), slot.post.pathway)
            ),
            gaps=tuple(
                gap for gap in coverage.gaps(state, first, last) if wanted((gap.post.role,), gap.post.pathway)
            ),
            single_points=tuple(
                point
                for point in coverage.single_points(state, first, last)
                if wanted(point.roles, point.pathway)
            ),
            version=version,
            offset_minutes=offset_minutes(state),
        )
