"""Records as lines for people, or as one JSON document a line for programs."""

import json
import sys
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from google.protobuf.json_format import MessageToDict
from rich.console import Console
from rich.text import Text

from services.operator.events.record import EventRecord
from services.operator.texts import Language, say

_TYPE_WIDTH = 26
_STYLES = {"referral": "cyan", "bed": "green", "notification": "red", "consultation": "magenta"}


class LinePrinter:
    """A line a record: when, where it stands, of what, which event, by whom."""

    def __init__(self, console: Console, language: Language, *, payload: bool) -> None:
        self._console = console
        self._language = language
        self._payload = payload

    def show(self, records: Iterable[EventRecord]) -> None:
        for record in records:
            self._console.print(self._line(record), soft_wrap=True)
            if self._payload:
                self._console.print(Text(_details(record), style="dim"), soft_wrap=True)

    def _line(self, record: EventRecord) -> Text:
        line = Text()
        line.append(_clock(record.time), style="dim")
        place = f" {record.topic.short}/{record.partition}@{record.offset} "
        line.append(f"{place:<24}", style=_STYLES.get(record.topic.short, "blue"))
        line.append(f"{record.aggregate} v{record.version} ")
        line.append(f"{record.type:<{_TYPE_WIDTH}}", style="bold")
        line.append(f" {_by(record)}")
        if record.fault:
            text = say("events.fault", self._language, fault=record.fault)
            line.append(f"  {text}", style="bold red")
        return line


class JsonPrinter:
    """One JSON document a line."""

    def show(self, records: Iterable[EventRecord]) -> None:
        for record in records:
            sys.stdout.write(f"{json.dumps(record.document(), ensure_ascii=False)}\n")
        sys.stdout.flush()


def _clock(moment: datetime) -> str:
    return moment.astimezone().isoformat(sep=" ", timespec="milliseconds")


def _by(record: EventRecord) -> str:
    """Who did it, and where."""
    metadata = record.metadata()
    if metadata is None or not metadata.HasField("actor"):
        return ""
    actor = metadata.actor
    return f"{actor.user}@{actor.facility}" if actor.facility else actor.user


def _details(record: EventRecord) -> str:
    payload = record.payload
    if payload is None:
        return "  " + record.value[:64].hex()
    found: Any = MessageToDict(payload, preserving_proto_field_name=True)
    return "  " + json.dumps(found, ensure_ascii=False)
