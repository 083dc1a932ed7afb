"""What was measured, as values: rounds, ratios to a baseline of the same turns, what is promised of them."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.operator.bench.statistics import middle, paired_ratios
from services.shared.kernel.text import BilingualText


@dataclass(frozen=True, kw_only=True, slots=True)
class Rounds:
    """One thing measured several times."""

    #: stable, for programs: such as `echo`
    key: str
    title: BilingualText
    unit: str
    #: in the order in which they were measured
    values: tuple[float, ...]

    @property
    def median(self) -> float:
        return middle(self.values)


@dataclass(frozen=True, kw_only=True, slots=True)
class Ratio:
    """A figure beside its baseline; the two were measured in turns."""

    ours: Rounds
    baseline: Rounds
    #: None where nothing is promised
    at_least: float | None = None

    @property
    def key(self) -> str:
        """Such as `all_parts/echo`."""
        return f"{self.ours.key}/{self.baseline.key}"

    @property
    def by_turn(self) -> tuple[float, ...]:
        """The ratio of each turn."""
        return paired_ratios(self.ours.values, self.baseline.values)

    @property
    def median(self) -> float:
        return middle(self.by_turn)

    @property
    def is_met(self) -> bool:
        """Whether what is promised holds; true where nothing is."""
        return self.at_least is None or self.median >= self.at_least


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """A figure that stands for itself."""

    key: str
    title: BilingualText
    unit: str
    value: float
    #: None where nothing is promised
    at_most: float | None = None
    #: of a size that the promise is made for
    at_least: float | None = None

    @property
    def is_met(self) -> bool:
        """Whether what is promised holds; true where nothing is."""
        if self.at_least is not None and self.value < self.at_least:
            return False
        return self.at_most is None or self.value <= self.at_most

    @property
    def promised(self) -> str:
        """Such as `<= 20 ms`; empty where nothing is."""
        if self.at_least is not None:
            return f">= {self.at_least:,.0f} {self.unit}".strip()
        return "" if self.at_most is None else f"<= {self.at_most:g} {self.unit}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Curve:
    """A figure at several points of something else."""

    key: str
    title: BilingualText
    unit: str
    #: what the points are of: `percentile`, `referrals`
    over: str
    #: ascending
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class ProcessMemory:
    """What a process took at the end of its work."""

    #: such as `kafka`, or a service with what it was for
    process: str
    rss_mib: float
    #: at the most; None where the system does not tell
    peak_mib: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Section:
    """What one benchmark found."""

    key: str
    title: BilingualText
    ratios: tuple[Ratio, ...] = ()
    readings: tuple[Reading, ...] = ()
    curves: tuple[Curve, ...] = ()
    memory: tuple[ProcessMemory, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Shortfall:
    """A promise that does not hold."""

    section: str
    key: str
    value: float
    #: such as `>= 0.4`
    promised: str


def shortfalls(sections: Sequence[Section]) -> tuple[Shortfall, ...]:
    """Everything that fell short, in the order of the report."""
    found: list[Shortfall] = []
    for section in sections:
        found.extend(
            Shortfall(
                section=section.key, key=ratio.key, value=ratio.median, promised=f">= {ratio.at_least:g}"
            )
            for ratio in section.ratios
            if not ratio.is_met and ratio.at_least is not None
        )
        found.extend(
            Shortfall(
                section=section.key,
                key=reading.key,
                value=reading.value,
                promised=reading.promised,
            )
            for reading in section.readings
            if not reading.is_met
        )
    return tuple(found)
