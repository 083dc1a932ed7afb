"""Wards of the tests, as the referral service knows them."""

from datetime import timedelta

from services.referral.domain.free_beds import WardBeds, WardCounts
from services.referral.domain.values import BedType
from tests.unit.referral.referral.network import START

LATELY = timedelta(minutes=10)


def ward(
    name: str,
    bed_type: BedType,
    *,
    free: int,
    beds: int = 10,
    confirmed: timedelta | None = LATELY,
    moved: timedelta | None = None,
) -> WardBeds:
    """A ward whose counts were confirmed, and moved, so long before START; None is never."""
    return WardBeds(
        ward=name,
        version=1,
        facility="jimsar-general",
        bed_type=bed_type,
        counts=WardCounts(beds=beds, free=free, occupied=beds - free),
        confirmed_at=None if confirmed is None else START - confirmed,
        moved_at=None if moved is None else START - moved,
    )
