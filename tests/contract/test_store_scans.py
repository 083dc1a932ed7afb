"""A scan of many aggregates at once finds what the verification of each finds, and accuses nobody else."""

import asyncpg
import pytest

from services.shared.audit import scan
from services.shared.audit.scan import SCAN_SESSION, Depth
from services.shared.database.sql_blocks import load_blocks
from tests.contract.tampered_stores import COLUMNS, CORPUS, WHOLE, WHOLE_CHAINS, Archive
from tests.doubles.parcel import PARCEL


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


@pytest.mark.parametrize("depth", Depth)
async def test_every_aggregate_is_in_one_page_however_small_they_are(
    archive: Archive, depth: Depth, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scan, "_PAGE_EVENTS", 11)
    monkeypatch.setattr(scan, "_HASHED_PAGE_AGGREGATES", 2)
    # Events without a row: beyond the last one, and between two of them.
    for name in ("p/zz", "p/31"):
        await archive.database.execute(
            f"INSERT INTO events SELECT '{name}', version, gen_random_uuid(), type, recorded_at, "
            "previous_hash, hash, payload FROM events WHERE stream_id = 'p/1' AND version = 1"
        )
    connection = await asyncpg.connect(archive.database.dsn, server_settings=SCAN_SESSION)
    try:
        pages = await scan.pages_of(connection, depth)
        scanned = scan.StoreScan(connection, depth=depth, kinds=lambda: {"parcel": PARCEL})
        found = [page async for page in scanned.verify(pages)]
    finally:
        await connection.close()

    assert len(pages) > 3
    assert sum(page.aggregates_count for page in found) == 7
    assert sum(page.events_count for page in found) == 37
    assert sorted(each.aggregate_id for page in found for each in page.findings) == ["p/31", "p/zz"]


_STATEMENTS = load_blocks("services.shared.audit.sql", "scan.sql")
#: So many that walking along the key is not what the database would do by itself.
_MANY = """
    INSERT INTO events
    SELECT 'q/' || parcel, version, gen_random_uuid(), 'Moved', now(), hash, hash,
           decode(repeat('ab', 600), 'hex')
    FROM generate_series(1, 20) version, generate_series(1, 400) parcel, sha256('x') hash
"""


async def test_a_page_is_never_in_the_databases_memory_as_a_whole(archive: Archive) -> None:
    await archive.database.execute(_MANY)
    await archive.database.execute("ANALYZE events")
    statement = _STATEMENTS["chains"]
    for parameter, value in (("$1", "'q/1'"), ("$2", "'q/3'"), ("$3", "''")):
        statement = statement.replace(parameter, value)
    connection = await asyncpg.connect(archive.database.dsn, server_settings=SCAN_SESSION)
    try:
        pages = await connection.fetch(f"EXPLAIN {_STATEMENTS['key_pages'].replace('$1', '10')}")
        plan = "\n".join(row[0] for row in await connection.fetch(f"EXPLAIN (COSTS OFF) {statement}"))
    finally:
        await connection.close()

    assert "Index Only Scan using streams_pkey" in "\n".join(row[0] for row in pages)
    assert "Index Scan using events_pkey" in plan
    assert "GroupAggregate" in plan
    for gathering in ("HashAggregate", "Sort"):
        assert gathering not in plan
