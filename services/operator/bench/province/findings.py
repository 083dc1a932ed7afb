"""What rounds of a province come to: latencies of each kind of call, beside an echo's, and what it took."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.operator.bench.figures import Curve, Ratio, Reading, Rounds, Section
from services.operator.bench.plan import Plan
from services.operator.bench.province.courses import COURSES, calls_of
from services.operator.bench.province.mix import Mix, calls_per_second, packaged_mix
from services.operator.bench.province.tally import KINDS
from services.operator.bench.statistics import PERCENTS, distribution, percentile
from services.operator.bench.worker_process import BenchFailed
from services.shared.kernel.text import BilingualText
from services.shared.rpc.channels import SERVICES

KEY = "province"
_TITLES = {
    "command": BilingualText(zh="转诊命令", en="commands of referrals"),
    "episode": BilingualText(zh="诊疗过程与里程碑", en="episodes and milestones"),
    "question": BilingualText(zh="会诊与远程诊断", en="questions"),
    "bed": BilingualText(zh="床位命令", en="commands of beds"),
    "acknowledge": BilingualText(zh="确认提醒", en="alerts acknowledged"),
    "get": BilingualText(zh="读一份转诊或会诊", en="a referral or question read"),
    "timeline": BilingualText(zh="时间线", en="timelines"),
    "list": BilingualText(zh="列表", en="lists"),
    "occupancy": BilingualText(zh="床位占用", en="occupancy"),
    "all": BilingualText(zh="全部调用", en="all calls"),
    "alert": BilingualText(zh="命令到提醒", en="command to alert"),
    "held": BilingualText(zh="命令到床位", en="command to the referral's bed"),
}
_ECHO = BilingualText(
    zh="同样时刻的同样请求，空 gRPC 回显", en="the same at the same moments, bare grpc.aio echo"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Turn:
    """One round, and the same calls to an echo."""

    played: Mapping[str, Any]
    bare: Mapping[str, Any]
    #: from the first arrival to the last answer
    played_s: float
    #: from then until the outboxes were empty
    drained_s: float
    #: of each service and server, with what was published
    processor_s: Mapping[str, float]


@dataclass(frozen=True, kw_only=True, slots=True)
class Findings:
    """All rounds."""

    plan: Plan
    turns: Sequence[Turn]
    #: referrals that were answered for, and those in the store
    created: int
    stored: int
    memory: tuple[Reading, ...]


def section_of(found: Findings) -> Section:
    """As a section."""
    mix = packaged_mix()
    return Section(
        key=KEY,
        title=BilingualText(zh="全省混合负载", en="The mixed load of a province"),
        ratios=tuple(_beside_echo(found, percent) for percent in (50, 99)),
        readings=(*_load(found, mix), *_latencies(found), *_capacity(found), *_kept(found), *found.memory),
        curves=tuple(_curves(found)),
    )


def provinces_carried(
    provinces: float, seconds: float, processor_s: Mapping[str, float], *, cores: int
) -> float:
    """As many would take all of the processors' time, or all that one service can have, whichever is first.

    Of courses that began in so many seconds and took so much by their end: callers are not in it, and what
    is always at work is, so that a small load says less than a large one. Raises BenchFailed when they took
    nothing that could be measured.
    """
    # A service does one thing after the other, and can have no more than one of them.
    whole = sum(processor_s.values()) / cores
    busiest = max(processor_s.get(name, 0.0) for name in SERVICES)
    if max(whole, busiest) <= 0:
        raise BenchFailed("no time of the processor was measured")
    return provinces * seconds / max(whole, busiest)


def _pooled(turns: Sequence[Turn], kind: str) -> list[float]:
    """Of all rounds, ascending: some kinds are too rare for a figure of each."""
    return sorted(ms for turn in turns for ms in turn.played["latencies_ms"].get(kind, ()))


def _every(found: Mapping[str, Any]) -> list[float]:
    return sorted(ms for each in found["latencies_ms"].values() for ms in each)


def _beside_echo(found: Findings, percent: int) -> Ratio:
    ours = BilingualText(
        zh=f"全部调用，自应发时刻起 p{percent}", en=f"all calls, from when each was due, p{percent}"
    )
    return Ratio(
        ours=Rounds(
            key=f"province_ms_p{percent}",
            title=ours,
            unit="ms",
            values=tuple(percentile(_every(turn.played), percent) for turn in found.turns),
        ),
        baseline=Rounds(
            key=f"echo_ms_p{percent}",
            title=_ECHO,
            unit="ms",
            values=tuple(percentile(_every(turn.bare), percent) for turn in found.turns),
        ),
    )


def _load(found: Findings, mix: Mix) -> list[Reading]:
    """What was played, and what a province comes to by the mix."""
    calls = {name: calls_of(name).total() for name in COURSES}
    one = mix.per_second(1)
    synthetic = {name: rate for name, rate in one.items() if mix.rates[name].is_synthetic}
    all_calls = calls_per_second(one, calls)
    made = sum(len(_every(turn.played)) for turn in found.turns)
    began_s = found.plan.province_seconds * len(found.turns)
    return [
        _reading("provinces", "同时忙时的省数", "provinces in their busiest hour", "", found.plan.provinces),
        _reading("courses", "病程数", "courses", "", sum(turn.played["courses"] for turn in found.turns)),
        _reading("calls", "调用数", "calls", "", made),
        _reading(
            "calls_per_second",
            "每秒开始的病程所含调用",
            "calls of what began in a second",
            "/s",
            made / began_s,
        ),
        _reading(
            "province_calls_per_second", "一省忙时每秒调用", "one province's calls a second", "/s", all_calls
        ),
        _reading(
            "synthetic_calls_share",
            "其中速率含虚构成分",
            "of these, by rates made up in part",
            "",
            calls_per_second(synthetic, calls) / all_calls,
        ),
    ]


def _latencies(found: Findings) -> list[Reading]:
    readings: list[Reading] = []
    for kind in KINDS:
        readings += _percentiles(kind, _pooled(found.turns, kind))
    for effect, kind in (("alert", "alert"), ("bed", "held")):
        seen = sorted(ms for turn in found.turns for ms in turn.played["effects_ms"].get(effect, ()))
        readings += _percentiles(kind, seen)
    return readings


def _percentiles(kind: str, ordered: Sequence[float]) -> list[Reading]:
    """None for a kind of which there were no calls in so short a time."""
    title = _TITLES[kind]
    return [
        _reading(
            f"{kind}_ms_p{percent}",
            f"{title.zh}（{len(ordered)}）p{percent}",
            f"{title.en} ({len(ordered)}), p{percent}",
            "ms",
            percentile(ordered, percent),
        )
        for percent in ((50, 99) if ordered else ())
    ]


def _capacity(found: Findings) -> list[Reading]:
    names = found.turns[0].processor_s
    spent_s = {name: sum(turn.processor_s[name] for turn in found.turns) for name in names}
    began_s = found.plan.province_seconds * len(found.turns)
    carried = provinces_carried(found.plan.provinces, began_s, spent_s, cores=os.cpu_count() or 1)
    return [
        *(
            _reading(
                f"processor_{name}",
                f"{name}：每秒到达所用处理器秒",
                f"{name}: time of the processor for a second's arrivals",
                "s",
                spent / began_s,
            )
            for name, spent in spent_s.items()
        ),
        _reading(
            "provinces_carried",
            "将用尽处理器时间的省数（不计调用方）",
            "provinces that would take all of the processors' time, callers not counted",
            "",
            carried,
        ),
    ]


def _kept(found: Findings) -> list[Reading]:
    return [
        _reading("failed_calls", "失败的调用", "calls that failed", "", 0.0, at_most=0.0),
        _reading("created", "已答复的新建转诊", "referrals that were answered for", "", found.created),
        _reading("stored", "库中转诊", "referrals in the store", "", found.stored),
        _reading(
            "drained_s",
            "最后答复后发件箱清空，最长",
            "outboxes empty after the last answer, the longest",
            "s",
            max(turn.drained_s for turn in found.turns),
        ),
    ]


def _curves(found: Findings) -> list[Curve]:
    pooled = {
        **{kind: _pooled(found.turns, kind) for kind in ("command", "question", "get", "list")},
        "all": sorted(ms for turn in found.turns for ms in _every(turn.played)),
        "echo": sorted(ms for turn in found.turns for ms in _every(turn.bare)),
    }
    return [
        Curve(
            key=f"{kind}_ms",
            title=_ECHO if kind == "echo" else _TITLES[kind],
            unit="ms",
            over="percentile",
            points=tuple(zip(map(float, PERCENTS), distribution(ordered), strict=True)),
        )
        for kind, ordered in pooled.items()
        if ordered
    ]


def _reading(key: str, zh: str, en: str, unit: str, value: float, *, at_most: float | None = None) -> Reading:
    return Reading(key=key, title=BilingualText(zh=zh, en=en), unit=unit, value=float(value), at_most=at_most)
