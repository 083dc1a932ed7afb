"""The program beside an export reads a line at a time, so that it ends on the inspector's own machine."""

import base64
import json
import tracemalloc
from pathlib import Path

from services.operator.export.verify import findings
from services.shared.kernel.hash_chain import genesis, link
from tests.unit.operator.export.test_export import export
from tierlink.referral.v1 import episode_events_pb2
from tierlink.type.v1 import type_pb2

_EVENTS = 400
_NAME = "episodes/long"


def _longer(folder: Path) -> int:
    """Adds a long chain of large events; the bytes of the folder's events by then."""
    previous = genesis("episode", _NAME)
    rows, said = [], []
    for version in range(1, _EVENTS + 1):
        metadata = type_pb2.EventMetadata(
            event_id=f"e{version}", aggregate_id=_NAME, version=version, type="T"
        )
        metadata.recorded_at.seconds = 1_770_000_100
        metadata.actor.name = "王" * 4_000
        payload = episode_events_pb2.EpisodeEvent(metadata=metadata).SerializeToString()
        row = {
            "aggregate": _NAME,
            "kind": "episode",
            "version": version,
            "payload": base64.b64encode(payload).decode(),
            "previous_hash": previous.hex(),
        }
        previous = link(previous, payload)
        rows.append({**row, "hash": previous.hex()})
        said.append(
            {
                "event_id": f"e{version}",
                "aggregate": _NAME,
                "version": version,
                "type": "T",
                "occurred_at_ns": 0,
                "recorded_at_ns": 1_770_000_100 * 10**9,
                "actor": "",
                "facility": "",
                "request_id": "",
            }
        )
    for name, added in (("events.jsonl", rows), ("metadata.jsonl", said)):
        with (folder / name).open("a", encoding="utf-8") as file:
            file.writelines(f"{json.dumps(row)}\n" for row in added)
    return (folder / "events.jsonl").stat().st_size


def test_a_long_export_is_read_a_line_at_a_time(tmp_path: Path) -> None:
    folder = export(tmp_path)
    size = _longer(folder)
    tracemalloc.start()
    try:
        found = list(findings(folder, None))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    # Only this: every event was read, linked and told as it is, to the last.
    assert found == [f"AGGREGATE_MISSING {_NAME}"]
    assert peak < size / 10, f"{peak} of {size} bytes"


def test_the_last_of_a_long_export_is_looked_at(tmp_path: Path) -> None:
    folder = export(tmp_path)
    _longer(folder)
    path = folder / "metadata.jsonl"
    *others, last = path.read_text("utf-8").splitlines()
    path.write_text("\n".join([*others, json.dumps({**json.loads(last), "actor": "u9"})]), "utf-8")
    assert f"METADATA_MISMATCH {_NAME}@{_EVENTS}: actor" in list(findings(folder, None))
