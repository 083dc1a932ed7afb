"""A search among many places: those without a bed of the type take nobody's place in the answer."""

from types import SimpleNamespace
from typing import Any, cast

from services.bed.application.reading import WardReading
from services.bed.application.search_beds import BedSearching
from services.bed.domain.search import BedSearch
from services.bed.domain.search import Facility as Place
from services.bed.domain.values import BedType
from services.shared.copies.document_copies import DocumentCopies
from services.shared.kernel.text import BilingualText

from .facility import TYPE, Facility
from .scenario import HOSPITAL

CLINICS = 60


def place(name: str, minutes: int) -> Place:
    return Place(id=name, name=BilingualText(zh=name, en=name), travel_minutes={"branch": minutes})


def searching(facility: Facility, *places: Place) -> BedSearching:
    reading = WardReading(facility.store, facility.runner, facility.kinds, stale_after_s=60)
    copies: Any = SimpleNamespace(current=lambda: {each.id: each for each in places})
    return BedSearching(reading, cast("DocumentCopies[Place]", copies), stale_after_s=60)


async def test_sixty_clinics_near_by_do_not_hide_the_hospital_that_has_the_bed() -> None:
    facility = Facility()
    await facility.apply("w", 1)
    clinics = [place(f"clinic-{number}", number) for number in range(CLINICS)]
    search = BedSearch(origin="branch", bed_type=TYPE)
    found = await searching(facility, *clinics, place(HOSPITAL, 90)).search(search, facility.now)
    assert [(each.facility, each.travel_minutes) for each in found] == [(HOSPITAL, 90)]


async def test_the_answer_is_bounded_and_the_nearest() -> None:
    facility = Facility()
    for number in range(CLINICS):
        await facility.apply(f"w{number}", 1, at=f"clinic-{number}")
    clinics = [place(f"clinic-{number}", number) for number in range(CLINICS)]
    found = await searching(facility, *reversed(clinics)).search(
        BedSearch(origin="branch", bed_type=TYPE), facility.now
    )
    assert [each.facility for each in found] == [f"clinic-{number}" for number in range(50)]
    other = BedSearch(origin="branch", bed_type=BedType.ICU)
    assert await searching(facility, *clinics).search(other, facility.now) == ()
