"""What a trial's document says, in the rows that table and page share."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from services.operator.report.formats import span
from services.operator.texts import text
from services.shared.kernel.text import BilingualText


@dataclass(frozen=True, kw_only=True, slots=True)
class Measure:
    """One figure both ways."""

    title: BilingualText
    recorded: str
    what_if: str
    #: signed; empty when nothing differs or there is nothing to compare
    difference: str
    #: whether more is worse: -1, 0 for neither, 1
    worse: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One referral both ways."""

    name: str
    requested_at: str
    origin: BilingualText
    urgency: str
    recorded: BilingualText
    what_if: BilingualText
    #: of the acceptance, of the stay at the origin, of the way; empty when nothing differs
    accepted: str
    stay: str
    travel: str
    #: why it differs, and what of it is assumed
    because: BilingualText
    is_changed: bool


#: Of a total: its field, whether it is a span, and whether more is worse.
_MEASURES: tuple[tuple[str, bool, int], ...] = (
    ("referrals", False, 0),
    ("offered", False, 1),
    ("accepted", False, -1),
    ("declined", False, 1),
    ("lapsed", False, 1),
    ("late", False, 1),
    ("accepted_median_s", True, 1),
    ("door_in_door_out_median_s", True, 1),
    ("door_in_door_out_missed", False, 1),
    ("travel_minutes", False, 1),
)


class Findings:
    """A trial's document, read."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document
        self._names: Mapping[str, Any] = document["facilities"]

    @property
    def changed(self) -> int:
        """Referrals whose course is another."""
        count: int = self._document["difference"]["changed"]
        return count

    def measures(self) -> tuple[Measure, ...]:
        """Every total."""
        difference = self._document["difference"]
        recorded, what_if = difference["recorded"], difference["what_if"]
        return tuple(
            Measure(
                title=text(f"what_if.{field}"),
                recorded=_shown(recorded[field], is_span=is_span),
                what_if=_shown(what_if[field], is_span=is_span),
                difference=_signed(recorded[field], what_if[field], is_span=is_span),
                worse=worse,
            )
            for field, is_span, worse in _MEASURES
        )

    def remarks(self) -> tuple[BilingualText, ...]:
        """What was left out, on how many cases figures rest, and how much is assumed."""
        document, difference = self._document, self._document["difference"]
        recorded = difference["recorded"]
        found = [
            text(
                "what_if.pairs",
                stays=recorded["door_in_door_out_count"],
                ways=recorded["travel_count"],
            )
        ]
        for key, count in (
            ("what_if.origin_gone", difference["origin_gone"]),
            ("what_if.incomplete", document["incomplete"]),
            ("what_if.in_error", document["in_error"]),
        ):
            if count:
                found.append(text(key, count=count))
        bases = {key: count for key, count in difference["bases"].items() if count}
        found.extend(text(f"what_if.basis.{key}", count=count) for key, count in bases.items())
        return tuple(found)

    def rows(self) -> tuple[Row, ...]:
        """Every referral, those that differ first, each group by time."""
        rows = [self._row(each) for each in self._document["comparisons"]]
        return tuple(sorted(rows, key=lambda row: not row.is_changed))

    def _row(self, found: Mapping[str, Any]) -> Row:
        recorded, what_if = found["recorded"], found["what_if"]
        return Row(
            name=found["name"],
            requested_at=found["requested_at"][:16].replace("T", " ") + "Z",
            origin=self._name(found["origin"]),
            urgency=found["urgency"],
            recorded=self._course(recorded),
            what_if=self._course(what_if),
            accepted=_signed(recorded["accepted_s"], what_if["accepted_s"], is_span=True),
            stay=_signed(recorded["door_in_door_out_s"], what_if["door_in_door_out_s"], is_span=True),
            travel=_signed(recorded["travel_minutes"], what_if["travel_minutes"], is_span=False),
            because=self._because(found),
            # Without an origin there is nothing to compare: a remark counts those.
            is_changed=recorded != what_if and what_if["outcome"] != "ORIGIN_GONE",
        )

    def _course(self, course: Mapping[str, Any]) -> BilingualText:
        """Whom it asked, one after the other, and how it ended."""
        asked = [
            text(f"what_if.answer.{each['kind']}", facility=self._name(each["facility"]))
            for each in course["asked"]
        ]
        if course["outcome"] != "ACCEPTED":
            asked.append(text(f"what_if.outcome.{course['outcome']}"))
        return _joined(asked, " → ")

    def _because(self, found: Mapping[str, Any]) -> BilingualText:
        said = [
            text("what_if.left_out", facility=self._name(each["facility"]), rules=", ".join(each["rules"]))
            for each in found["left_out"]
        ]
        said.extend(text(f"what_if.assumption.{each}") for each in found["assumptions"])
        said.extend(
            text(
                f"what_if.assumed.{each['basis']}", facility=self._name(each["facility"]), cases=each["cases"]
            )
            for each in found["what_if"]["asked"]
            if each["basis"] != "RECORDED"
        )
        return _joined(said, "; ")

    def _name(self, facility: str) -> BilingualText:
        """Its name; its id where the directory that is tried does not have it."""
        name = self._names.get(facility) or {"zh": facility, "en": facility}
        return BilingualText(zh=name["zh"], en=name["en"])


def _joined(parts: list[BilingualText], between: str) -> BilingualText:
    def one(read: Callable[[BilingualText], str]) -> str:
        return between.join(read(part) for part in parts)

    return BilingualText(zh=one(lambda part: part.zh), en=one(lambda part: part.en))


def _shown(value: int | None, *, is_span: bool) -> str:
    if value is None:
        return "–"
    return span(value) if is_span else f"{value:,}"


def _signed(before: int | None, after: int | None, *, is_span: bool) -> str:
    if before is None or after is None or before == after:
        return ""
    sign = "+" if after > before else "−"
    return f"{sign}{_shown(abs(after - before), is_span=is_span)}"
