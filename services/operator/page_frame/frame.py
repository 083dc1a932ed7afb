"""A document as one page of HTML that needs nothing but itself.

What is told is data in it: JSON in an element that no browser runs, then text nodes.
"""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from string import Template
from typing import Any

from services.shared.kernel.text import BilingualText

#: Of JSON, what could end the element that it stands in, or a line of a script.
_UNSAFE = str.maketrans(
    {each: f"\\u{ord(each):04x}" for each in ("<", ">", "&", "\N{LINE SEPARATOR}", "\N{PARAGRAPH SEPARATOR}")}
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Framed:
    """What one kind of page has of its own."""

    title: BilingualText
    #: HTML
    body: str
    #: after the style of all such pages
    style: str
    #: after the script of all such pages, in one function with it
    script: str
    #: the element in which the script finds the document
    document_id: str


def framed(own: Framed, document: Mapping[str, Any], language: str) -> str:
    """The page of a document, which opens in `zh` or `en`."""
    chart = _read("vendor/uPlot.iife.min.js")
    script = f'"use strict";\n(() => {{\n{_read("static/frame.js")}\n{own.script}\n}})();\n'
    return Template(_read("static/frame.html")).substitute(
        language="zh-CN" if language == "zh" else "en",
        # Nothing is fetched, sent or framed, and nothing runs but these two scripts.
        policy=" ".join(("script-src", _digest(chart), _digest(script))),
        title=escape(f"{own.title.zh} · {own.title.en}"),
        licence=escape(_read("vendor/LICENSE").replace("--", "- -")),
        style=_read("vendor/uPlot.min.css") + _read("static/frame.css") + own.style,
        body=own.body,
        document_id=own.document_id,
        document=embedded(document),
        chart_script=chart,
        script=script,
    )


def embedded(document: Mapping[str, Any]) -> str:
    """The document as JSON that may stand in a page: nothing in it ends the element."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).translate(_UNSAFE)


def _digest(script: str) -> str:
    """How a policy names a script that may run."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"


def _read(name: str) -> str:
    return files("services.operator.page_frame").joinpath(name).read_text("utf-8")
