"""Where chains end is read in two ways, and from any place of the disk: each tells of whoever is open."""

import asyncpg
import pytest

from services.shared.audit import head_reading
from services.shared.audit.chain_walk import ChainWalk, spans_of
from services.shared.audit.head_reading import heads_of
from services.shared.audit.runs import Run, Runs
from services.shared.audit.scan import SCAN_SESSION, Depth
from tests.contract.tampered_stores import Archive

#: Rows over several blocks of the disk.
_MANY = """
    INSERT INTO streams
    SELECT 'q/' || parcel, 'parcel', parcel, sha256('x'), decode(repeat('ab', 900), 'hex'), 1, '{}', parcel
    FROM generate_series(1, 60) parcel
"""
_LOOKED_UP, _ALONG_THE_DISK = 0, 1_000_000


def _open(*names: str) -> Runs:
    runs = Runs()
    runs.merge(Run(name, 1, b"root", 9, b"last") for name in names)
    return runs


@pytest.mark.parametrize("blocks_a_row", [_LOOKED_UP, 2, _ALONG_THE_DISK])
async def test_each_that_is_open_is_told_of_with_what_its_row_says(
    archive: Archive, monkeypatch: pytest.MonkeyPatch, blocks_a_row: int
) -> None:
    await archive.database.execute(_MANY)
    monkeypatch.setattr(head_reading, "_BLOCKS_A_ROW", blocks_a_row)
    monkeypatch.setattr(head_reading, "_PAGE_BLOCKS", 1)
    monkeypatch.setattr(head_reading, "_PAGE_NAMES", 2)
    connection = await asyncpg.connect(archive.database.dsn, server_settings=SCAN_SESSION)
    names = ("p/0", "p/6", "q/1", "q/30", "q/60", "ghost")
    try:
        rows = await connection.fetch("SELECT stream_id, kind, version, head_hash FROM streams")
        for from_block in (0, 1, 5, 100_000):
            pages = [list(page) async for page in heads_of(_open(*names), connection, from_block=from_block)]
            told = [head for page in pages for head in page]
            assert len(pages) > 2
            assert len(told) == len(set(told))
            assert set(told) <= {tuple(row) for row in rows}
            assert {stream_id for stream_id, *_ in told} >= set(names) - {"ghost"}
    finally:
        await connection.close()


async def test_nothing_is_read_where_nobody_is_open(archive: Archive) -> None:
    connection = await asyncpg.connect(archive.database.dsn, server_settings=SCAN_SESSION)
    try:
        assert [page async for page in heads_of(Runs(), connection, from_block=0)] == []
    finally:
        await connection.close()


async def test_reading_ends_with_the_last_that_is_open(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    await archive.database.execute(_MANY)
    monkeypatch.setattr(head_reading, "_BLOCKS_A_ROW", _ALONG_THE_DISK)
    monkeypatch.setattr(head_reading, "_PAGE_BLOCKS", 1)
    connection = await asyncpg.connect(archive.database.dsn, server_settings=SCAN_SESSION)
    try:
        blocks = await connection.fetchval("SELECT pg_relation_size('streams') / 8192")
        walk = ChainWalk(connection, kinds=dict)
        async for _ in walk.verify(await spans_of(connection) or ()):
            pass
        settled = []
        async for heads in heads_of(walk.runs, connection, from_block=0):
            settled.append(len(list(walk.runs.settle(heads))))
    finally:
        await connection.close()

    assert blocks > 4
    # They lie in the first two; one more was asked for while the last ones were seen to.
    assert (settled, walk.runs.open_count) == ([5, 2, 0], 0)


async def test_rows_that_do_not_come_apart_let_nobody_go(archive: Archive) -> None:
    await archive.database.execute("UPDATE streams SET kind = 'parcel,parcel' WHERE stream_id = 'p/3'")
    found = await archive.scanned(Depth.CHAINS)
    assert {name for name, _, _ in found} == {"p/3"}
    assert found == await archive.verified()
