"""A story as one page of HTML that needs nothing but itself.

What comes from events is data in it: JSON in an element that no browser runs, then text nodes.
"""

import base64
import hashlib
import json
from collections.abc import Mapping
from html import escape
from importlib.resources import files
from string import Template
from typing import Any

from services.operator.texts import text

#: In the order in which they are run, in one function of their own.
SCRIPTS = (
    "told.js",
    "time.js",
    "layout.js",
    "map.js",
    "beds.js",
    "timeline.js",
    "chart.js",
    "replay.js",
)
#: Of JSON, what could end the element that it stands in, or a line of a script.
_UNSAFE = str.maketrans(
    {each: f"\\u{ord(each):04x}" for each in ("<", ">", "&", "\N{LINE SEPARATOR}", "\N{PARAGRAPH SEPARATOR}")}
)


def page(document: Mapping[str, Any]) -> str:
    """The page of a document, see `document`."""
    own = "\n".join(_read(f"static/{name}") for name in SCRIPTS)
    scripts = (_read("vendor/uPlot.iife.min.js"), f'"use strict";\n(() => {{\n{own}\n}})();\n')
    title = text("replay_page.title")
    return Template(_read("static/page.html")).substitute(
        language="zh-CN" if document["language"] == "zh" else "en",
        # Nothing is fetched, sent or framed, and nothing runs but these two scripts.
        policy=" ".join(("script-src", *map(script_digest, scripts))),
        title=escape(f"{title.zh} · {title.en}"),
        licence=escape(_read("vendor/LICENSE").replace("--", "- -")),
        style=_read("vendor/uPlot.min.css") + _read("static/replay.css"),
        story=embedded(document),
        chart_script=scripts[0],
        script=scripts[1],
    )


def embedded(document: Mapping[str, Any]) -> str:
    """The document as JSON that may stand in a page: nothing in it ends the element."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).translate(_UNSAFE)


def script_digest(script: str) -> str:
    """How a policy names a script that may run."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"


def _read(name: str) -> str:
    return files("services.operator.replay_page").joinpath(name).read_text("utf-8")
