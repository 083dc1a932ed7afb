"""What may be decided of a read model, and what a decision makes of it."""

from datetime import UTC, datetime

import pytest

from services.shared.kernel.actor import Actor, Role
from services.shared.kernel.command import EventMetadata, Recorded
from services.shared.kernel.refusals import NotAllowed, NotPermitted
from services.shared.projections import decisions
from services.shared.projections.decisions import (
    DecisionEvent,
    ProjectionFile,
    begin,
    drop,
    evolve,
    swap,
    untouched,
)
from services.shared.projections.projection_codec import projection_kind

NOW = datetime(2026, 3, 1, 8, tzinfo=UTC)
OPERATOR = Actor(user="op", name="Op", facility="", roles=(Role.OPERATOR,))


def after(*events: DecisionEvent) -> ProjectionFile:
    """The file after these decisions, each through its stored bytes."""
    kind = projection_kind()
    file: ProjectionFile | None = None
    for version, event in enumerate(events, start=1):
        metadata = EventMetadata(
            event_id="5d9f7c5e-0000-4000-8000-000000000001",
            aggregate_id="projections/listing",
            version=version,
            type=type(event).__name__,
            occurred_at=NOW,
            recorded_at=NOW,
            actor=OPERATOR,
            request_id="5d9f7c5e-0000-4000-8000-000000000002",
        )
        file = evolve(file, Recorded(event=event, metadata=metadata))
        stored = kind.encode_event(metadata, event, file)
        assert kind.decode_event(stored) == Recorded(event=event, metadata=metadata)
        assert kind.decode_state(kind.encode_state(file)) == file
    return file or untouched("listing")


def numbers(file: ProjectionFile) -> tuple[int, int, int]:
    return file.serving, file.building, file.retired


BEGUN = begin(untouched("listing"), "listing", "STORE", "why")


def test_from_the_first_to_the_third() -> None:
    assert numbers(after()) == (1, 0, 0)
    assert numbers(after(BEGUN)) == (1, 2, 0)
    swapped = swap(after(BEGUN), "listing", "why")
    assert numbers(after(BEGUN, swapped)) == (2, 0, 1)
    dropped = drop(after(BEGUN, swapped), "listing", 1, "why")
    assert numbers(after(BEGUN, swapped, dropped)) == (2, 0, 0)
    # A number is never given twice, whatever became of it.
    third = begin(after(BEGUN, swapped, dropped), "listing", "KAFKA", "why")
    given_up = drop(after(BEGUN, swapped, dropped, third), "listing", 3, "why")
    file = after(BEGUN, swapped, dropped, third, given_up)
    assert (numbers(file), file.source) == ((2, 0, 0), "")
    assert begin(file, "listing", "STORE", "why").number == 4
    assert (file.decided_by, file.decided_at, file.reason) == ("op", NOW, "why")


def test_what_makes_no_sense_is_refused() -> None:
    swapped = swap(after(BEGUN), "listing", "why")
    second = begin(after(BEGUN, swapped), "listing", "STORE", "why")
    refused = {
        "BUILT_ALREADY": lambda: begin(after(BEGUN), "listing", "STORE", "why"),
        "NOTHING_BUILT": lambda: swap(after(BEGUN, swapped), "listing", "why"),
        # The one that served before would be lost.
        "RETIRED_KEPT": lambda: swap(after(BEGUN, swapped, second), "listing", "why"),
        "SERVES_OR_GONE": lambda: drop(after(BEGUN), "listing", 1, "why"),
    }
    for code, decide in refused.items():
        with pytest.raises(NotAllowed) as caught:
            decide()
        assert [rule.code for rule in caught.value.failed_rules] == [code]


def test_for_operators_alone() -> None:
    decisions.check_actor(OPERATOR)
    with pytest.raises(NotPermitted):
        decisions.check_actor(Actor(user="c", name="C", facility="f", roles=(Role.COORDINATOR,)))
