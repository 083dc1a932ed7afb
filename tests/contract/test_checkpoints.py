"""A corpus of stores that somebody with the database's password tampered with: each is found, and named.

Verification of the chains and a checkpoint kept elsewhere are asked together, as `tierlink audit verify
--checkpoint` does: what leaves the chains whole shows against the checkpoint.
"""

import asyncio
from dataclasses import replace
from hashlib import sha256
from typing import Any

import pytest

from services.shared.audit.checkpoint import forgeries, in_order
from services.shared.audit.merkle import inclusion_path, is_included
from services.shared.eventstore.aggregate import Loaded, absent, advance, change_of
from services.shared.eventstore.units import AppendUnit
from services.shared.kernel.hash_chain import link
from services.shared.kernel.refusals import NotAllowed, RequestIdReused, StaleVersion
from tests.contract.tampered_stores import CORPUS, Archive
from tests.doubles.parcel import PARCEL, Moved, context


@pytest.mark.parametrize("done", CORPUS)
async def test_a_tampered_store_is_found_and_named(archive: Archive, done: str) -> None:
    made = await archive.sign()
    kept = await archive.checkpoints.all_heads(made.statement.number)
    assert await archive.accused(kept) == set()

    statements, named = CORPUS[done]
    for statement in statements:
        await archive.database.execute(statement)

    found = await archive.accused(kept)
    assert named in found
    if done != "everything removed":
        assert {aggregate for aggregate, _, _ in found} == {"p/3"}


async def test_a_history_that_was_rewritten_with_all_its_hashes_shows_against_the_checkpoint(
    archive: Archive,
) -> None:
    made = await archive.sign()
    kept = await archive.checkpoints.all_heads(made.statement.number)
    # Chain, columns, row and state agree: it is another past, flawlessly written.
    await archive.database.execute("DELETE FROM streams WHERE stream_id = 'p/3'")
    await archive.database.execute("DELETE FROM events WHERE stream_id = 'p/3'")
    at: Loaded[Any] = absent(PARCEL, "p/3")
    for number in range(6):
        step = advance(PARCEL, at, [Moved(to=f"elsewhere-{number}")], context(f"forged-{number}"))
        await archive.store.append(AppendUnit(changes=(change_of(PARCEL, at, step.after, step.events),)))
        at = step.after

    assert await archive.accused(kept) == {("p/3", 5, "HISTORY_REWRITTEN")}
    with pytest.raises(NotAllowed) as refused:
        await archive.sign("c2")
    assert "p/3" in refused.value.failed_rules[0].text.en


async def test_a_store_that_goes_on_is_not_accused_and_each_checkpoint_has_its_own_heads(
    archive: Archive,
) -> None:
    first = await archive.sign("c1", expected=0)
    kept = await archive.checkpoints.all_heads(1)
    await archive.move("p/2", 3)
    await archive.move("q/1", 1)
    second = await archive.sign("c2", expected=1)

    assert await archive.accused(kept) == set()
    assert await archive.checkpoints.all_heads(1) == kept == in_order(kept)
    newer = {head.aggregate_id: head.version for head in await archive.checkpoints.all_heads(2)}
    assert newer == {**{f"p/{number}": 5 for number in range(7)}, "p/2": 8, "q/1": 1}
    assert second.statement.previous_root == first.statement.root
    assert [each.statement.number for each in await archive.checkpoints.latest(before=None, limit=9)] == [
        2,
        1,
    ]
    for number, made in ((1, first), (2, second)):
        heads = await archive.checkpoints.all_heads(number)
        assert await archive.checkpoints.get(number) == made
        assert list(forgeries(made, heads, made.public_key)) == []
        leaves = [head.leaf() for head in heads]
        path = inclusion_path(leaves, 2)
        assert is_included(leaves[2], 2, made.statement.tree_size, path, made.statement.root)
    # What only moved is kept again.
    rows = await archive.database.fetch_value("SELECT count(*) FROM checkpoint_heads")
    assert rows == 7 + 2


async def test_a_request_makes_one_checkpoint(archive: Archive) -> None:
    made = await archive.sign("c1", expected=0)
    await archive.move("p/2", 1)
    assert await archive.sign("c1", expected=0) == made
    with pytest.raises(RequestIdReused):
        await archive.sign("c1", digest=b"other")
    with pytest.raises(StaleVersion):
        await archive.sign("c2", expected=0)
    assert [each.statement.number for each in await archive.checkpoints.latest(before=None, limit=9)] == [1]


async def test_checkpoints_that_are_made_at_once_follow_each_other(archive: Archive) -> None:
    made = await asyncio.gather(*(archive.sign(f"c{number}") for number in range(4)))
    assert sorted(each.statement.number for each in made) == [1, 2, 3, 4]


async def test_heads_that_were_altered_in_the_database_are_not_those_that_were_signed(
    archive: Archive,
) -> None:
    made = await archive.sign()
    await archive.database.execute("UPDATE checkpoint_heads SET version = 4 WHERE stream_id = 'p/3'")
    heads = await archive.checkpoints.all_heads(1)
    assert [each.code.value for each in forgeries(made, heads, made.public_key)] == ["FORGED_CHECKPOINT"]


async def test_a_rehashed_head_event_is_found_by_the_checkpoint(archive: Archive) -> None:
    made = await archive.sign()
    kept = await archive.checkpoints.all_heads(made.statement.number)
    last = (await archive.store.read_events("p/3"))[-1]
    forged = replace(last, payload=last.payload.replace(b"p/3-4", b"p/3-9"))
    assert forged.payload != last.payload
    digest = link(forged.previous_hash, forged.payload)
    assert digest == sha256(forged.previous_hash + forged.payload).digest()
    await archive.database.execute(
        "UPDATE events SET payload = $1, hash = $2 WHERE stream_id = 'p/3' AND version = 5",
        forged.payload,
        digest,
    )
    await archive.database.execute("UPDATE streams SET head_hash = $1 WHERE stream_id = 'p/3'", digest)
    assert ("p/3", 5, "HISTORY_REWRITTEN") in await archive.accused(kept)
