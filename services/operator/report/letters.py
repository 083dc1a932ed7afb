"""Dead letters as tables for a terminal."""

from collections.abc import Mapping, Sequence
from typing import Any

from google.protobuf.message import DecodeError
from rich.console import Console
from rich.table import Table

from services.operator.events.topics import known_topics
from services.operator.texts import Language, say
from tierlink.inbox.v1 import dead_letter_service_pb2 as pb

_BAR = 24
_VALUE_BYTES_SHOWN = 256


def print_summaries(console: Console, language: Language, summaries: Mapping[str, Any]) -> None:
    """A histogram of reasons, and the aggregates that wait."""
    reasons = [(name, each) for name, summary in summaries.items() for each in summary.reasons]
    parked = [(name, each) for name, summary in summaries.items() for each in summary.parked]
    if not reasons and not parked:
        console.print(say("dlq.none", language), style="green")
        return
    if reasons:
        most = max(each.letters_count for _, each in reasons)
        table = _table("dlq.reasons", language, "service", "topic", "count", "", "error")
        for name, each in reasons:
            bar = "█" * max(1, round(_BAR * each.letters_count / most))
            table.add_row(name, each.topic, str(each.letters_count), bar, each.error)
        console.print(table)
    if parked:
        table = _table(
            "dlq.parked", language, "service", "aggregate", "handled", "letters", "waiting", "since"
        )
        for name, each in parked:
            table.add_row(
                name,
                each.aggregate,
                f"v{each.handled_version}",
                str(each.letters_count),
                str(each.parked_count),
                _moment(each.waits_since),
            )
        console.print(table)


def print_letters(console: Console, language: Language, letters: Mapping[str, Sequence[Any]]) -> None:
    """The letters themselves, the oldest first."""
    if not any(letters.values()):
        return
    table = _table("dlq.letters", language, "service", "letter", "place", "aggregate", "attempts", "error")
    for name, each in ((name, each) for name, found in letters.items() for each in found):
        table.add_row(
            name,
            str(each.id),
            f"{each.topic}/{each.partition}@{each.offset}",
            f"{each.aggregate} v{each.version}" if each.aggregate else "–",
            str(each.attempts),
            each.error,
        )
    console.print(table)


def print_letter(console: Console, language: Language, found: pb.GetDeadLetterResponse) -> None:
    """One letter: where it came from, why it is here, and the record as it came."""
    letter = found.letter
    lines = {
        "letter": str(letter.id),
        "place": f"{letter.topic}/{letter.partition}@{letter.offset}",
        "aggregate": f"{letter.aggregate} v{letter.version}" if letter.aggregate else "–",
        "error": letter.error,
        "attempts": str(letter.attempts),
        "since": _moment(letter.failed_at),
        "waiting": str(found.parked_count),
    }
    for key, value in lines.items():
        console.print(f"{say(f'dlq.column.{key}', language)}: {value}", markup=False, soft_wrap=True)
    for header in found.headers:
        console.print(
            f"  {header.name}: {header.value.decode(errors='replace')}", markup=False, soft_wrap=True
        )
    console.print(_value(letter.topic, found), markup=False, soft_wrap=True)


def _value(topic: str, found: pb.GetDeadLetterResponse) -> str:
    """The record's value in words where it can be read, else its first bytes."""
    known = known_topics().get(topic)
    types = {header.name: header.value.decode(errors="replace") for header in found.headers}
    message_type = known.value_of(types.get("ce_type", "")) if known is not None else None
    if message_type is not None:
        try:
            return f"{message_type.FromString(found.value)}"
        except DecodeError:
            return _hex(found.value)
    return _hex(found.value)


def _hex(value: bytes) -> str:
    return value[:_VALUE_BYTES_SHOWN].hex()


def _table(title: str, language: Language, *columns: str) -> Table:
    table = Table(title=say(title, language), title_justify="left", expand=False)
    for column in columns:
        table.add_column(say(f"dlq.column.{column}", language) if column else "", overflow="fold")
    return table


def _moment(stamp: Any) -> str:
    return f"{stamp.ToDatetime():%Y-%m-%d %H:%M:%S}Z"
