"""What is made of repeated measurements."""

from collections.abc import Sequence
from statistics import median


def percentile(ordered: Sequence[float], percent: float) -> float:
    """The nearest-rank percentile of values in ascending order. Raises ValueError without values."""
    if not ordered:
        raise ValueError("no values")
    rank = max(1, -(-len(ordered) * percent // 100))
    return ordered[min(len(ordered), int(rank)) - 1]


#: Of a distribution that is shown as a curve.
PERCENTS = (50, 75, 90, 95, 99, 99.9)


def distribution(ordered: Sequence[float]) -> list[float]:
    """The values at `PERCENTS`. Raises ValueError without values."""
    return [percentile(ordered, percent) for percent in PERCENTS]


def paired_ratios(ours: Sequence[float], baseline: Sequence[float]) -> tuple[float, ...]:
    """Each round's figure over the baseline's of the same turn: what disturbed one disturbed its neighbour.

    Raises ValueError when the rounds do not pair up, or a baseline is zero.
    """
    if len(ours) != len(baseline) or not ours:
        raise ValueError(f"{len(ours)} rounds beside {len(baseline)} of the baseline")
    if any(value <= 0 for value in baseline):
        raise ValueError("a baseline that did nothing")
    return tuple(own / base for own, base in zip(ours, baseline, strict=True))


def middle(values: Sequence[float]) -> float:
    """The median. Raises ValueError without values."""
    if not values:
        raise ValueError("no values")
    return float(median(values))
