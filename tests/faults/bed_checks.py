"""Beds: none has two patients, and referrals and beds tell the same story once everything is at rest."""

from collections import Counter
from collections.abc import Iterator

from tests.faults.checks import Check
from tests.faults.evidence import Evidence
from tests.faults.history import History
from tests.integration.bed_checker import by_stream, check_snapshots, check_wards, read

#: Events after which a referral has no use for a bed that was kept for it.
_ENDS = {"ReferralCancelled", "ReferralExpired", "ReferralClosed", "PatientDied"}


def no_bed_has_two_holders(_history: History, evidence: Evidence) -> Iterator[str]:
    """Each ward's events follow from one another, bed by bed; at the end no referral has two beds."""
    streams = by_stream(read(_rows(evidence)))
    faults, places = check_wards(streams)
    yield from faults
    last = {name: events[-1].version for name, events in streams.items() if name.startswith("wards/")}
    yield from check_snapshots([last], places)


def who_is_gone_holds_no_bed(_history: History, evidence: Evidence) -> Iterator[str]:
    """A referral that has ended holds no bed; one that is on its way or there has at most one."""
    streams = by_stream(read(_rows(evidence)))
    _, places = check_wards(streams)
    last = {name: events[-1].version for name, events in streams.items() if name.startswith("wards/")}
    held = Counter(
        referral for at in last.items() for referral, beds in places.get(at, {}).items() for _ in beds
    )
    ended = {
        event.stream
        for event in evidence.stores["referral"].events
        if event.type in _ENDS and event.stream.startswith("referrals/")
    }
    yield from (f"{referral} has ended and holds a bed" for referral in sorted(held.keys() & ended))


def _rows(evidence: Evidence) -> list[dict[str, object]]:
    return [
        {"stream_id": event.stream, "version": event.version, "payload": event.payload}
        for event in evidence.stores["bed"].events
        if event.stream.startswith("wards/")
    ]


BED_CHECKS: tuple[Check, ...] = (no_bed_has_two_holders, who_is_gone_holds_no_bed)
