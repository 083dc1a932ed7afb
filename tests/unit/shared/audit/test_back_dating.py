"""Clocks of an honest service differ, commands wait: nobody is accused. Who goes back further is named."""

from datetime import datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from services.shared.audit.back_dating import BACK_DATING_TOLERANCE, Moments, SignedMoment
from tests.doubles.parcel import NOW

_TOLERANCE_MS = int(BACK_DATING_TOLERANCE / timedelta(milliseconds=1))
#: How far a process's clock is from the true time, either way; how long a command waits until it is written.
#: A moment is late by the one and early by the other: together they stay within the tolerance.
OFFSETS_MS = st.lists(st.integers(-_TOLERANCE_MS // 3, _TOLERANCE_MS // 3), min_size=1, max_size=5)
#: Which process wrote or signed, how long the command had waited, how long after the one before.
WRITTEN = st.tuples(
    st.sampled_from(["event", "event", "event", "checkpoint"]),
    st.integers(0, 4),
    st.integers(0, _TOLERANCE_MS // 3),
    st.integers(0, 4 * _TOLERANCE_MS),
)


@settings(max_examples=300, deadline=None)
@given(offsets_ms=OFFSETS_MS, written=st.lists(WRITTEN, max_size=40))
def test_clocks_that_differ_and_commands_that_wait_are_not_accused(
    offsets_ms: list[int], written: list[tuple[str, int, int, int]]
) -> None:
    signed: list[SignedMoment] = []
    events: list[datetime] = []
    true = NOW
    for what, process, waited_ms, gap_ms in written:
        true += timedelta(milliseconds=gap_ms)
        said = true + timedelta(milliseconds=offsets_ms[process % len(offsets_ms)] - waited_ms)
        if what == "event":
            events.append(said)
        else:
            signed.append(SignedMoment(after_version=len(events), number=len(signed) + 1, made_at=said))
    moments = Moments(signed)
    assert [moments.back_dated(version, at) for version, at in enumerate(events, start=1)] == [""] * len(
        events
    )


@settings(max_examples=200, deadline=None)
@given(
    gaps_s=st.lists(st.integers(0, 10_000), min_size=2, max_size=20),
    data=st.data(),
    back_ms=st.integers(1, 10**9),
    is_checkpoint=st.booleans(),
)
def test_who_goes_back_further_is_named_with_how_far(
    gaps_s: list[int], data: st.DataObject, back_ms: int, is_checkpoint: bool
) -> None:
    events = [NOW]
    for gap_s in gaps_s:
        events.append(events[-1] + timedelta(seconds=gap_s))
    version = data.draw(st.integers(2, len(events)))
    latest = events[version - 2]
    signed = []
    if is_checkpoint:
        latest += timedelta(hours=1)
        signed = [SignedMoment(after_version=version - 1, number=7, made_at=latest)]
        events = events[:version]
    back = BACK_DATING_TOLERANCE + timedelta(milliseconds=back_ms)
    events[version - 1] = latest - back

    moments = Moments(signed)
    said = [moments.back_dated(each, at) for each, at in enumerate(events, start=1)]
    assert [bool(each) for each in said] == [each == version for each in range(1, len(events) + 1)]
    named = "checkpoint 7, which does not have it" if is_checkpoint else "which it follows"
    assert f"{back} before " in said[version - 1]
    assert said[version - 1].endswith(named)
