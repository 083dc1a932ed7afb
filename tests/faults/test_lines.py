"""A line knows at which place a process is, and what is done there is really done there."""

import asyncio
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.faults.line import Delay, Line, Trap, open_database_line
from tests.faults.wire import KafkaWire, Place
from tests.stack import CreateDatabase

_APPEND = "INSERT INTO events (number) VALUES ($1) RETURNING number"
#: What a client hears of a connection that was reset; a TimeoutError, which is silence, is none of them.
_ENDED = (ConnectionError, asyncpg.PostgresConnectionError, asyncpg.InterfaceError)


@asynccontextmanager
async def _lined(database: CreateDatabase) -> AsyncIterator[tuple[Line, Callable[..., Any], Any]]:
    """A line to a database, what connects by it, and a connection past it."""
    direct = await database()
    past = await asyncpg.connect(direct)
    await past.execute("CREATE TABLE events (number integer); CREATE TABLE outbox (number integer)")
    async with open_database_line(direct) as (line, dsn):
        try:
            yield line, partial(asyncpg.connect, dsn, timeout=5), past
        finally:
            await past.close()


async def _stored(past: Any) -> list[int]:
    return [row["number"] for row in await past.fetch("SELECT number FROM events ORDER BY number")]


async def test_before_the_commit_nothing_is_stored_and_after_it_all_is(database: CreateDatabase) -> None:
    async with _lined(database) as (line, connect, past):
        for place, stored in ((Place.BEFORE_COMMIT, [1, 2]), (Place.AFTER_COMMIT, [1, 2, 3])):
            sprung: list[str] = []
            trap = Trap(place, 2 if place is Place.BEFORE_COMMIT else 1, partial(sprung.append, place))
            connection = await connect()
            async with line.trapped(trap):
                if place is Place.BEFORE_COMMIT:
                    await connection.fetch(_APPEND, 1)
                    await past.execute("INSERT INTO events VALUES (2)")
                assert sprung == []
                with pytest.raises((OSError, asyncpg.PostgresConnectionError, asyncpg.InterfaceError)):
                    await connection.fetch(_APPEND, 3, timeout=5)
            assert sprung == [place]
            assert trap.sprung.is_set()
            assert await _stored(past) == stored
            connection.terminate()


async def test_a_statement_that_is_prepared_once_is_known_each_time_and_others_are_not(
    database: CreateDatabase,
) -> None:
    async with _lined(database) as (line, connect, _):
        connection = await connect()
        met: list[int] = []
        async with line.trapped(Trap(Place.AFTER_DELETE, 3, lambda: met.append(1))):
            for _ in range(2):
                await connection.fetch("DELETE FROM outbox WHERE number = $1", 1)
                await connection.fetch(_APPEND, 1)
                await connection.fetch("SELECT number FROM outbox WHERE number = $1", 1)
            with pytest.raises(asyncpg.PostgresError):
                await connection.fetch("DELETE FROM outbox WHERE 1 / ($1::integer - 1) = 1", 1)
            assert met == []
            with pytest.raises((OSError, asyncpg.PostgresConnectionError, asyncpg.InterfaceError)):
                await connection.fetch("DELETE FROM outbox WHERE number = $1", 1, timeout=5)
        assert met == [1]
        connection.terminate()


async def test_a_lost_line_says_nothing_for_good_and_new_connections_are_well(
    database: CreateDatabase,
) -> None:
    async with _lined(database) as (line, connect, _):
        old = await connect()
        line.lose()
        with pytest.raises(TimeoutError):
            await old.fetchval("SELECT 1", timeout=0.3)
        # Who comes while nothing gets through is not refused: it hears nothing.
        with pytest.raises(TimeoutError):
            await connect(timeout=0.3)
        line.mend()
        fresh = await connect()
        assert await fresh.fetchval("SELECT 2", timeout=5) == 2
        assert not old.is_closed()
        old.terminate()
        await fresh.close()


async def test_a_line_that_is_cut_ends_what_is_there_and_refuses_what_comes(database: CreateDatabase) -> None:
    async with _lined(database) as (line, connect, _):
        for end, is_welcome in ((line.reset, True), (line.cut, False)):
            old = await connect()
            end()
            with pytest.raises(_ENDED):
                await old.fetchval("SELECT 1", timeout=5)
            if is_welcome:
                fresh = await connect()
                assert await fresh.fetchval("SELECT 2", timeout=5) == 2
                await fresh.close()
            else:
                with pytest.raises(_ENDED):
                    await connect()
        line.mend()
        fresh = await connect()
        assert await fresh.fetchval("SELECT 3", timeout=5) == 3
        await fresh.close()


async def test_a_slow_line_loses_nothing(database: CreateDatabase) -> None:
    async with _lined(database) as (line, connect, _):
        connection = await connect()
        line.delay(Delay(least_s=0.05, most_s=0.06))
        begun_s = asyncio.get_running_loop().time()
        assert await connection.fetchval("SELECT sum(n) FROM generate_series(1, 1000) AS n") == 500_500
        assert asyncio.get_running_loop().time() - begun_s >= 0.1
        line.mend()
        line.hold()
        answer = asyncio.create_task(connection.fetchval("SELECT 3"))
        done, _ = await asyncio.wait({answer}, timeout=0.2)
        assert not done
        line.release()
        assert await answer == 3
        await connection.close()


def _request(kind: int, number: int, body: bytes = b"") -> bytes:
    content = struct.pack(">hhi", kind, 7, number) + body
    return struct.pack(">i", len(content)) + content


def _response(number: int, body: bytes = b"") -> bytes:
    return struct.pack(">ii", len(body) + 4, number) + body


@given(cut=st.lists(st.integers(min_value=1, max_value=9), max_size=30))
def test_kafka_is_understood_in_any_pieces(cut: list[int]) -> None:
    wire = KafkaWire()
    asked = [_request(3, 1), _request(0, 2, b"records"), _request(8, 3, b"offsets"), _request(1, 4)]
    answered = [_response(1, b"x"), _response(3), _response(2, b"y"), _response(4)]
    found = [frame for piece in _pieces(b"".join(asked), cut) for frame in wire.asked(piece)]
    assert [frame.data for frame in found] == asked
    assert [(frame.before, frame.after) for frame in found] == [
        (None, None),
        (Place.BEFORE_SEND, Place.AFTER_SEND),
        (Place.BEFORE_OFFSETS, None),
        (None, None),
    ]
    found = [frame for piece in _pieces(b"".join(answered), cut) for frame in wire.answered(piece)]
    assert [frame.data for frame in found] == answered
    assert [(frame.before, frame.after) for frame in found] == [
        (None, None),
        (Place.AFTER_OFFSETS, None),
        (Place.BEFORE_ACKNOWLEDGEMENT, Place.AFTER_ACKNOWLEDGEMENT),
        (None, None),
    ]


def _pieces(data: bytes, lengths: list[int]) -> list[bytes]:
    pieces = []
    for length in lengths:
        pieces.append(data[:length])
        data = data[length:]
    return [*pieces, data]
