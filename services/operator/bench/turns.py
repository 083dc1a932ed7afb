"""Measuring in turns: baseline, ours, baseline, ours…, so that what disturbs the machine disturbs both."""

from collections.abc import Awaitable, Callable, Mapping

#: Measures once.
Measure = Callable[[], Awaitable[float]]


async def in_turns(
    measures: Mapping[str, Measure], turns: int, settle: Callable[[], Awaitable[None]]
) -> dict[str, tuple[float, ...]]:
    """The figures of each, by name, after one round of each that does not count.

    `settle` is awaited after every round: nothing of it may still be at work during the next one.
    """
    values: dict[str, list[float]] = {name: [] for name in measures}
    for turn in range(turns + 1):
        for name, measure in measures.items():
            figure = await measure()
            await settle()
            if turn:
                values[name].append(figure)
    return {name: tuple(found) for name, found in values.items()}
