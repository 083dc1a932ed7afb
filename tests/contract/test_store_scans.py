"""A scan of many aggregates at once finds what the verification of each finds, and accuses nobody else."""

import asyncpg
import pytest

from services.shared.audit import chain_walk, head_reading, scan
from services.shared.audit.scan import SCAN_SESSION, Depth
from services.shared.audit.verifiers import Verifiers
from services.shared.database.sql_blocks import load_blocks
from tests.contract.tampered_stores import COLUMNS, CORPUS, WHOLE, WHOLE_CHAINS, Archive, verified_pages
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
    archive: Archive, done: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for depth in Depth:
        assert await archive.scanned(depth) == set()
    for statement in CORPUS[done][0]:
        await archive.database.execute(statement)

    found = await archive.verified()

    assert bool(found) == (done not in WHOLE)
    assert await archive.scanned(Depth.STATES) == found
    # Looked up one by one, and along the disk.
    for blocks_a_row in (0, 1_000_000):
        monkeypatch.setattr(head_reading, "_BLOCKS_A_ROW", blocks_a_row)
        chains = await archive.scanned(Depth.CHAINS)
        assert chains == (set() if done in WHOLE_CHAINS else found)


@pytest.mark.parametrize("depth", Depth)
async def test_every_aggregate_is_in_one_page_however_small_they_are(
    archive: Archive, depth: Depth, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scan, "_PAGE_EVENTS", 11)
    monkeypatch.setattr(chain_walk, "_LOOKED_AT_EVENTS", 1)
    # Events without a row: beyond the last one, and between two of them.
    for name in ("p/zz", "p/31"):
        await archive.database.execute(
            f"INSERT INTO events SELECT '{name}', version, gen_random_uuid(), type, recorded_at, "
            "previous_hash, hash, payload FROM events WHERE stream_id = 'p/1' AND version = 1"
        )
    connection = await asyncpg.connect(archive.database.dsn, server_settings=SCAN_SESSION)
    try:
        found = [page async for page in await verified_pages(connection, depth)]
    finally:
        await connection.close()

    assert len(found) > 3
    assert sum(page.aggregates_count for page in found) == 7
    assert sum(page.events_count for page in found) == 37
    assert sorted(each.aggregate_id for page in found for each in page.findings) == ["p/31", "p/zz"]


_STATEMENTS = load_blocks("services.shared.audit.sql", "scan.sql")
#: More than a block of the disk holds.
_MANY = """
    INSERT INTO events
    SELECT 'q/' || parcel, version, gen_random_uuid(), 'Moved', now(), hash, hash,
           decode(repeat('ab', 600), 'hex')
    FROM generate_series(1, 2) version, generate_series(1, 40) parcel, sha256('x') hash
"""


async def test_each_event_is_read_once_as_it_lies(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    await archive.database.execute(_MANY)
    monkeypatch.setattr(chain_walk, "_SPAN_BLOCKS", 3)
    monkeypatch.setattr(chain_walk, "_ROW_BLOCKS", 2)
    statement = _STATEMENTS["lying_events"]
    for parameter, value in (("$1", "0"), ("$2", "9"), ("$3", "2")):
        statement = statement.replace(parameter, value)
    connection = await asyncpg.connect(archive.database.dsn, server_settings=SCAN_SESSION)
    try:
        spans = await chain_walk.spans_of(connection)
        assert spans is not None
        walk = chain_walk.ChainWalk(connection, kinds=lambda: {"parcel": PARCEL})
        hashed = [page.events_count async for page in walk.verify(spans)]
        plan = "\n".join(row[0] for row in await connection.fetch(f"EXPLAIN (COSTS OFF) {statement}"))
    finally:
        await connection.close()

    assert len(spans) > 3
    assert (sum(hashed), all(hashed)) == (35 + 80, True)
    assert "Tid Range Scan on events" in plan
    for gathering in ("Hash", "Sort", "Materialize"):
        assert gathering not in plan


async def test_what_could_be_there_twice_is_looked_at(archive: Archive) -> None:
    await archive.database.execute("ALTER TABLE events DROP CONSTRAINT events_pkey")
    connection = await asyncpg.connect(archive.database.dsn, server_settings=SCAN_SESSION)
    try:
        assert await chain_walk.spans_of(connection) is None
    finally:
        await connection.close()
    assert await archive.scanned(Depth.CHAINS) == set()

    await archive.database.execute("INSERT INTO events SELECT * FROM events WHERE stream_id = 'p/3'")
    named = {name for name, _, _ in await archive.scanned(Depth.CHAINS)}
    assert named == {"p/3"}


async def test_a_name_that_is_no_name_is_told_of_all_the_same(archive: Archive) -> None:
    await archive.database.execute("UPDATE events SET stream_id = 'p/3,p/3' WHERE stream_id = 'p/3'")
    found = await archive.scanned(Depth.CHAINS)
    assert {(name, code) for name, _, code in found} >= {("p/3,p/3", "UNKNOWN_EVENT")}
    assert {name for name, _, _ in found} == {"p/3", "p/3,p/3"}


async def test_more_that_are_open_than_are_kept_are_looked_at(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chain_walk, "_SPAN_BLOCKS", 1)
    monkeypatch.setattr(chain_walk, "_SETTLED_AT", 1)
    monkeypatch.setattr(chain_walk, "_OPEN_MAX", 0)
    await archive.database.execute(CORPUS["deleted middle"][0][0])
    assert await archive.scanned(Depth.CHAINS) == await archive.verified()


async def test_chains_that_lie_in_the_shares_of_several_processes_are_put_together(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chain_walk, "_SPAN_BLOCKS", 1)
    for round_number in range(6):
        for parcel in range(7):
            await archive.move(f"p/{parcel}", 5, minutes=round_number)

    # Nothing is left to be looked at, for which the kinds would be needed.
    verifiers = Verifiers(archive.database, "tests.doubles.no_such_module", processes_max=3)
    pages = [page async for page in verifiers.verify(depth=Depth.CHAINS, processes=3)]
    assert (pages[-1].aggregates_count, pages[-1].events_count) == (7, 245)
    assert [page.findings for page in pages if page.findings] == []

    await archive.database.execute(CORPUS["altered byte"][0][0])
    verifiers = Verifiers(archive.database, "tests.doubles.parcel_aggregates", processes_max=3)
    pages = [page async for page in verifiers.verify(depth=Depth.CHAINS, processes=3)]
    found = {(each.aggregate_id, each.version, each.code.value) for page in pages for each in page.findings}
    assert found == await archive.verified()


async def test_large_payloads_are_sent_off_in_smaller_pieces(archive: Archive) -> None:
    await archive.database.execute(
        "INSERT INTO events SELECT 'q/1', version, gen_random_uuid(), 'Moved', now(), hash, hash, "
        "decode(repeat('ab', 100000), 'hex') FROM generate_series(1, 40) version, sha256('x') hash"
    )
    connection = await asyncpg.connect(archive.database.dsn, server_settings=SCAN_SESSION)
    try:
        spans = await chain_walk.spans_of(connection)
    finally:
        await connection.close()

    assert spans is not None
    assert {span.row_blocks for span in spans} == {1}
    found = await archive.scanned(Depth.CHAINS)
    assert {(name, code) for name, _, code in found} == {("q/1", "UNKNOWN_EVENT")}
