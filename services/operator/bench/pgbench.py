"""pgbench on the same rows: what PostgreSQL does when nothing else has to be done."""

import asyncio
import re
from collections.abc import Sequence
from pathlib import Path

from services.operator.bench.rows import WrittenCommand, WrittenStream
from services.operator.bench.worker_process import BenchFailed

_TPS = re.compile(r"^tps = ([0-9.]+) \(without", re.MULTILINE)
_HASH = "decode(repeat('ab', 32), 'hex')"
_TRACEPARENT = "'00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00'"
_START_TIMEOUT_S = 30.0


def script(life: Sequence[WrittenCommand]) -> str:
    """One referral's life: a transaction for each command."""
    lines = ["\\set life random(1, 9223372036854775806)"]
    versions: dict[str, int] = {}
    for command in life:
        lines.append("BEGIN;")
        for stream in command.streams:
            before = versions.get(stream.kind, 0)
            versions[stream.kind] = before + len(stream.event_types)
            lines.extend(_statements(stream, before))
        name = _name(command.streams[0])
        lines.append(f"INSERT INTO requests VALUES (gen_random_uuid(), {_HASH}, {name}, 1);")
        lines.append("COMMIT;")
    return "\n".join(lines) + "\n"


def _name(stream: WrittenStream) -> str:
    return f"'{stream.collection}/' || lpad(:life::text, 36, '0')"


def _statements(stream: WrittenStream, before: int) -> list[str]:
    name, after = _name(stream), before + len(stream.event_types)
    facets = stream.facets.replace("'", "''")
    snapshot = f"convert_to(repeat('s', {stream.snapshot_size_bytes}), 'UTF8')"
    if stream.is_new:
        moved = (
            f"INSERT INTO streams VALUES ({name}, '{stream.kind}', {after}, {_HASH}, {snapshot}, 1, "
            f"'{facets}', nextval('streams_changed'));"
        )
    else:
        moved = (
            f"UPDATE streams SET version = {after}, head_hash = {_HASH}, snapshot = {snapshot}, "
            f"facets = '{facets}', changed = nextval('streams_changed') WHERE stream_id = {name};"
        )
    found = [moved]
    events = zip(stream.event_types, stream.payload_sizes_bytes, strict=True)
    for version, (type_, size) in enumerate(events, start=before + 1):
        payload = f"convert_to(repeat('p', {size}), 'UTF8')"
        found.append(
            f"INSERT INTO events VALUES ({name}, {version}, gen_random_uuid(), '{type_}', now(), "
            f"{_HASH}, {_HASH}, {payload});"
        )
        found.append(
            "INSERT INTO outbox (shard, topic, key, version, value, event_id, type, recorded_at, traceparent)"
            f" VALUES (:life::bigint % 8, 'tierlink.bench.v1', {name}, {version}, {payload}, "
            f"gen_random_uuid(), '{type_}', now(), {_TRACEPARENT});"
        )
    return found


async def lives_per_second(program: Path, dsn: str, file: Path, *, clients: int, seconds: float) -> float:
    """Runs the script in so many sessions. Raises BenchFailed with what pgbench says."""
    whole_s = max(1, round(seconds))
    process = await asyncio.create_subprocess_exec(
        str(program),
        *("--no-vacuum", "--protocol=prepared", f"--client={clients}", "--jobs=2"),
        *(f"--time={whole_s}", f"--file={file}", dsn),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        out, err = await asyncio.wait_for(process.communicate(), whole_s + _START_TIMEOUT_S)
    except TimeoutError:
        raise BenchFailed("pgbench did not end in its time") from None
    finally:
        if process.returncode is None:
            process.kill()
    found = _TPS.search(out.decode())
    if process.returncode != 0 or found is None:
        raise BenchFailed(f"pgbench: {err.decode().strip()[-500:]}")
    return float(found.group(1))
