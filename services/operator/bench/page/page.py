"""A report as one page of HTML that needs nothing but itself."""

from collections.abc import Mapping
from html import escape
from importlib.resources import files
from string import Template
from typing import Any

from services.operator.replay_page.page import embedded, script_digest
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
    own, vendored = files("services.operator.bench.page"), files("services.operator.replay_page")
    chart = vendored.joinpath("vendor/uPlot.iife.min.js").read_text("utf-8")
    script = f'"use strict";\n(() => {{\n{own.joinpath("static/bench.js").read_text("utf-8")}\n}})();\n'
    licence = vendored.joinpath("vendor/LICENSE").read_text("utf-8")
    style = vendored.joinpath("vendor/uPlot.min.css").read_text("utf-8")
    texts = {key: {"zh": pair.zh, "en": pair.en} for key, pair in _TEXTS.items()}
    return Template(own.joinpath("static/bench.html").read_text("utf-8")).substitute(
        language="zh-CN" if language == "zh" else "en",
        # Nothing is fetched, sent or framed, and nothing runs but these two scripts.
        policy=" ".join(("script-src", script_digest(chart), script_digest(script))),
        title=escape(f"{_TEXTS['title'].zh} · {_TEXTS['title'].en}"),
        licence=escape(licence.replace("--", "- -")),
        style=style + own.joinpath("static/bench.css").read_text("utf-8"),
        report=embedded({"language": language, "texts": texts, "report": report}),
        chart_script=chart,
        script=script,
    )
