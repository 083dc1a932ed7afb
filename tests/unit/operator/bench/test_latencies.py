"""Which rounds count, and what is told of their latencies."""

from typing import Any

from services.operator.bench.latencies import Latencies, nothing_to_settle
from services.operator.bench.turns import in_turns
from services.shared.kernel.text import BilingualText

TITLES = {"ours": BilingualText(zh="本平台", en="ours"), "echo": BilingualText(zh="回显", en="echo")}


async def test_the_first_round_of_each_does_not_count_and_the_promise_is_on_the_slowest_hundredth() -> None:
    latencies = Latencies(turns=3)
    came = iter(range(100))

    async def timed() -> dict[str, Any]:
        number = next(came)
        return {"per_second": 10 * number, "latency_ms_p50": number, "latency_ms_p99": 100 + number}

    measures = {key: latencies.measure(key, timed) for key in TITLES}
    figures = await in_turns(measures, 3, nothing_to_settle)

    # Ours came with 0, 2, 4, 6 and the echo with 1, 3, 5, 7.
    assert figures == {"ours": (20, 40, 60), "echo": (30, 50, 70)}
    assert latencies.rounds_count("ours") == 4
    assert [found["latency_ms_p50"] for found in latencies.counted("ours")] == [2, 4, 6]
    found = latencies.readings(TITLES, {"ours": 103.0})
    assert [(each.key, each.value, each.at_most) for each in found] == [
        ("ours_ms_p50", 4, None),
        ("ours_ms_p99", 104, 103.0),
        ("echo_ms_p50", 5, None),
        ("echo_ms_p99", 105, None),
    ]
    assert [each.is_met for each in found] == [True, False, True, True]


def test_what_was_timed_once_counts_however_many_turns_there_are() -> None:
    latencies = Latencies(turns=5)
    assert latencies.rounds_count("ours") == 0
    latencies.keep("ours", {"latency_ms_p50": 1.0, "latency_ms_p99": 2.0})
    assert latencies.counted("ours") == [{"latency_ms_p50": 1.0, "latency_ms_p99": 2.0}]
