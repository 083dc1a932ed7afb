"""Worker processes that are lent again."""

from pathlib import Path

import pytest

from services.operator.bench.worker_pool import WorkerPool
from services.operator.bench.worker_process import BenchFailed


async def test_a_process_is_lent_again_with_nothing_open_and_not_after_a_failure(tmp_path: Path) -> None:
    replies: dict[str, str] = {}
    async with WorkerPool(tmp_path) as pool:
        async with pool.borrowed("echo") as worker, pool.borrowed("beside") as beside:
            first = worker.pid
            assert beside.pid != first
            served = await worker.do("serve_echo", timeout_s=30, replies=replies)
        async with pool.borrowed("again") as worker:
            assert worker.pid == first
            address = served["address"]
            # What the one before served is gone: the round finds nobody there.
            with pytest.raises(BenchFailed, match="again: read failed"):
                await worker.do(
                    "read",
                    timeout_s=30,
                    address=address,
                    path="/tierlink.bed.v1.BedService/HoldBed",
                    token="",
                    requests=[""],
                    seconds=0.1,
                )
        with pytest.raises(BenchFailed):
            async with pool.borrowed("third") as worker:
                failed = worker.pid
                await worker.do("no such job", timeout_s=30)
        async with pool.borrowed("fourth") as worker:
            assert worker.pid != failed
