"""An export verifies offline by its own program, and whatever is done to it is named."""

import base64
import json
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given, settings
from hypothesis import strategies as st

from services.operator.export.folder import Proof, new_export
from services.operator.export.verify import is_signed
from services.shared.audit.checkpoint import Head, Statement, in_order, root_of
from services.shared.audit.checkpoint_methods import signing_with
from services.shared.audit.merkle import inclusion_path
from services.shared.kernel.hash_chain import genesis, link
from services.shared.rpc.signing import generate_signing_key
from tierlink.referral.v1 import episode_events_pb2, timeline_pb2
from tierlink.type.v1 import type_pb2

KEY = generate_signing_key()
#: After the first three events of each chain, before the fourth.
NOW = datetime.fromtimestamp(1_770_000_063.5, UTC)
EPISODES = ("episodes/a", "episodes/b")


def _chain(name: str, count: int) -> list[timeline_pb2.TimelineEntry]:
    previous = genesis("episode", name)
    found = []
    for version in range(1, count + 1):
        metadata = type_pb2.EventMetadata(
            event_id=f"00000000-0000-4000-8000-{version:012}",
            aggregate_id=name,
            version=version,
            type="EpisodeOpened" if version == 1 else "MilestoneRecorded",
            occurred_at=Timestamp(seconds=1_770_000_000 + version),
            recorded_at=Timestamp(seconds=1_770_000_060 + version, nanos=5_000),
            actor=type_pb2.Actor(user="u1", name="王医师", facility="wucaiwan", roles=["clinician"]),
            request_id="r",
        )
        payload = episode_events_pb2.EpisodeEvent(metadata=metadata).SerializeToString()
        entry = timeline_pb2.TimelineEntry(
            aggregate_kind="episode",
            metadata=metadata,
            payload=payload,
            previous_hash=previous,
            hash=link(previous, payload),
        )
        previous = entry.hash
        found.append(entry)
    return found


def export(tmp_path: Path) -> Path:
    """Two chains, of which the first went on after the checkpoint, among others that are not exported."""
    entries = [entry for name in EPISODES for entry in _chain(name, 4)]
    heads = in_order(
        [
            Head(aggregate_id="episodes/a", version=3, head_hash=entries[2].hash),
            Head(aggregate_id="episodes/b", version=4, head_hash=entries[7].hash),
            *(Head(aggregate_id=f"wards/{n}", version=1, head_hash=bytes(32)) for n in range(5)),
        ]
    )
    statement = Statement(
        service="referral",
        number=2,
        made_by="运维",
        occurred_at=NOW,
        made_at=NOW,
        tree_size=len(heads),
        root=root_of(heads),
        previous_root=bytes(32),
    )
    leaves = [head.leaf() for head in heads]
    proofs = [
        Proof(head=head, index=index, path=inclusion_path(leaves, index))
        for index, head in enumerate(heads)
        if head.aggregate_id in EPISODES
    ]
    out = tmp_path / "export"
    with new_export(out) as made:
        # As they come from a period's referrals: in pieces, and an episode again with each of its referrals.
        for piece in (entries[:3], entries[:4], entries[4:6], entries[4:]):
            made.add(reversed(piece))
        assert (made.aggregates, made.events_count) == (list(EPISODES), len(entries))
        made.seal(signing_with(KEY)(statement), proofs)
    public = KEY.private_key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (tmp_path / "public.pem").write_bytes(public)
    return out


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return export(tmp_path)


def test_nothing_is_left_of_one_that_was_not_finished(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="full"), new_export(tmp_path / "export") as made:
        made.add(_chain("episodes/a", 2))
        raise OSError("the disk is full")
    with new_export(tmp_path / "export") as made:
        made.add(_chain("episodes/a", 2))
    assert list(tmp_path.iterdir()) == [], "neither a half one, nor one that nothing proves"
    with pytest.raises(FileExistsError), new_export(tmp_path):
        pass


def _verify(folder: Path, *arguments: str) -> tuple[int, str]:
    # Isolated: neither this repository nor what is installed beside it can be imported.
    command = (sys.executable, "-I", "-S", str(folder / "verify.py"), *arguments)
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False, timeout=60)
    return done.returncode, done.stdout + done.stderr


def test_an_export_is_verified_without_us(folder: Path) -> None:
    code, said = _verify(folder, "--public-key", str(folder.parent / "public.pem"))
    assert code == 0, said
    assert "intact: 2" in said
    assert (folder / "README.md").read_text("utf-8").startswith("# 审计链导出")


def test_an_event_is_an_audit_event_of_fhir(folder: Path) -> None:
    lines = [json.loads(line) for line in (folder / "audit_events.ndjson").read_text("utf-8").splitlines()]
    assert len(lines) == 8
    first = lines[0]
    assert (first["resourceType"], first["action"], first["recorded"]) == (
        "AuditEvent",
        "C",
        "2026-02-02T02:41:01.000005Z",
    )
    assert first["agent"][0]["who"] == {"identifier": {"value": "u1"}, "display": "王医师"}
    assert {"type", "recorded", "agent", "source"} <= first.keys(), "what R4 demands"


def _events(change: Callable[[list[dict[str, Any]]], None]) -> Callable[[Path], None]:
    return _lines("events.jsonl", change)


def _lines(name: str, change: Callable[[list[dict[str, Any]]], None]) -> Callable[[Path], None]:
    def tamper(folder: Path) -> None:
        rows = [json.loads(line) for line in (folder / name).read_text("utf-8").splitlines()]
        change(rows)
        (folder / name).write_text("".join(f"{json.dumps(row)}\n" for row in rows), "utf-8")

    return tamper


def _checkpoint(**changes: Any) -> Callable[[Path], None]:
    def tamper(folder: Path) -> None:
        path = folder / "checkpoint.json"
        document = {**json.loads(path.read_text("utf-8")), **changes}
        path.write_text(json.dumps(document), "utf-8")

    return tamper


def _flip(rows: list[dict[str, Any]]) -> None:
    payload = bytearray(base64.b64decode(rows[1]["payload"]))
    payload[10] ^= 1
    rows[1]["payload"] = base64.b64encode(payload).decode()


def _rewrite(rows: list[dict[str, Any]]) -> None:
    """Another last event of the second chain, with a hash that fits."""
    payload = base64.b64decode(rows[7]["payload"]).replace(b"u1", b"u2")
    rows[7]["payload"] = base64.b64encode(payload).decode()
    rows[7]["hash"] = link(bytes.fromhex(rows[7]["previous_hash"]), payload).hex()


def _append(name: str, kind: str, version: int, previous: str, seconds: int) -> dict[str, Any]:
    """An event with a hash that fits, and a moment of one's choice."""
    metadata = type_pb2.EventMetadata(
        event_id="00000000-0000-4000-8000-0000000000ff",
        aggregate_id=name,
        version=version,
        type="MilestoneRecorded",
        recorded_at=Timestamp(seconds=seconds),
    )
    payload = episode_events_pb2.EpisodeEvent(metadata=metadata).SerializeToString()
    return {
        "aggregate": name,
        "kind": kind,
        "version": version,
        "payload": base64.b64encode(payload).decode(),
        "previous_hash": previous,
        "hash": link(bytes.fromhex(previous), payload).hex(),
    }


def _back_date(version: int, seconds: int) -> Callable[[list[dict[str, Any]]], None]:
    """The chain's end from this version on is another, with right hashes."""

    def change(rows: list[dict[str, Any]]) -> None:
        del rows[version - 1 : 4]
        rows.insert(
            version - 1, _append("episodes/a", "episode", version, rows[version - 2]["hash"], seconds)
        )

    return change


def _smuggle(rows: list[dict[str, Any]]) -> None:
    """An episode that the checkpoint should have, were its moment true."""
    previous = genesis("episode", "episodes/c").hex()
    rows.append(_append("episodes/c", "episode", 1, previous, 1_770_000_063 - 301))


def _swap(rows: list[dict[str, Any]]) -> None:
    rows[1], rows[2] = {**rows[2], "version": 2}, {**rows[1], "version": 3}


@pytest.mark.parametrize(
    ("tamper", "named"),
    [
        (_events(_flip), "HASH_MISMATCH episodes/a@2"),
        (_events(_rewrite), "HISTORY_REWRITTEN episodes/b@4"),
        (_events(_swap), "CHAIN_BROKEN episodes/a@2"),
        (_events(lambda rows: rows.pop(7)), "CHAIN_CUT episodes/b@4"),
        (_events(lambda rows: rows.pop(1)), "MISSING_EVENT episodes/a@2"),
        (_events(lambda rows: rows.__delitem__(slice(4, 8))), "AGGREGATE_MISSING episodes/b"),
        (
            _lines("metadata.jsonl", lambda rows: rows[0].update(recorded_at_ns=0)),
            "episodes/a@1: recorded_at_ns",
        ),
        (_lines("metadata.jsonl", lambda rows: rows[0].update(actor="u9")), "episodes/a@1: actor"),
        (_lines("metadata.jsonl", lambda rows: rows.pop()), "METADATA_MISMATCH 7 of 8"),
        (
            _events(_back_date(4, 1_770_000_063 - 300)),
            "BACK_DATED episodes/a@4: recorded 300 s before the checkpoint, which lacks it",
        ),
        (
            _events(_back_date(3, 1_770_000_062 - 301)),
            "BACK_DATED episodes/a@3: recorded 301 s before an event before it",
        ),
        (_events(_smuggle), "BACK_DATED episodes/c@1: recorded 301 s before the checkpoint"),
        (_checkpoint(made_at="2026-01-01T00:00:00.000000Z"), "FORGED_CHECKPOINT the signature"),
        (_checkpoint(tree_size=9), "FORGED_CHECKPOINT the signature"),
        (_checkpoint(root="00" * 32), "NOT_INCLUDED episodes/a@3"),
        (_checkpoint(signature="00" * 64), "FORGED_CHECKPOINT the signature"),
    ],
)
def test_whatever_is_done_to_an_export_is_named(
    folder: Path, tamper: Callable[[Path], None], named: str
) -> None:
    tamper(folder)
    code, said = _verify(folder)
    assert code == 1, said
    assert named in said


@pytest.mark.parametrize("seconds", [1_770_000_063 - 299, 1_770_000_063, 1_770_000_063 + 10**6])
def test_clocks_that_differ_are_not_accused(folder: Path, seconds: int) -> None:
    _events(_back_date(4, seconds))(folder)
    assert "BACK_DATED" not in _verify(folder)[1]


def test_another_signer_shows_with_the_key_that_one_knows(folder: Path) -> None:
    other = generate_signing_key().private_key.public_key()
    pem = other.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (folder.parent / "other.pem").write_bytes(pem)
    code, said = _verify(folder, "--public-key", str(folder.parent / "other.pem"))
    assert code == 1
    assert "FORGED_CHECKPOINT it was signed with another key" in said


def test_a_folder_that_is_none_ends_with_2(folder: Path) -> None:
    (folder / "checkpoint.json").write_text("{}", "utf-8")
    assert _verify(folder)[0] == 2


@settings(max_examples=25, deadline=None)
@given(seed=st.binary(min_size=32, max_size=32), message=st.binary(max_size=200), at=st.integers(0, 511))
def test_signatures_are_judged_as_the_library_judges_them(seed: bytes, message: bytes, at: int) -> None:
    key = Ed25519PrivateKey.from_private_bytes(seed)
    public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    signature = key.sign(message)
    assert is_signed(public, message, signature)
    flipped = bytearray(signature)
    flipped[at // 8] ^= 1 << at % 8
    assert not is_signed(public, message, bytes(flipped))
    assert not is_signed(public, message + b"x", signature)


def test_a_signature_that_is_not_reduced_is_none() -> None:
    """RFC 8032, 5.1.7: else anybody could make a second signature of a first."""
    order = 2**252 + 27742317777372353535851937790883648493
    key = Ed25519PrivateKey.from_private_bytes(bytes(32))
    public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    signature = key.sign(b"m")
    s = int.from_bytes(signature[32:], "little") + order
    assert not is_signed(public, b"m", signature[:32] + s.to_bytes(32, "little"))
