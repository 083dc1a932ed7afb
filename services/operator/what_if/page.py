"""A trial as one page of HTML: nothing is fetched, nothing is run, both languages are in it."""

from collections.abc import Iterable
from html import escape
from importlib.resources import files
from string import Template

from services.operator.texts import Language, text
from services.operator.what_if.findings import Findings, Measure, Row
from services.operator.what_if.table import direction
from services.shared.kernel.text import BilingualText

_CLASSES = {1: "worse", -1: "better", 0: ""}


def page(findings: Findings, tried: BilingualText, language: Language) -> str:
    """The page. `tried` says which files, on what; the page opens in `language`, Chinese for both."""
    template = Template(files("services.operator.what_if").joinpath("page.html").read_text("utf-8"))
    title = text("what_if.title")
    is_english = language is Language.EN
    rows = findings.rows()
    return template.substitute(
        language="en" if is_english else "zh",
        zh_checked="" if is_english else "checked",
        en_checked="checked" if is_english else "",
        title=escape(f"{title.zh} · {title.en}"),
        heading=_both(title),
        tried=_both(tried),
        figure_columns=_head("measure", "recorded", "what_if", "difference"),
        figures="\n".join(map(_figure, findings.measures())),
        remarks="\n".join(f"<li>{_both(each)}</li>" for each in findings.remarks()),
        assumes=_both(text("what_if.assumes")),
        rows_heading=_both(text("what_if.all", count=len(rows), changed=findings.changed)),
        row_columns=_head("referral", "recorded", "what_if", "accepted", "stay", "travel", "because"),
        rows="\n".join(map(_row, rows)),
    )


def _figure(measure: Measure) -> str:
    style = _CLASSES[direction(measure)]
    return (
        f"<tr><td>{_both(measure.title)}</td><td>{escape(measure.recorded)}</td>"
        f'<td>{escape(measure.what_if)}</td><td class="{style}">{escape(measure.difference)}</td></tr>'
    )


def _row(row: Row) -> str:
    about = f'{escape(row.name)}<div class="minor">{escape(row.requested_at)} {_both(row.origin)}</div>'
    cells = (
        about,
        _both(row.recorded),
        _both(row.what_if) if row.is_changed else _both(text("what_if.unchanged")),
        escape(row.accepted),
        escape(row.stay),
        escape(row.travel),
        _both(row.because),
    )
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"


def _head(*keys: str) -> str:
    return "".join(f"<th>{_both(each)}</th>" for each in _titles(keys))


def _titles(keys: Iterable[str]) -> Iterable[BilingualText]:
    return (text(f"what_if.column.{key}") for key in keys)


def _both(pair: BilingualText) -> str:
    chinese, english = escape(pair.zh), escape(pair.en)
    return f'<span class="zh" lang="zh">{chinese}</span><span class="en" lang="en">{english}</span>'
