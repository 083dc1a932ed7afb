"""Clocks over a period: mean, median and share met, of the facilities that the caller may see."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from services.referral.application.known_directory import KnownDirectory
from services.referral.domain.clocks_targets import Aim, ClockTarget, ClockTargets, SourcedShare
from services.referral.domain.readers import reading_facilities
from services.referral.domain.values import Pathway
from services.shared.kernel.actor import Actor
from services.shared.kernel.refusals import FieldViolation, InvalidInput, NotFound

#: A year and a month beside it: more is not read at once.
PERIOD_MAX = timedelta(days=400)


@dataclass(frozen=True, kw_only=True, slots=True)
class ClockFigures:
    """What was counted of one clock; nothing is None, never zero."""

    count: int = 0
    mean_s: float | None = None
    median_s: float | None = None
    met_count: int = 0
    stretch_count: int = 0
    running_count: int = 0
    #: by code of the reason
    excluded: Mapping[str, int]


@dataclass(frozen=True, kw_only=True, slots=True)
class ClockSummary:
    """One target beside what was counted."""

    target: ClockTarget
    figures: ClockFigures

    @property
    def share_met_percent(self) -> float | None:
        """None without data."""
        return _percent(self.figures.met_count, self.figures.count)

    @property
    def share_stretch_percent(self) -> float | None:
        """None without data, or without a stretch."""
        if self.target.stretch_s is None:
            return None
        return _percent(self.figures.stretch_count, self.figures.count)

    @property
    def aim_met(self) -> bool | None:
        """Whether the period is as the target's source asks; None without data, or where it does not say."""
        share, mean_s = self.share_met_percent, self.figures.mean_s
        if share is None or mean_s is None:
            return None
        match self.target.aim:
            case Aim.MEAN:
                return mean_s <= self.target.target_s
            case Aim.SHARE:
                return share >= (self.target.share_at_least_percent or 0)
        return None


@dataclass(frozen=True, kw_only=True, slots=True)
class ShareFigures:
    """What was counted of one share."""

    #: patients of whom it is known
    count: int = 0
    met_count: int = 0
    unknown_count: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class ShareSummary:
    """One share beside what was counted."""

    share: SourcedShare
    figures: ShareFigures

    @property
    def met_percent(self) -> float | None:
        """None without data."""
        return _percent(self.figures.met_count, self.figures.count)

    @property
    def aim_met(self) -> bool | None:
        """None without data."""
        percent = self.met_percent
        return None if percent is None else percent >= self.share.at_least_percent


@dataclass(frozen=True, kw_only=True, slots=True)
class ClockQuery:
    """Which clocks: those that started in the period, at one facility, community or region."""

    started_from: datetime
    started_before: datetime
    facility: str = ""
    community: str = ""
    region: str = ""
    pathway: Pathway | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ClockReport:
    """The summaries in the order of the targets, and whose clocks were counted; None is everybody's."""

    summaries: tuple[ClockSummary, ...]
    shares: tuple[ShareSummary, ...]
    facilities: tuple[str, ...] | None


class ClockReadings(Protocol):
    """Raises DependencyDown when the store is away."""

    async def figures(
        self,
        started_from: datetime,
        started_before: datetime,
        facilities: tuple[str, ...] | None,
        targets: tuple[ClockTarget, ...],
    ) -> Mapping[tuple[Pathway, str], ClockFigures]: ...

    async def shares(
        self,
        started_from: datetime,
        started_before: datetime,
        facilities: tuple[str, ...] | None,
        shares: tuple[SourcedShare, ...],
    ) -> Mapping[tuple[Pathway, str], ShareFigures]: ...


class ClockSummaries:
    """Answers SummarizeClocks."""

    def __init__(self, readings: ClockReadings, directory: KnownDirectory, targets: ClockTargets) -> None:
        self._readings = readings
        self._directory = directory
        self._targets = targets

    async def summarize(self, query: ClockQuery, actor: Actor) -> ClockReport:
        """Raises InvalidInput for no period or too long a one, NotFound for what is not the caller's."""
        _check_period(query)
        facilities = self._facilities(query, actor)
        asked = self._targets.of(query.pathway)
        scope = (query.started_from, query.started_before, facilities)
        targets, shares = asked.clocks, tuple(each for each in asked.shares if each.measure is not None)
        found = await self._readings.figures(*scope, targets)
        counted = await self._readings.shares(*scope, shares) if shares else {}
        nothing = ClockFigures(excluded={})
        return ClockReport(
            summaries=tuple(
                ClockSummary(target=target, figures=found.get((target.pathway, target.key), nothing))
                for target in targets
            ),
            shares=tuple(
                ShareSummary(share=share, figures=counted.get((share.pathway, share.key), ShareFigures()))
                for share in shares
            ),
            facilities=facilities,
        )

    def _facilities(self, query: ClockQuery, actor: Actor) -> tuple[str, ...] | None:
        directory = self._directory.current()
        readable = reading_facilities(actor, directory)
        if query.facility:
            chosen, resource = frozenset((query.facility,)), f"facilities/{query.facility}"
            chosen &= directory.facilities.keys()
        elif query.community:
            chosen = frozenset(directory.members(query.community))
            resource = f"communities/{query.community}"
        elif query.region:
            every = directory.facilities.values()
            chosen = frozenset(each.id for each in every if each.region.startswith(query.region))
            resource = f"regions/{query.region}"
        else:
            return None if readable is None else tuple(sorted(readable))
        seen = chosen if readable is None else chosen & readable
        if not seen:
            raise NotFound("Facility", resource)
        return tuple(sorted(seen))


def _check_period(query: ClockQuery) -> None:
    if query.started_before <= query.started_from:
        raise InvalidInput(
            FieldViolation(field="started_before", reason="PERIOD", description="is not after started_from")
        )
    if query.started_before - query.started_from > PERIOD_MAX:
        raise InvalidInput(
            FieldViolation(
                field="started_before",
                reason="PERIOD",
                description=f"is more than {PERIOD_MAX.days} days after started_from",
            )
        )
    if sum(map(bool, (query.facility, query.community, query.region))) > 1:
        raise InvalidInput(
            FieldViolation(
                field="facility", reason="SCOPE", description="one of facility, community and region is given"
            )
        )


def _percent(part: int, whole: int) -> float | None:
    return None if whole == 0 else part * 100.0 / whole
