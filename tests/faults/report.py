"""Runs as a page that needs nothing else: verdicts, counts, pictures of faults and latencies over time."""

import html
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime

from services.operator.bench.machine import Machine
from tests.faults.history import Call, FaultDone
from tests.faults.run import CHECKS, Verdict

_WIDTH, _ROW, _PLOT, _LEFT = 1080, 18, 220, 130
#: Kinds of refusals that are shown.
_REFUSALS_MAX = 20
_COLOURS = {"acknowledged": "#2a78d6", "refused": "#9aa0a6", "unknown": "#d64545"}
_LEGEND = (
    " ".join(f'<span style="color:{colour}">●</span> {kind}' for kind, colour in _COLOURS.items())
    + "; above: how long a call took, below: what was done to what"
)
_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;max-width:1120px;margin:24px auto;padding:0 16px;color:#1c1e21}
table{border-collapse:collapse}td,th{padding:2px 12px 2px 0;text-align:left;vertical-align:top}
.bad{color:#b3261e;font-weight:600}.good{color:#1b6e3c;font-weight:600}
svg text{font:11px system-ui,sans-serif}
code{background:#f2f3f5;padding:1px 4px}
"""


def page(verdicts: Sequence[Verdict], *, machine: Machine, command: str) -> str:
    """One page for several runs."""
    parts = [_section(each) for each in verdicts]
    title = "; ".join(_titles(verdicts))
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Tierlink: {title}</title>'
        f"<style>{_STYLE}</style><h1>{title}</h1>"
        f"<p>{html.escape(_said(machine))}<br><code>{html.escape(command)}</code></p>{''.join(parts)}</html>"
    )


def _titles(verdicts: Sequence[Verdict]) -> Iterator[str]:
    runs, bugs = ([each for each in verdicts if bool(each.plan.bug) is has_bug] for has_bug in (False, True))
    if runs or not bugs:
        yield f"{sum(each.holds for each in runs)} of {len(runs)} runs hold"
    if bugs:
        yield f"{sum(each.is_as_it_must_be for each in bugs)} of {len(bugs)} seeded bugs found"


def _said(machine: Machine) -> str:
    packages = ", ".join(f"{name} {version}" for name, version in machine.packages.items())
    return f"{machine.system}, {machine.processor}, {machine.cores} cores, load {machine.load}; {packages}"


def _section(verdict: Verdict) -> str:
    said, bug = ("holds" if verdict.holds else "does not hold"), ""
    if verdict.plan.bug:
        said = "not found" if verdict.holds else "found"
        bug = f", seeded bug {html.escape(verdict.plan.bug)}"
    state = f'<span class="{"good" if verdict.is_as_it_must_be else "bad"}">{said}</span>'
    counts = "".join(f"<tr><td>{name}</td><td>{count}</td></tr>" for name, count in verdict.counts().items())
    return (
        f"<h2>Seed {verdict.plan.seed}{bug}: {state}</h2>{_findings(verdict)}{_picture(verdict)}"
        f"<p>{_LEGEND}</p><table>{counts}</table>{_refusals(verdict)}"
    )


def _refusals(verdict: Verdict) -> str:
    """What was refused, most often first: by the rules, as they should be, or by something that is amiss."""
    refused = Counter(
        (call.method, call.outcome, call.detail) for call in verdict.history.calls if call.is_refused
    )
    rows = "".join(
        f"<tr><td>{count}</td><td>{method}</td><td>{outcome}</td><td>{html.escape(detail)}</td></tr>"
        for (method, outcome, detail), count in refused.most_common(_REFUSALS_MAX)
    )
    return f"<details><summary>{refused.total()} refused</summary><table>{rows}</table></details>"


def _findings(verdict: Verdict) -> str:
    rows = []
    for check in CHECKS:
        found = verdict.findings.get(check.__name__, [])
        name = check.__name__.replace("_", " ")
        shown = "<br>".join(html.escape(each) for each in found[:5])
        mark = f'<span class="bad">{len(found)} found</span>' if found else '<span class="good">✓</span>'
        rows.append(f"<tr><td>{mark}</td><td>{name}</td><td>{shown}</td></tr>")
    return f"<table>{''.join(rows)}</table>"


def _picture(verdict: Verdict) -> str:
    calls, faults = verdict.history.calls, verdict.history.faults
    if not calls:
        return ""
    begun_at = min(call.begun_at for call in calls)
    ended_at = max([*(call.ended_at for call in calls), *(fault.ended_at for fault in faults)])
    lasts_s = max(1.0, (ended_at - begun_at).total_seconds())
    targets = sorted({fault.target for fault in faults})
    height = _PLOT + 40 + _ROW * len(targets)

    def x(moment: datetime) -> float:
        return _LEFT + (_WIDTH - _LEFT - 10) * (moment - begun_at).total_seconds() / lasts_s

    marks = "".join(_dot(call, x(call.begun_at)) for call in calls)
    bars = "".join(_bar(fault, x(fault.begun_at), x(fault.ended_at), targets) for fault in faults)
    names = "".join(
        f'<text x="0" y="{_PLOT + 32 + _ROW * row}">{html.escape(target)}</text>'
        for row, target in enumerate(targets)
    )
    return (
        f'<svg width="{_WIDTH}" height="{height}" role="img" aria-label="latencies and faults over time">'
        f"{_axis(lasts_s)}{marks}{names}{bars}</svg>"
    )


def _y(latency_ms: float) -> float:
    """From 1 ms to 100 s on a logarithmic scale."""
    return _PLOT - _PLOT * min(1.0, max(0.0, math.log10(max(latency_ms, 1.0)) / 5))


def _axis(lasts_s: float) -> str:
    lines = "".join(
        f'<line x1="{_LEFT}" x2="{_WIDTH}" y1="{_y(ms):.0f}" y2="{_y(ms):.0f}" stroke="#e3e5e8"/>'
        f'<text x="0" y="{_y(ms) + 4:.0f}">{label}</text>'
        for ms, label in ((1, "1 ms"), (10, "10 ms"), (100, "100 ms"), (1_000, "1 s"), (10_000, "10 s"))
    )
    step_s = max(1, round(lasts_s / 10))
    ticks = "".join(
        f'<text x="{_LEFT + (_WIDTH - _LEFT - 10) * second / lasts_s:.0f}" y="{_PLOT + 14}">{second} s</text>'
        for second in range(0, int(lasts_s) + 1, step_s)
    )
    return lines + ticks


def _dot(call: Call, x: float) -> str:
    kind = "acknowledged" if call.is_acknowledged else "refused" if call.is_refused else "unknown"
    title = html.escape(
        f"{call.method} {call.outcome} {call.latency_ms:.0f} ms, {call.attempts} attempts. {call.detail}"
    )
    return (
        f'<circle cx="{x:.1f}" cy="{_y(call.latency_ms):.1f}" r="2.5" fill="{_COLOURS[kind]}">'
        f"<title>{title}</title></circle>"
    )


def _bar(fault: FaultDone, begin: float, end: float, targets: Sequence[str]) -> str:
    y = _PLOT + 22 + _ROW * targets.index(fault.target)
    return (
        f'<rect x="{begin:.1f}" y="{y}" width="{max(4.0, end - begin):.1f}" height="12" fill="#e0912f">'
        f"<title>{html.escape(fault.said)}: {html.escape(fault.seen)}</title></rect>"
        f'<text x="{begin + 6:.1f}" y="{y + 10}">{fault.said}</text>'
    )
