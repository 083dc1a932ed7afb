"""The waiting list: who is next, and what a bed that becomes free means for them. 候床

The order is declared: urgency, then the time of asking, then the referral's id. A bed goes to the first on
the list that it fits; nobody is passed over for any other reason. So at every moment no bed is free that fits
somebody who waits, and who asks for a bed and finds one takes it from nobody.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from services.bed.domain.commands import HoldBed
from services.bed.domain.desk_commands import JoinWaitingList
from services.bed.domain.fitting import choose_ward
from services.bed.domain.state import Ward
from services.bed.domain.values import BedState, Urgency, WaitingEntry

#: at one facility; the list is a part of one aggregate
WAITING_MAX: Final = 500

#: A bed that is got late is held as long as one that was got at once would be held beyond the arrival: half
#: an hour in an emergency, two hours when it is urgent, the day of the visit else.
LEASES: Final[dict[Urgency, timedelta]] = {
    Urgency.EMERGENCY: timedelta(minutes=30),
    Urgency.URGENT: timedelta(hours=2),
    Urgency.ROUTINE: timedelta(hours=24),
}

#: How far ahead people may hold a bed: for a visit on the day after tomorrow, and that day (product default,
#: confidence C).
LEASE_MAX: Final = timedelta(hours=72)

_RANKS: Final = {urgency: rank for rank, urgency in enumerate(Urgency)}


def place(entry: WaitingEntry) -> tuple[int, datetime, str]:
    """What the list is ordered by."""
    return _RANKS[entry.urgency], entry.asked_at, entry.referral


def ordered(entries: Sequence[WaitingEntry]) -> tuple[WaitingEntry, ...]:
    return tuple(sorted(entries, key=place))


def entry_of(request: HoldBed, recorded_at: datetime) -> WaitingEntry:
    """The entry of a referral that got no bed."""
    return WaitingEntry(
        referral=request.referral,
        patient=request.patient,
        facility=request.facility,
        bed_type=request.bed_type,
        urgency=request.urgency,
        # An acceptance that comes late, because this service was away, waits since it was given.
        asked_at=min(request.asked_at or recorded_at, recorded_at),
        sex=request.sex,
        age_years=request.age_years,
        isolation_needed=request.isolation_needed,
        hold_until=request.expires_at,
        patient_in_transit=request.patient_in_transit,
        patient_arrived=request.patient_arrived,
    )


def entry_asked_for(request: JoinWaitingList, recorded_at: datetime) -> WaitingEntry:
    return WaitingEntry(
        referral=request.referral,
        patient=request.patient,
        facility=request.facility,
        bed_type=request.bed_type,
        urgency=request.urgency,
        asked_at=recorded_at,
        sex=request.sex,
        age_years=request.age_years,
        isolation_needed=request.isolation_needed,
        hold_until=request.hold_until,
    )


def told_again(known: WaitingEntry, entry: WaitingEntry) -> WaitingEntry:
    """What is said anew of one who waits: they keep the time of asking, and where they are on the way."""
    return replace(
        entry,
        asked_at=known.asked_at,
        hold_until=entry.hold_until or known.hold_until,
        patient_in_transit=known.patient_in_transit or entry.patient_in_transit,
        patient_arrived=known.patient_arrived or entry.patient_arrived,
    )


def request_of(entry: WaitingEntry, recorded_at: datetime) -> HoldBed:
    """The hold that an entry gets at `recorded_at`."""
    earliest = recorded_at + LEASES[entry.urgency]
    return HoldBed(
        facility=entry.facility,
        referral=entry.referral,
        patient=entry.patient,
        bed_type=entry.bed_type,
        expires_at=max(entry.hold_until or earliest, earliest),
        sex=entry.sex,
        age_years=entry.age_years,
        isolation_needed=entry.isolation_needed,
        patient_in_transit=entry.patient_in_transit,
        patient_arrived=entry.patient_arrived,
    )


def next_served(entries: Sequence[WaitingEntry], wards: Sequence[Ward]) -> tuple[WaitingEntry, Ward] | None:
    """The first in order that one of the wards has a fitting free bed for, and that ward."""
    for entry in entries:
        ward = choose_ward(wards, entry)
        if ward is not None:
            return entry, ward
    return None


def opens_beds(before: Ward | None, after: Ward) -> bool:
    """Whether somebody may find a bed in the ward who found none before: one is free that was not, or that
    takes others now."""
    if before is None or before.bed_type is not after.bed_type:
        return any(bed.state is BedState.FREE for bed in after.beds)
    was_free = {bed.id: bed.constraints for bed in before.beds if bed.state is BedState.FREE}
    return any(bed.state is BedState.FREE and was_free.get(bed.id) != bed.constraints for bed in after.beds)
