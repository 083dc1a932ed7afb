"""Events with right hashes and a moment that cannot be: verification and checkpoints name them."""

import pytest

from services.shared.audit.back_dating import BACK_DATING_TOLERANCE
from services.shared.audit.scan import Depth
from services.shared.kernel.refusals import NotAllowed
from tests.contract.tampered_stores import Archive
from tests.doubles.parcel import NOW

#: Parcels moved at 0; this is when the checkpoint is made.
SIGNED = 60
TOLERATED = int(BACK_DATING_TOLERANCE.total_seconds()) // 60


@pytest.mark.parametrize(("parcel", "version"), [("p/3", 6), ("q/1", 1)])
async def test_an_event_recorded_before_the_checkpoint_that_lacks_it_is_found_and_named(
    archive: Archive, parcel: str, version: int
) -> None:
    made = await archive.sign(minutes=SIGNED)
    kept = await archive.checkpoints.all_heads(1)
    await archive.move(parcel, 1, minutes=SIGNED - TOLERATED - 1)

    named = {(parcel, version, "BACK_DATED")}
    assert await archive.verified() == named
    assert await archive.scanned(Depth.STATES) == named
    early = "it says it was recorded 0:06:00 before the checkpoint, which does not have it"
    assert await archive.back_dated(made, kept) == {(parcel, version, early)}
    with pytest.raises(NotAllowed) as refused:
        await archive.sign("c2", minutes=SIGNED + 1)
    assert f"{parcel}@{version}" in refused.value.failed_rules[0].text.en


async def test_a_wrong_clock_that_was_looked_into_does_not_end_signing_and_is_named_for_good(
    archive: Archive,
) -> None:
    await archive.sign(minutes=SIGNED)
    await archive.move("p/3", 1, minutes=0)
    second = await archive.sign("c2", minutes=SIGNED + 1, accept_back_dated=True)
    third = await archive.sign("c3", minutes=SIGNED + 2)

    assert (second.statement.number, third.statement.number) == (2, 3)
    assert await archive.verified() == {("p/3", 6, "BACK_DATED")}
    assert await archive.scanned(Depth.STATES) == {("p/3", 6, "BACK_DATED")}


async def test_what_the_store_forgot_a_kept_checkpoint_remembers(archive: Archive) -> None:
    made = await archive.sign(minutes=SIGNED)
    kept = await archive.checkpoints.all_heads(1)
    await archive.database.execute("TRUNCATE checkpoint_heads, checkpoints")
    await archive.move("p/3", 1, minutes=0)

    assert await archive.verified() == set()
    assert {(name, version) for name, version, _ in await archive.back_dated(made, kept)} == {("p/3", 6)}


async def test_what_was_recorded_before_what_it_follows_is_found_without_a_checkpoint(
    archive: Archive,
) -> None:
    await archive.move("p/3", 1, minutes=30)
    await archive.move("p/3", 1, minutes=30 - TOLERATED - 1)
    await archive.move("p/3", 1, minutes=30)

    assert await archive.verified() == {("p/3", 7, "BACK_DATED")}
    assert await archive.scanned(Depth.STATES) == {("p/3", 7, "BACK_DATED")}


async def test_nobody_goes_back_in_small_steps(archive: Archive) -> None:
    for minutes in (30, 27, 24, 21):
        await archive.move("p/3", 1, minutes=minutes)

    assert await archive.verified() == {("p/3", 8, "BACK_DATED"), ("p/3", 9, "BACK_DATED")}


async def test_an_event_is_held_against_the_checkpoint_before_the_first_that_has_it(
    archive: Archive,
) -> None:
    await archive.sign("c1", minutes=SIGNED)
    await archive.move("p/2", 2, minutes=SIGNED + 5)
    await archive.sign("c2", minutes=SIGNED * 2)
    await archive.move("p/2", 1, minutes=SIGNED * 2 + 5)
    await archive.move("q/1", 1, minutes=SIGNED * 2 + 5)
    await archive.sign("c3", minutes=SIGNED * 3)

    moments = await archive.checkpoints.signed_moments(["p/1", "p/2", "q/1", "q/9"])

    assert {
        name: {(each.number, each.after_version) for each in found} for name, found in moments.items()
    } == {
        "p/1": {(3, 5)},
        "p/2": {(1, 5), (2, 7), (3, 8)},
        "q/1": {(2, 0), (3, 1)},
        "q/9": {(3, 0)},
    }
    assert await archive.verified() == set()
    assert await archive.scanned(Depth.STATES) == set()


@pytest.mark.parametrize("parcel", ["p/3", "q/1"])
async def test_a_clock_that_differs_as_clocks_may_is_not_accused(archive: Archive, parcel: str) -> None:
    made = await archive.sign(minutes=SIGNED)
    kept = await archive.checkpoints.all_heads(1)
    await archive.move(parcel, 1, minutes=SIGNED - TOLERATED)

    assert await archive.verified() == set()
    assert await archive.scanned(Depth.STATES) == set()
    assert await archive.back_dated(made, kept) == set()
    await archive.sign("c2", minutes=SIGNED + 1)


async def test_the_last_versions_before_a_moment_come_in_pages(archive: Archive) -> None:
    await archive.move("p/3", 2, minutes=30)
    await archive.move("p/9", 1, minutes=30)
    found: dict[str, int] = {}
    after = ""
    while True:
        page = await archive.checkpoints.recorded_before(
            NOW + BACK_DATING_TOLERANCE, aggregate_id="", after=after, limit=2
        )
        assert len(page) <= 2
        found |= {each.aggregate_id: each.version for each in page}
        if len(page) < 2:
            break
        after = page[-1].aggregate_id
    assert found == {f"p/{number}": 5 for number in range(7)}
    (one,) = await archive.checkpoints.recorded_before(
        NOW + 9 * BACK_DATING_TOLERANCE, aggregate_id="p/3", after="", limit=2
    )
    assert (one.aggregate_id, one.version) == ("p/3", 7)
