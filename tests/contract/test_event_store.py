"""One suite over every implementation of the event store: the tests' double and PostgreSQL."""

import asyncio
import json
from datetime import timedelta

from services.shared.database.migrations import load_migrations, migrate
from services.shared.database.pool import Database
from services.shared.eventstore.postgres_store import PostgresEventStore
from services.shared.eventstore.units import (
    AppendStatus,
    AppendUnit,
    Claim,
    RequestRecord,
)
from tests.contract.conftest import Wanted
from tests.contract.writer import Writer
from tests.doubles.parcel import NOW, PARCEL, Moved, context
from tests.stack import CreateDatabase


async def test_what_is_appended_is_loaded_and_read_back(store: Wanted) -> None:
    writer = Writer(store)
    assert await writer.move("p/1", "road", "end") is AppendStatus.APPENDED

    stored = await store.load("p/1")
    events = await store.read_events("p/1")

    assert stored is not None
    assert (stored.version, stored.kind) == (2, "parcel")
    assert [event.version for event in events] == [1, 2]
    assert stored.head_hash == events[-1].hash
    assert PARCEL.encode_state(PARCEL.fold(events)) == stored.snapshot  # type: ignore[arg-type]


async def test_an_aggregate_that_does_not_exist_is_none(store: Wanted) -> None:
    assert await store.load("p/none") is None
    assert list(await store.read_events("p/none")) == []


async def test_a_stale_version_writes_nothing(store: Wanted) -> None:
    writer = Writer(store)
    await writer.move("p/1", "road")
    before = writer.at["p/1"]
    await writer.move("p/1", "hill")
    writer.at["p/1"] = before

    assert await writer.move("p/1", "ditch", request="r9") is AppendStatus.STALE

    stored = await store.load("p/1")
    assert stored is not None
    assert stored.version == 2
    assert await store.find_request(context("r9").request_id) is None


async def test_creating_what_exists_is_stale(store: Wanted) -> None:
    await Writer(store).move("p/1", "road")
    assert await Writer(store).move("p/1", "elsewhere") is AppendStatus.STALE


async def test_a_request_id_is_taken_once(store: Wanted) -> None:
    writer = Writer(store)
    assert await writer.move("p/1", "road", request="r1") is AppendStatus.APPENDED
    unit = writer.unit("p/1", Moved(to="hill"), request="r1")

    result = await store.append(unit)

    assert result.status is AppendStatus.REPEATED
    assert result.request is not None
    assert (result.request.stream_id, result.request.version) == ("p/1", 1)
    stored = await store.load("p/1")
    assert stored is not None
    assert stored.version == 1


async def test_what_is_in_force_is_told_with_the_request(store: Wanted) -> None:
    writer = Writer(store)
    await writer.move("p/1", "road", "end", request="r1")
    known, new = context("r1").request_id, context("r2").request_id

    found = await store.standing(known, ("p/1", "p/none"))
    assert dict(found.versions) == {"p/1": 2}
    assert found.request is not None
    assert (found.request.stream_id, found.request.digest) == ("p/1", b"d" * 32)

    others = await asyncio.gather(*(store.standing(new, names) for names in [("p/1",), (), ("p/none",)]))
    assert [dict(other.versions) for other in others] == [{"p/1": 2}, {}, {}]
    assert {other.request for other in others} == {None}


async def test_two_at_once_with_one_request_id_write_once(store: Wanted) -> None:
    units = [Writer(store).unit(name, Moved(to="road"), request="r1") for name in ("p/1", "p/2")]
    results = await asyncio.gather(*(store.append(unit) for unit in units))

    assert sorted(result.status for result in results) == [AppendStatus.APPENDED, AppendStatus.REPEATED]


async def test_of_two_at_once_on_one_version_one_wins(store: Wanted) -> None:
    one, two = Writer(store), Writer(store)
    await one.move("p/1", "road")
    two.at["p/1"] = one.at["p/1"]
    units = [one.unit("p/1", Moved(to="left")), two.unit("p/1", Moved(to="right"))]

    results = [await store.append(unit) for unit in units]

    assert [result.status for result in results] == [AppendStatus.APPENDED, AppendStatus.STALE]


async def test_inbox_knows_seen_next_and_gap(store: Wanted) -> None:
    writer = Writer(store)
    assert await writer.move("p/1", "a", inbox=2) is AppendStatus.GAP
    assert await writer.move("p/1", "a", inbox=1) is AppendStatus.APPENDED
    assert await writer.move("p/1", "b", inbox=1) is AppendStatus.SEEN
    assert await writer.move("p/1", "b", inbox=3) is AppendStatus.GAP
    assert await writer.move("p/1", "b", inbox=2) is AppendStatus.APPENDED
    stored = await store.load("p/1")
    assert stored is not None
    assert stored.version == 2


async def test_a_claim_has_one_holder_until_it_is_given_up(store: Wanted) -> None:
    writer = Writer(store)
    assert await writer.move("p/1", "shelf-1") is AppendStatus.APPENDED
    assert await writer.move("p/2", "shelf-1") is AppendStatus.CLAIMED
    assert await store.load("p/2") is None
    assert await writer.move("p/1", "road") is AppendStatus.APPENDED
    assert await writer.move("p/2", "shelf-1") is AppendStatus.APPENDED


async def test_a_claim_passes_to_another_holder_within_a_unit(store: Wanted) -> None:
    writer = Writer(store)
    await writer.move("p/1", "shelf-1")
    leaves = writer.unit("p/1", Moved(to="road")).changes[0]
    comes = writer.unit("p/2", Moved(to="shelf-1")).changes[0]

    result = await store.append(AppendUnit(changes=(comes, leaves)))

    assert result.status is AppendStatus.APPENDED
    assert await store.find_claim("shelf", "shelf-1") == "p/2"
    assert [claim.key for claim in await store.claims_of("p/2")] == ["shelf-1"]
    assert await store.claims_of("p/1") == []
    assert await store.find_claim("shelf", "none") is None


async def test_what_a_unit_claims_for_good_is_nobodys_any_more(store: Wanted) -> None:
    writer = Writer(store)
    await writer.move("p/1", "shelf-1")
    for_good = Claim(kind="shelf", key="shelf-1", holder="closed")

    assert (await store.append(AppendUnit(claims=(for_good,)))).status is AppendStatus.CLAIMED
    leaves = writer.unit("p/1", Moved(to="road")).changes[0]
    ended = AppendUnit(changes=(leaves,), claims=(for_good,))
    assert (await store.append(ended)).status is AppendStatus.APPENDED

    assert await store.find_claim("shelf", "shelf-1") == "closed"
    assert await writer.move("p/2", "shelf-1") is AppendStatus.CLAIMED


async def test_a_unit_of_two_aggregates_stands_or_falls_whole(store: Wanted) -> None:
    writer = Writer(store)
    await writer.move("p/1", "road")
    good = writer.unit("p/2", Moved(to="road")).changes[0]
    stale = Writer(store).unit("p/1", Moved(to="ditch")).changes[0]

    result = await store.append(AppendUnit(changes=(good, stale)))

    assert result.status is AppendStatus.STALE
    assert await store.load("p/2") is None


async def test_many_at_once_lose_nothing(store: Wanted) -> None:
    async def writes(name: str) -> None:
        writer = Writer(store)
        for step in range(10):
            assert await writer.move(name, f"place-{step}") is AppendStatus.APPENDED

    await asyncio.gather(*(writes(f"p/{number}") for number in range(40)))

    for number in range(40):
        events = await store.read_events(f"p/{number}")
        assert [event.version for event in events] == list(range(1, 11))


async def test_a_unit_that_cannot_be_written_fails_alone(
    database: CreateDatabase,
) -> None:
    dsn = await database()
    opened = Database(dsn, application_name="test")
    await migrate(opened, load_migrations("services.shared.eventstore.migrations"))
    store = PostgresEventStore(opened, opened)
    bad = Writer(store).unit("p/bad", Moved(to="road"))
    bad = AppendUnit(
        changes=bad.changes,
        request=RequestRecord(request_id="no uuid", digest=b"", stream_id="p/bad", version=1),
    )
    units = [bad, *(Writer(store).unit(f"p/{n}", Moved(to="road")) for n in range(5))]

    results = await asyncio.gather(*(store.append(unit) for unit in units), return_exceptions=True)

    assert isinstance(results[0], Exception)
    assert [r.status for r in results[1:]] == [AppendStatus.APPENDED] * 5  # type: ignore[union-attr]
    await store.close()
    await opened.close()


async def test_outbox_and_deadlines_are_in_step(database: CreateDatabase) -> None:
    dsn = await database()
    opened = Database(dsn, application_name="test")
    await migrate(opened, load_migrations("services.shared.eventstore.migrations"))
    store = PostgresEventStore(opened, opened)
    writer = Writer(store)
    due = NOW + timedelta(minutes=9)
    unit = writer.unit("p/1", Moved(to="road", due_at=due), Moved(to="hill", due_at=due))
    await store.append(unit)
    writer.at["p/1"] = writer.after

    outbox = await opened.fetch("SELECT key, version, value FROM outbox ORDER BY seq")
    events = await store.read_events("p/1")
    deadlines = await opened.fetch("SELECT key, due_at, set_version FROM deadlines")
    await writer.move("p/1", "end")

    assert [(row["key"], row["version"]) for row in outbox] == [("p/1", 1), ("p/1", 2)]
    assert [row["value"] for row in outbox] == [event.payload for event in events]
    assert [(row["key"], row["due_at"], row["set_version"]) for row in deadlines] == [("arrive", due, 2)]
    assert await opened.fetch("SELECT FROM deadlines") == []
    assert json.loads(await opened.fetch_value("SELECT facets FROM streams"))["live"] is False
    await store.close()
    await opened.close()
