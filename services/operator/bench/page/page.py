"""A report as one page of HTML that needs nothing but itself."""

from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from services.operator.page_frame.frame import Framed, framed
from services.shared.kernel.text import BilingualText

_TEXTS = {
    "title": BilingualText(zh="Tierlink 性能基准", en="Tierlink bench"),
    "language": BilingualText(zh="English", en="中文"),
    "ratios": BilingualText(zh="与基线之比", en="Ratios to baselines"),
    "ratios_hint": BilingualText(
        zh="条为中位数，圆点为各轮，竖线为承诺", en="bar: median; dots: turns; line: what is promised"
    ),
    "latencies": BilingualText(zh="延迟分布", en="Latencies"),
    "growth": BilingualText(zh="随转诊数增长", en="Growth"),
    "memory": BilingualText(zh="内存", en="Memory"),
    "memory_hint": BilingualText(
        zh="各基准结束时各进程的常驻内存与峰值，MiB；PostgreSQL 共享部分只计一次",
        en="MiB, resident at the end of each benchmark and at the most; of PostgreSQL what is shared once",
    ),
    "figures": BilingualText(zh="全部数值", en="All figures"),
    "measured": BilingualText(zh="实测", en="measured"),
    "promised": BilingualText(zh="承诺", en="promised"),
    "benchmark": BilingualText(zh="基准", en="benchmark"),
    "process": BilingualText(zh="进程", en="process"),
    "resident": BilingualText(zh="常驻", en="resident"),
    "peak": BilingualText(zh="峰值", en="at the most"),
    "met": BilingualText(zh="达到", en="kept"),
    "missed": BilingualText(zh="未达到", en="missed"),
    "referrals": BilingualText(zh="转诊数", en="referrals"),
    "percentile": BilingualText(zh="百分位", en="percentile"),
    "load": BilingualText(zh="开始时负载", en="load at the start"),
    "cores": BilingualText(zh="核", en="cores"),
    "terms": BilingualText(
        zh="{turns} 轮，每轮 {seconds} 秒，{concurrency} 个调用者",
        en="{turns} turns of {seconds} s, {concurrency} callers",
    ),
}


def page(report: Mapping[str, Any], language: str) -> str:
    """The page of a report's document, which opens in `zh` or `en`."""
    static = files("services.operator.bench.page").joinpath("static")
    own = Framed(
        title=_TEXTS["title"],
        body=static.joinpath("body.html").read_text("utf-8"),
        style=static.joinpath("bench.css").read_text("utf-8"),
        script=static.joinpath("bench.js").read_text("utf-8"),
        document_id="report",
    )
    texts = {key: {"zh": pair.zh, "en": pair.en} for key, pair in _TEXTS.items()}
    return framed(own, {"language": language, "texts": texts, "report": report}, language)
