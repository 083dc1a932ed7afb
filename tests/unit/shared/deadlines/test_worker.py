"""A deadline's request id follows from the deadline alone, and only an earlier one wakes the worker."""

from datetime import timedelta

from prometheus_client import CollectorRegistry

from services.shared.deadlines.metrics import DeadlineMetrics
from services.shared.deadlines.worker import DeadlineSettings, DeadlineWorker, DueDeadline
from services.shared.eventstore.units import AppendUnit, StreamChange
from services.shared.kernel.command import Deadline
from tests.doubles.parcel import NOW


def _due(**changes: object) -> DueDeadline:
    values: dict[str, object] = {
        "stream_id": "parcels/1", "kind": "parcel", "key": "arrive", "due_at": NOW, "set_version": 3
    }  # fmt: skip
    return DueDeadline(**(values | changes))  # type: ignore[arg-type]


def test_the_request_id_names_the_deadline_as_it_was_set() -> None:
    assert _due().request_id == _due(due_at=NOW + timedelta(hours=1)).request_id
    others = (_due(stream_id="parcels/2"), _due(key="leave"), _due(set_version=4))
    assert len({_due().request_id, *(other.request_id for other in others)}) == 4


def _unit(*minutes: int) -> AppendUnit:
    change = StreamChange(
        stream_id="parcels/1", kind="parcel", expected_version=0, events=(), head_hash=b"", snapshot=b"",
        fold_version=1, facets="{}",
        deadlines_set=tuple(Deadline(key=str(m), due_at=NOW + timedelta(minutes=m)) for m in minutes),
    )  # fmt: skip
    return AppendUnit(changes=(change,))


async def test_only_a_deadline_before_the_next_look_wakes_the_worker() -> None:
    async def fire(due: DueDeadline) -> None: ...

    worker = DeadlineWorker(
        None,  # type: ignore[arg-type]
        fire,
        DeadlineMetrics(CollectorRegistry()),
        DeadlineSettings(),
    )
    worker._wakes_at = NOW + timedelta(minutes=10)
    worker.appended((AppendUnit(), _unit(20), _unit()))
    assert not worker._woken.is_set()
    worker.appended((_unit(20, 5),))
    assert worker._woken.is_set()
    worker._woken.clear()
    worker._wakes_at = None  # it is awake: whatever it has just asked may be out of date
    worker.appended((_unit(20),))
    assert worker._woken.is_set()
