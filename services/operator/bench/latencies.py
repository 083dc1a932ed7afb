"""What the rounds of a bench found beside their figure, and the latencies that are told of them."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from services.operator.bench.figures import Curve, Reading, Rounds
from services.operator.bench.statistics import PERCENTS, middle
from services.operator.bench.turns import Measure
from services.shared.kernel.text import BilingualText

_UNIT = "/s"


class Latencies:
    """By what was timed. Of several rounds the first does not count."""

    def __init__(self, turns: int) -> None:
        self._turns = turns
        self._found: dict[str, list[dict[str, Any]]] = {}

    def measure(self, key: str, timed: Callable[[], Awaitable[dict[str, Any]]]) -> Measure:
        """Keeps what each round found; its figure is `per_second`."""

        async def measure() -> float:
            found = await timed()
            self.keep(key, found)
            return float(found["per_second"])

        return measure

    def keep(self, key: str, found: dict[str, Any]) -> None:
        """One more round."""
        self._found.setdefault(key, []).append(found)

    def rounds_count(self, key: str) -> int:
        """So far, with the one that does not count."""
        return len(self._found.get(key, ()))

    def counted(self, key: str) -> list[dict[str, Any]]:
        """The rounds that count."""
        return self._found[key][-self._turns :]

    def middle_of(self, key: str, figure: str) -> float:
        """The median of a figure of the rounds that count."""
        return middle([found[figure] for found in self.counted(key)])

    def curves(self, titles: Mapping[str, BilingualText]) -> tuple[Curve, ...]:
        """How the latencies of each are spread, as far as its rounds told."""
        return tuple(
            _latency_curve(key, title, self.counted(key))
            for key, title in titles.items()
            if self._found.get(key) and "distribution_ms" in self._found[key][0]
        )

    def readings(
        self,
        titles: Mapping[str, BilingualText],
        p99_at_most_ms: Mapping[str, float],
        *,
        named: str = "ms",
    ) -> list[Reading]:
        """The median and the slowest hundredth of each; `p99_at_most_ms` has what is promised."""
        return [
            Reading(
                key=f"{key}_{named}_{which}",
                title=BilingualText(zh=f"{title.zh} {which}", en=f"{title.en}, {which}"),
                unit="ms",
                value=middle([found[f"latency_ms_{which}"] for found in self.counted(key)]),
                at_most=p99_at_most_ms.get(key) if which == "p99" else None,
            )
            for key, title in titles.items()
            for which in ("p50", "p99")
        ]


def _latency_curve(key: str, title: BilingualText, rounds: Sequence[Mapping[str, Any]]) -> Curve:
    """At each percentile the median of the rounds."""
    by_percent = zip(*(found["distribution_ms"] for found in rounds), strict=True)
    points = tuple((float(percent), middle(each)) for percent, each in zip(PERCENTS, by_percent, strict=True))
    return Curve(key=f"{key}_ms", title=title, unit="ms", over="percentile", points=points)


def rounds_of(
    figures: Mapping[str, tuple[float, ...]], titles: Mapping[str, BilingualText]
) -> dict[str, Rounds]:
    """The figures of each that was measured in turns, under their titles."""
    return {
        key: Rounds(key=key, title=titles[key], unit=_UNIT, values=values) for key, values in figures.items()
    }


async def nothing_to_settle() -> None:
    """For rounds that leave nothing behind, or nothing that the next one has to wait for."""
