"""A scan of many aggregates at once finds what the verification of each finds, and accuses nobody else."""

import pytest

from services.shared.audit.scan import Depth
from tests.contract.tampered_stores import COLUMNS, CORPUS, WHOLE, WHOLE_CHAINS, Archive


@pytest.mark.parametrize("column", COLUMNS)
async def test_any_altered_column_is_found_and_named(archive: Archive, column: str) -> None:
    statements, named, chains_show_it = COLUMNS[column]
    for statement in statements:
        await archive.database.execute(statement)

    found = await archive.verified()

    assert named in found
    assert await archive.scanned(Depth.STATES) == found
    assert await archive.scanned(Depth.CHAINS) == (found if chains_show_it else set())


@pytest.mark.parametrize("done", CORPUS)
async def test_a_scan_finds_what_the_verification_of_each_aggregate_finds(
    archive: Archive, done: str
) -> None:
    for depth in Depth:
        assert await archive.scanned(depth) == set()
    for statement in CORPUS[done][0]:
        await archive.database.execute(statement)

    found = await archive.verified()

    assert bool(found) == (done not in WHOLE)
    assert await archive.scanned(Depth.STATES) == found
    chains = await archive.scanned(Depth.CHAINS)
    assert chains == (set() if done in WHOLE_CHAINS else found)
