"""Which wards a facility has, kept in mind by one process while another one opens and closes them."""

import pytest

from services.bed.application.finding_wards import WardFinder
from services.bed.domain.values import BedType
from services.shared.eventstore.store import StreamPage, StreamQuery
from services.shared.kernel.refusals import NotAllowed
from tests.doubles.memory_store import MemoryEventStore

from .facility import TYPE, Facility


class AskedStore(MemoryEventStore):
    """Knows how often it was asked for lists."""

    def __init__(self) -> None:
        super().__init__()
        self.lists = 0

    async def find(self, query: StreamQuery) -> StreamPage:
        self.lists += 1
        return await super().find(query)


@pytest.fixture
async def processes() -> tuple[Facility, Facility]:
    """Two processes that know one ward, whose only bed is held."""
    store = AskedStore()
    here, elsewhere = Facility(store), Facility(store)
    await here.apply("w", 1)
    await here.hold(1)
    for process in (here, elsewhere):
        with pytest.raises(NotAllowed):
            await process.hold(2)
    return here, elsewhere


async def test_who_is_refused_asks_for_no_list(processes: tuple[Facility, Facility]) -> None:
    here, _ = processes
    assert isinstance(here.store, AskedStore)
    before = here.store.lists
    for number in range(3, 9):
        with pytest.raises(NotAllowed):
            await here.hold(number)
    assert here.store.lists == before


async def test_a_ward_that_another_process_opened_is_found_before_anybody_is_refused(
    processes: tuple[Facility, Facility],
) -> None:
    here, elsewhere = processes
    await elsewhere.apply("x", 1)
    assert (await here.hold(3)).id == "x"


async def test_a_closed_ward_that_opens_again_is_found(processes: tuple[Facility, Facility]) -> None:
    here, elsewhere = processes
    await elsewhere.apply("x", 1)
    await elsewhere.apply("x", 0)
    for _ in range(2):
        # The first one learns of the ward at all, the second keeps in mind what there is.
        with pytest.raises(NotAllowed):
            await here.hold(3)
    await elsewhere.apply("x", 1)
    assert (await here.hold(3)).id == "x"


async def test_a_ward_that_becomes_one_of_another_type_is_found_there(
    processes: tuple[Facility, Facility],
) -> None:
    here, elsewhere = processes
    await elsewhere.apply("x", 1, BedType.ICU)
    with pytest.raises(NotAllowed):
        await here.hold(3)
    await elsewhere.apply("x", 1, TYPE)
    assert (await here.hold(3)).id == "x"


async def test_no_more_facilities_are_kept_in_mind_than_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.bed.application.finding_wards._KNOWN_MAX", 1)
    facility = Facility()
    finder: WardFinder = facility.finder
    await facility.apply("w", 3)
    await facility.apply("x", 3, BedType.ICU)
    for number, bed_type in enumerate((TYPE, BedType.ICU, TYPE), start=1):
        await facility.hold(number, bed_type=bed_type)
        assert len(finder._known) == 1
