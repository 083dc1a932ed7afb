#!/usr/bin/env python3
"""Verifies a folder that `tierlink audit export` wrote. Needs Python 3.9 or later, and nothing else at all.

    python3 verify.py [FOLDER] [--public-key checkpoint_public.pem]

Ends with 0 when all is intact, 1 with findings, 2 when the folder cannot be read.
完整时退出码为 0，有发现为 1，无法读取为 2。
"""

import argparse
import base64
import hashlib
import json
import sys
from collections.abc import Iterator
from datetime import datetime
from itertools import zip_longest
from pathlib import Path
from typing import Any

# ---- Ed25519 (RFC 8032, 5.1), verification alone: nothing here is secret, so it may take its time

_P = 2**255 - 19
_ORDER = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, _P - 2, _P) % _P
_Point = tuple[int, int, int, int]


def _add(a: _Point, b: _Point) -> _Point:
    e, f = (a[1] - a[0]) * (b[1] - b[0]) % _P, (a[1] + a[0]) * (b[1] + b[0]) % _P
    g, h = 2 * a[3] * b[3] * _D % _P, 2 * a[2] * b[2] % _P
    x, t, z, y = f - e, h - g, h + g, f + e
    return (x * t % _P, y * z % _P, t * z % _P, x * y % _P)


def _times(count: int, point: _Point) -> _Point:
    found = (0, 1, 1, 0)
    while count:
        if count & 1:
            found = _add(found, point)
        point, count = _add(point, point), count >> 1
    return found


def _is_same(a: _Point, b: _Point) -> bool:
    return (a[0] * b[2] - b[0] * a[2]) % _P == 0 and (a[1] * b[2] - b[1] * a[2]) % _P == 0


def _point(data: bytes) -> _Point:
    """The point that 32 bytes stand for. Raises ValueError."""
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & (2**255 - 1)
    square = (y * y - 1) * pow(_D * y * y + 1, _P - 2, _P) % _P
    x = pow(square, (_P + 3) // 8, _P)
    if (x * x - square) % _P:
        x = x * pow(2, (_P - 1) // 4, _P) % _P
    if y >= _P or (x * x - square) % _P or (x == 0 and sign):
        raise ValueError("no point of the curve")
    x = _P - x if x & 1 != sign else x
    return (x, y, 1, x * y % _P)


_BASE = _point((4 * pow(5, _P - 2, _P) % _P).to_bytes(32, "little"))


def is_signed(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """Whether `signature` is that key's on the message."""
    if len(public_key) != 32 or len(signature) != 64:
        return False
    try:
        key, r = _point(public_key), _point(signature[:32])
    except ValueError:
        return False
    s = int.from_bytes(signature[32:], "little")
    h = int.from_bytes(hashlib.sha512(signature[:32] + public_key + message).digest(), "little") % _ORDER
    return s < _ORDER and _is_same(_times(s, _BASE), _add(r, _times(h, key)))


def is_included(leaf: bytes, index: int, size: int, path: list[bytes], root: bytes) -> bool:
    """Whether the leaf is at `index` of the Merkle tree (RFC 6962, 2.1) of `size` leaves with this root."""
    if not 0 <= index < size:
        return False
    place, last, reached = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            return False
        if place % 2 or place == last:
            reached = hashlib.sha256(b"\x01" + sibling + reached).digest()
            while place % 2 == 0 and place:
                place, last = place // 2, last // 2
        else:
            reached = hashlib.sha256(b"\x01" + reached + sibling).digest()
        place, last = place // 2, last // 2
    return last == 0 and reached == root


def leaf_of(aggregate: str, version: int, head_hash: bytes) -> bytes:
    """The leaf of one aggregate's head."""
    name = len(aggregate.encode()).to_bytes(4, "big") + aggregate.encode()
    return hashlib.sha256(b"\x00" + name + version.to_bytes(8, "big") + head_hash).digest()


def _fields(data: bytes) -> Iterator[tuple[int, Any]]:
    """The fields of a protobuf message: numbers and bytes. Raises IndexError, ValueError for what is none."""
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        value: Any = b""  # of the fixed ones, which no metadata has
        if tag & 7 == 0:
            value, at = _varint(data, at)
        elif tag & 7 in (1, 5):
            at += 8 if tag & 7 == 1 else 4
        elif tag & 7 == 2:
            size, at = _varint(data, at)
            value, at = data[at : at + size], at + size
        else:
            raise ValueError("no protobuf")
        if at > len(data):
            raise ValueError("cut short")
        yield tag >> 3, value


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value, shift, at = value | (byte & 127) << shift, shift + 7, at + 1
        if byte < 128:
            return value, at


def metadata_of(payload: bytes) -> dict[str, Any]:
    """Who did what, when: an event's first field. Raises IndexError, ValueError, KeyError."""
    found = dict(_fields(dict(_fields(payload))[1]))
    actor = dict(_fields(found.get(7, b"")))
    return {
        "event_id": found[1].decode(),
        "aggregate": found[2].decode(),
        "version": found[3],
        "type": found[4].decode(),
        "occurred_at_ns": _moment(found.get(5, b"")),
        "recorded_at_ns": _moment(found.get(6, b"")),
        "actor": actor.get(1, b"").decode(),
        "facility": actor.get(3, b"").decode(),
        "request_id": found.get(8, b"").decode(),
    }


def _moment(data: bytes) -> int:
    """Nanoseconds since 1970, UTC."""
    found = dict(_fields(data))
    return int(found.get(1, 0)) * 10**9 + int(found.get(2, 0))


# ---- the folder: read a line at a time, whatever its size; what is kept is one small mark of each aggregate

#: How far moments may go back in an honest store: clocks differ, and a command says when it arrived.
_TOLERANCE_NS = 300 * 10**9
#: No line that was written by us comes near it.
_LINE_CHARACTERS_MAX = 64 * 2**20


class _Chain:
    """How far the chain of one aggregate was read."""

    def __init__(self, name: str, kind: str) -> None:
        self.expected = 1  # 0 from a gap on: what follows hangs on what is not there
        self.previous = hashlib.sha256(f"tierlink/{kind}/{name}".encode()).digest()
        self.latest_ns = 0


def findings(folder: Path, trusted_key: "bytes | None") -> Iterator[str]:
    """Everything that is not as it was written and signed. Raises OSError, ValueError, KeyError."""
    kept = json.loads((folder / "checkpoint.json").read_text("utf-8"))
    made_at = datetime.strptime(kept["made_at"] + "+0000", "%Y-%m-%dT%H:%M:%S.%fZ%z")
    made_ns = int(made_at.timestamp()) * 10**9 + made_at.microsecond * 1000
    proved = {proof["aggregate"]: proof["version"] for proof in kept["proofs"]}
    chains: dict[str, _Chain] = {}
    heads: dict[str, bytes] = {}
    events_count = readable_count = 0
    for event, said in zip_longest(_rows(folder / "events.jsonl"), _rows(folder / "metadata.jsonl")):
        readable_count += said is not None
        if event is None:
            continue
        events_count += 1
        name, version, payload = event["aggregate"], event["version"], base64.b64decode(event["payload"])
        if name not in chains:
            chains[name] = _Chain(name, event["kind"])
        where = f"{name}@{version}"
        yield from _linked(chains[name], where, event, payload)
        if version == proved.get(name):
            heads.setdefault(where, bytes.fromhex(event["hash"]))
        try:
            written = metadata_of(payload)
        except (IndexError, KeyError, ValueError, TypeError, AttributeError):
            yield f"UNREADABLE_EVENT {where}"
            continue
        yield from _told(where, event, written, said)
        signed_ns = 0 if version <= proved.get(name, 0) else made_ns
        yield from _dated(chains[name], where, written["recorded_at_ns"], signed_ns)
    if events_count != readable_count:
        yield f"METADATA_MISMATCH {readable_count} of {events_count} events"
    yield from _checkpoint(kept, heads, trusted_key)
    for name in sorted(set(kept["aggregates"]) ^ set(chains)):
        yield f"AGGREGATE_MISSING {name}"


def _rows(path: Path) -> "Iterator[dict[str, Any]]":
    """The rows of a file, one at a time. Raises OSError, ValueError."""
    with path.open(encoding="utf-8") as file:
        while line := file.readline(_LINE_CHARACTERS_MAX):
            yield dict(json.loads(line))


def _linked(chain: _Chain, where: str, event: dict[str, Any], payload: bytes) -> Iterator[str]:
    if chain.expected not in (0, event["version"]):
        yield f"MISSING_EVENT {event['aggregate']}@{chain.expected}"
        chain.expected = 0
    if not chain.expected:
        return
    previous, stored = bytes.fromhex(event["previous_hash"]), bytes.fromhex(event["hash"])
    if previous != chain.previous:
        yield f"CHAIN_BROKEN {where}"
    if hashlib.sha256(previous + payload).digest() != stored:
        yield f"HASH_MISMATCH {where}"
    chain.previous, chain.expected = stored, chain.expected + 1


def _told(where: str, event: Any, written: dict[str, Any], said: "dict[str, Any] | None") -> Iterator[str]:
    """What people read must be what was hashed."""
    if (written["aggregate"], written["version"]) != (event["aggregate"], event["version"]):
        yield f"METADATA_MISMATCH {where}: aggregate, version"
    for name, value in written.items():
        if said is not None and said.get(name) != value:
            yield f"METADATA_MISMATCH {where}: {name}"


def _dated(chain: _Chain, where: str, recorded_ns: int, signed_ns: int) -> Iterator[str]:
    """What says it was recorded before events that it follows, or before the checkpoint that lacks it."""
    follows_ns = max(chain.latest_ns, signed_ns)
    if recorded_ns < follows_ns - _TOLERANCE_NS:
        early_s = (follows_ns - recorded_ns) // 10**9
        what = "the checkpoint, which lacks it" if follows_ns > chain.latest_ns else "an event before it"
        yield f"BACK_DATED {where}: recorded {early_s} s before {what}"
    chain.latest_ns = max(chain.latest_ns, recorded_ns)


def _checkpoint(kept: dict[str, Any], heads: dict[str, bytes], trusted_key: "bytes | None") -> Iterator[str]:
    public_key, root = (bytes.fromhex(kept[name]) for name in ("public_key", "root"))
    if trusted_key is not None and public_key != trusted_key:
        yield "FORGED_CHECKPOINT it was signed with another key"
    names = ("service", "number", "made_by", "occurred_at", "made_at", "tree_size", "root", "previous_root")
    lines = ("tierlink-checkpoint-v1", *(str(kept[name]).replace("\n", " ") for name in names), "")
    if not is_signed(public_key, "\n".join(lines).encode(), bytes.fromhex(kept["signature"])):
        yield "FORGED_CHECKPOINT the signature is not of this statement"
    for proof in kept["proofs"]:
        name, version, head = proof["aggregate"], proof["version"], bytes.fromhex(proof["hash"])
        where = f"{name}@{version}"
        leaf, path = leaf_of(name, version, head), [bytes.fromhex(each) for each in proof["path"]]
        if not is_included(leaf, proof["index"], kept["tree_size"], path, root):
            yield f"NOT_INCLUDED {where}"
        if where not in heads:
            yield f"CHAIN_CUT {where}"
        elif heads[where] != head:
            yield f"HISTORY_REWRITTEN {where}"


def _key(path: Path) -> bytes:
    """The 32 bytes of an Ed25519 key in a PEM file: they end its DER (RFC 8410)."""
    return base64.b64decode(path.read_text("ascii").split("-----")[2])[-32:]


def main() -> int:
    """Prints the verdict; its exit code."""
    parser = argparse.ArgumentParser(description="Verifies an export of Tierlink's audit trail.")
    parser.add_argument("folder", nargs="?", type=Path, default=Path(__file__).resolve().parent)
    parser.add_argument("--public-key", type=Path, help="PEM; without it the export's own key counts")
    given = parser.parse_args()
    found_count = 0
    try:
        trusted = given.public_key and _key(given.public_key)
        for each in findings(given.folder, trusted):
            found_count += 1
            print(f"✗ {each}")
        kept = json.loads((given.folder / "checkpoint.json").read_text("utf-8"))
    except (OSError, ValueError, KeyError, IndexError, TypeError) as error:
        print(f"无法读取 · cannot be read: {error!r}", file=sys.stderr)
        return 2
    for name in sorted(set(kept["aggregates"]) - {proof["aggregate"] for proof in kept["proofs"]}):
        print(f"· 存证之后新建，未纳入 · newer than the checkpoint: {name}")
    if not found_count:
        key = "" if given.public_key is not None else f"；公钥 · key {kept['public_key']}"
        what = f"{len(kept['aggregates'])}; {kept['service']} {kept['number']} {kept['made_at']}"
        print(f"✓ 完整 · intact: {what}{key}")
    return 1 if found_count else 0


if __name__ == "__main__":
    sys.exit(main())
