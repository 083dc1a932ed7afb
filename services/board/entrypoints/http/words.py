"""What pages are told, in the words of Server-Sent Events; and the id by which a page goes on where it was.

One wire carries several parts, so an event is named by its part and its kind (`alerts.change`), and its id
names the place of every part: who comes back misses nothing of any.
"""

import time
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl, quote_plus

import orjson
from sse_starlette import ServerSentEvent

from services.board.application.page import News
from services.board.application.watching import Kind, Told
from services.board.entrypoints.http.pages_folder import pages_version

_TOKEN_LENGTH_MAX = 4096
_ID_LENGTH_MAX = 16_384
_MOMENT_S = 0.5
_WORDS_KEPT_MAX = 64
_LINE_END = b"\r\n"
#: Places are many pages' own alike.
_quoted = lru_cache(maxsize=1024)(quote_plus)


def places_in(last_id: str, parts: Iterable[str]) -> dict[str, str]:
    """Where each of these parts goes on; those without a place, as in an id that is none of ours, begin anew.

    Never raises.
    """
    if len(last_id) > _ID_LENGTH_MAX:
        return {}
    try:
        found = dict(parse_qsl(last_id, max_num_fields=8))
    except ValueError:
        return {}
    return {part: found[part] for part in parts if 0 < len(found.get(part, "")) <= _TOKEN_LENGTH_MAX}


class Words:
    """What is told to many pages at the same moment is put into words once."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[object, ...], tuple[Told, bytes, float]] = OrderedDict()

    def of(self, part: str, told: Told) -> bytes:
        """An event's lines, without its id and its end."""
        now_s = time.monotonic()
        # Equal messages of several streams have one and the same resource.
        key = (part, told.kind, id(told.resource), told.event_type)
        kept = self._kept.get(key)
        # Not later than the moment: the words tell the time.
        if kept is not None and kept[0].resource is told.resource and now_s - kept[2] < _MOMENT_S:
            return kept[1]
        words = _lines(part, told)
        self._kept[key] = (told, words, now_s)
        while len(self._kept) > _WORDS_KEPT_MAX:
            self._kept.popitem(last=False)
        return words


class Telling:
    """What one page is told, with the place of each of its parts."""

    def __init__(self, words: Words, places: Mapping[str, str]) -> None:
        self._words = words
        self._places = dict(places)
        #: as the page knows it: one that was opened anew knows none yet
        self._last_id = ""

    def of(self, found: Iterable[News]) -> bytes:
        """Events; the last has the id of the place after all of them. Empty where there is nothing to say."""
        said: list[bytes] = []
        for news in found:
            told = news.told
            if told.kind is Kind.RESTART:
                # Who is cut off before the picture is whole begins it anew.
                self._places.pop(news.part, None)
            elif told.resume_token:
                self._places[news.part] = told.resume_token
            if not news.is_quiet:
                said.append(self._words.of(news.part, told))
        if not said:
            return b""
        last_id = "&".join(f"{part}={_quoted(place)}" for part, place in self._places.items())
        if last_id != self._last_id:
            self._last_id = last_id
            said[-1] += b"id: " + last_id.encode() + _LINE_END
        said.append(b"")
        return _LINE_END.join(said)


def _lines(part: str, told: Told) -> bytes:
    content: dict[str, Any] = {"now": datetime.now(UTC).isoformat()}
    if told.kind is Kind.HEARTBEAT:
        content["pages"] = pages_version()
    if told.resource is not None:
        content["resource"] = told.resource
        content["event_type"] = told.event_type
    event = ServerSentEvent(data=orjson.dumps(content).decode(), event=f"{part}.{told.kind.value}")
    return event.encode().removesuffix(_LINE_END)
