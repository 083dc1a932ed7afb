"""The doctor who stays: looks again and again, and says what it sees as metrics."""

import time
from collections.abc import Awaitable, Callable, Sequence

from prometheus_client import CollectorRegistry, Gauge

from services.operator.doctor.examination import Report
from services.operator.doctor.verdict import Level, Line
from services.shared.loops.recurring import Recurring

#: As a number, so that a rule can ask for what is worst.
_LEVELS = {Level.GREEN: 0, Level.YELLOW: 1, Level.RED: 2}
#: Of one examination: far beyond what a platform has, and bounded all the same.
LINES_MAX = 500


class DoctorMetrics:
    """The lines of the latest examination, each with its level, and the figures in them."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._levels = Gauge(
            "tierlink_doctor_line_level",
            "A line of `tierlink doctor`: 0 green, 1 yellow, 2 red.",
            ("area", "subject", "finding"),
            registry=registry,
        )
        self._figures = Gauge(
            "tierlink_doctor_line_figure",
            "A figure of such a line, such as a group's lag in records or a certificate's days.",
            ("area", "subject", "finding", "figure"),
            registry=registry,
        )
        self._examined_at_s = Gauge(
            "tierlink_doctor_examined_timestamp_seconds",
            "When the lines were found; they stand still while nobody looks.",
            registry=registry,
        )
        self._told: dict[Gauge, frozenset[tuple[str, ...]]] = {}

    def tell(self, lines: Sequence[Line], *, at_s: float) -> None:
        """Shows these lines and no others; `at_s` in seconds since 1970-01-01 UTC."""
        shown = lines[:LINES_MAX]
        levels: dict[tuple[str, ...], float] = {_labels(line): _LEVELS[line.level] for line in shown}
        figures: dict[tuple[str, ...], float] = {
            (*_labels(line), name): value
            for line in shown
            for name, value in line.values.items()
            if not isinstance(value, str)
        }
        for gauge, series in ((self._levels, levels), (self._figures, figures)):
            for labels, value in series.items():
                gauge.labels(*labels).set(value)
            # Afterwards: whoever scrapes between the two sees a line too many, never one too few.
            for labels in self._told.get(gauge, frozenset()) - series.keys():
                gauge.remove(*labels)
            self._told[gauge] = frozenset(series)
        self._examined_at_s.set(at_s)


def _labels(line: Line) -> tuple[str, str, str]:
    return line.area, line.subject, line.finding.value


class DoctorWatch(Recurring):
    """Examines every so many seconds. What keeps it from looking is seen by the time of the last look."""

    def __init__(
        self, examine: Callable[[], Awaitable[Report]], metrics: DoctorMetrics, *, every_s: float
    ) -> None:
        super().__init__(interval_s=every_s, undone="doctor_cannot_look")
        self._examine = examine
        self._metrics = metrics
        self._is_told = False

    def has_looked(self) -> bool:
        """Whether there is anything to be shown yet."""
        return self._is_told

    async def round(self) -> bool:
        """Once. Raises what `examine` raises."""
        report = await self._examine()
        self._metrics.tell(report.lines, at_s=time.time())
        self._is_told = True
        return False
