"""A story as one page of HTML that needs nothing but itself."""

from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from services.operator.page_frame.frame import Framed, framed
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


def page(document: Mapping[str, Any]) -> str:
    """The page of a document, see `document`."""
    own = Framed(
        title=text("replay_page.title"),
        body=_read("static/body.html"),
        style=_read("static/replay.css"),
        script="\n".join(_read(f"static/{name}") for name in SCRIPTS),
        document_id="story",
    )
    return framed(own, document, document["language"])


def _read(name: str) -> str:
    return files("services.operator.replay_page").joinpath(name).read_text("utf-8")
