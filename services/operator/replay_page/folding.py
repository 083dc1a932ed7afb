"""Folds events, each record's in their order, into the story that a page tells."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from heapq import nsmallest
from typing import Any

from services.operator.replay_page.happening import (
    Happening,
    OfAlert,
    OfConsultation,
    OfReferral,
    OfWard,
)
from services.operator.replay_page.records import (
    BEFORE_ALL,
    Record,
    tell_alerts,
    tell_consultations,
    tell_referrals,
    tell_wards,
)
from services.operator.replay_page.story import Entry, LeftOut, Place, ReferralStands, Story
from services.shared.kernel.text import BilingualText


class NothingHappened(Exception):
    """There is no event to tell of."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """What is told. An empty set lets everything through."""

    #: the first moment, and the first after the last one; None for no such bound
    since: int | None
    until: int | None
    episodes: frozenset[str]
    facilities: frozenset[str]
    entries_max: int


class Fold:
    """Takes events, gives the story. Events of one aggregate come in the order of their versions."""

    def __init__(self, choice: Choice) -> None:
        self._choice = choice
        self._chosen: set[str] = set()
        self._taking_part: set[str] = set()
        self._records: dict[str, Record[Any]] = {}
        self._entries: list[Entry] = []
        self._count = 0
        self._late = 0
        #: nothing after it can be shown
        self._horizon: int | None = None

    def take(self, each: Happening) -> None:
        """One event more; one that came before changes nothing."""
        record = self._records.get(each.aggregate)
        if record is None:
            if not self._is_of_interest(each):
                return
            record = self._records[each.aggregate] = Record(about=each.of)
        if each.version <= record.version:
            return
        record.version = each.version
        self._note(each)
        at = BEFORE_ALL if each.is_description and not record.track else max(each.at, record.last_at)
        if at > each.at and not each.is_description:
            self._late += 1
        record.last_at = at
        self._fold(each, record, at)
        if self._is_entry(each):
            self._enter(each, record.about)

    def _is_of_interest(self, each: Happening) -> bool:
        choice = self._choice
        if isinstance(each.of, OfWard):
            # Whose beds they are is known when everything is read: only those who take part are told.
            return not choice.facilities or each.of.facility in choice.facilities
        if choice.episodes and choice.episodes.isdisjoint(each.episodes):
            return False
        return not choice.facilities or not choice.facilities.isdisjoint(each.facilities)

    def _note(self, each: Happening) -> None:
        if not isinstance(each.of, OfWard):
            self._chosen.add(each.aggregate)
            self._taking_part |= each.facilities

    def _fold(self, each: Happening, record: Record[Any], at: int) -> None:
        if self._is_beyond(at):
            return
        of, since = each.of, self._choice.since
        match of:
            case OfReferral():
                before = record.track[-1][1] if record.track else None
                record.about = of
                record.add(at, _on_the_road(of, before, each), since)
            case OfWard(counts=counts):
                if of.name is not None or record.about is None:
                    record.about = of
                record.add(at, counts, since)
            case OfConsultation(state=state) | OfAlert(state=state) if state is not None:
                record.add(at, state, since)
            case _:
                pass

    def _is_beyond(self, at: int) -> bool:
        until, horizon = self._choice.until, self._horizon
        return (until is not None and at >= until) or (horizon is not None and at > horizon)

    def _is_entry(self, each: Happening) -> bool:
        if each.is_description or (self._choice.since is not None and each.at < self._choice.since):
            return False
        if self._choice.until is not None and each.at >= self._choice.until:
            return False
        of_bed = isinstance(each.of, OfWard)
        return not (of_bed and self._choice.episodes) or each.case in self._chosen

    def _enter(self, each: Happening, about: object) -> None:
        self._count += 1
        if self._is_beyond(each.at):
            return
        # Only the event that triggers an alert says of what, and where.
        alert = about if isinstance(about, OfAlert) else None
        self._entries.append(
            Entry(
                at=each.at,
                aggregate=each.aggregate,
                version=each.version,
                type=each.type,
                facility=each.facility or (alert.facility if alert else ""),
                recorded_at=each.recorded_at,
                case=each.case or (alert.subject if alert else ""),
                detail=each.detail,
            )
        )
        if len(self._entries) > 2 * self._choice.entries_max:
            self._prune()

    def _prune(self) -> None:
        """Keeps the earliest entries; what holds only after the last of them is not needed either."""
        if len(self._entries) <= self._choice.entries_max:
            return
        self._entries = nsmallest(self._choice.entries_max, self._entries)
        self._horizon = horizon = self._entries[-1].at
        for record in self._records.values():
            while record.track and record.track[-1][0] > horizon:
                record.track.pop()

    def story(
        self, places: Mapping[str, Place], communities: Mapping[str, BilingualText], *, unread: int
    ) -> Story:
        """What was taken, as a story. Raises NothingHappened."""
        self._prune()
        entries = sorted(self._entries)
        if not entries:
            raise NothingHappened
        begins_at = entries[0].at if self._choice.since is None else self._choice.since
        ends_at = entries[-1].at
        if self._horizon is None and self._choice.until is not None:
            ends_at = max(ends_at, self._choice.until - 1)
        records = {name: each for name, each in self._records.items() if each.track}
        wards = [each for each in tell_wards(records) if self._takes_part(each.facility)]
        referrals = tell_referrals(records, begins_at)
        consultations = tell_consultations(records, begins_at)
        alerts = tell_alerts(records, begins_at)
        named = {each.facility for each in wards} | {each.facility for each in alerts}
        named |= {each.facility for each in entries}
        named |= {each.requester for each in consultations} | {each.centre for each in consultations}
        standings = [stands for each in referrals for _, stands in each.track]
        named |= {each.origin for each in standings} | {each.destination for each in standings}
        return Story(
            begins_at=begins_at,
            ends_at=max(ends_at, begins_at + 1),
            places=[*places.values(), *map(_unknown, sorted(named - {""} - places.keys()))],
            communities=communities,
            entries=entries,
            referrals=referrals,
            consultations=consultations,
            wards=wards,
            alerts=alerts,
            left_out=LeftOut(entries=self._count - len(entries), unread=unread, late=self._late),
        )

    def _takes_part(self, facility: str) -> bool:
        return not self._choice.episodes or facility in self._taking_part


def _on_the_road(of: OfReferral, before: ReferralStands | None, each: Happening) -> ReferralStands:
    """Where it stands, with when the patient left and is expected for as long as he is on the road."""
    if of.stands.state != "IN_TRANSIT":
        return of.stands
    was = before if before is not None and before.state == "IN_TRANSIT" else None
    return replace(
        of.stands,
        departed_at=was.departed_at if was is not None else each.at,
        expected_at=of.expected_at or (was.expected_at if was is not None else None),
    )


def _unknown(facility: str) -> Place:
    """One that the directory does not have any more."""
    name = BilingualText(zh=facility, en=facility)
    return Place(id=facility, name=name, tier=0, community="", travel_minutes={})
