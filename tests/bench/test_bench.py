"""`tierlink bench` as a person runs it, with rounds too short to say anything of speed."""

import json
import subprocess
import sys

import pytest


@pytest.mark.timeout(600)
def test_every_bench_measures_and_the_document_tells_all() -> None:
    done = subprocess.run(
        [
            *(sys.executable, "-m", "services.operator", "bench", "--output", "json"),
            *("--facilities", "50"),
            *("--seconds", "0.2", "--turns", "1", "--seed", "5", "--referrals", "200", "--alerts", "60"),
            *("--boards", "20"),
        ],
        capture_output=True,
        text=True,
        timeout=550,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert [section["name"] for section in found["sections"]] == [
        "commands",
        "processes",
        "cost",
        "relay",
        "alerts",
        "memory",
        "audit",
        "availability",
        "reading",
        "holds",
        "escalation",
        "boards",
        "replay",
        "state",
    ]
    ratios = {ratio["name"]: ratio for section in found["sections"] for ratio in section["ratios"]}
    assert {
        "all_parts/echo",
        "all_parts/statements",
        "all_parts/pgbench",
        "batched/all_parts",
        "get/echo",
        "relay/produce",
        "chains/sha256",
        "processes/sha256",
        "get/select",
        "list/select_50",
        "holds/echo",
        "several/one",
        "service/echo",
        "whole/echo",
    } <= (ratios.keys())
    assert all(ratio["ratio"] > 0 and ratio["baseline"]["median"] > 0 for ratio in ratios.values())
    assert found["machine"]["cores"] >= 1
    assert found["terms"]["seed"] == 5
