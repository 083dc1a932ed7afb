"""What is known of each record while events are folded, and how it is told."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from services.operator.replay_page.happening import NOTHING, OfAlert, OfConsultation, OfReferral, OfWard
from services.operator.replay_page.story import AlertTold, ConsultationTold, ReferralTold, WardTold

Value = TypeVar("Value")
#: A description counts from before everything.
BEFORE_ALL = 0
_REFERRAL_ENDS = frozenset({"CLOSED", "CANCELLED", "EXPIRED", "DECEASED", "ENTERED_IN_ERROR"})
_CONSULTATION_ENDS = frozenset({"REPORTED", "CANCELLED"})
_ALERT_ENDS = frozenset({"RESOLVED"})


@dataclass(slots=True)
class Record(Generic[Value]):
    """One aggregate so far."""

    #: what its first event said of it, or the one that describes it
    about: Any
    version: int = 0
    last_at: int = BEFORE_ALL
    track: list[tuple[int, Value]] = field(default_factory=list)

    def add(self, at: int, value: Value, since: int | None) -> None:
        """From `at` on, `value`. What held before the page begins is one point."""
        if self.track and (self.track[-1][0] == at or (since is not None and at <= since)):
            self.track.pop()
        self.track.append((at, value))


def tell_referrals(records: Mapping[str, Record[Any]], begins_at: int) -> list[ReferralTold]:
    """Those that were not over before the story begins."""
    return [
        ReferralTold(
            name=name,
            episode=of.episode,
            urgency=of.urgency,
            pathway=of.pathway,
            direction=of.direction,
            green_channel=of.green_channel,
            track=tuple(each.track),
        )
        for name, each, of in _of(records, OfReferral)
        if not _was_over(each.track[-1][0], each.track[-1][1].state, begins_at, _REFERRAL_ENDS)
    ]


def tell_consultations(records: Mapping[str, Record[Any]], begins_at: int) -> list[ConsultationTold]:
    """Those that were not over before the story begins."""
    return [
        ConsultationTold(name=name, requester=of.requester, centre=of.centre, track=tuple(each.track))
        for name, each, of in _of(records, OfConsultation)
        if not _was_over(*each.track[-1], begins_at, _CONSULTATION_ENDS)
    ]


def tell_alerts(records: Mapping[str, Record[Any]], begins_at: int) -> list[AlertTold]:
    """Those that were not over before the story begins."""
    return [
        AlertTold(
            name=name,
            facility=of.facility,
            severity=of.severity,
            title=of.title,
            is_drill=of.is_drill,
            track=tuple(each.track),
        )
        for name, each, of in _of(records, OfAlert)
        if not _was_over(*each.track[-1], begins_at, _ALERT_ENDS)
    ]


def tell_wards(records: Mapping[str, Record[Any]]) -> list[WardTold]:
    """All of them, by facility and name."""
    wards = [
        WardTold(
            id=name.removeprefix("wards/"),
            facility=of.facility,
            bed_type=of.bed_type,
            name=of.name or NOTHING,
            track=tuple(each.track),
        )
        for name, each, of in _of(records, OfWard)
        if name.startswith("wards/")
    ]
    return sorted(wards, key=lambda each: (each.facility, each.id))


def _of(records: Mapping[str, Record[Any]], kind: type) -> Iterator[tuple[str, Record[Any], Any]]:
    for name, each in records.items():
        if isinstance(each.about, kind):
            yield name, each, each.about


def _was_over(at: int, state: str, begins_at: int, ends: frozenset[str]) -> bool:
    return at < begins_at and state in ends
