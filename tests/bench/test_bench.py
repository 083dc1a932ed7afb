"""`tierlink bench` as a person runs it, with rounds too short to say anything of speed."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.warm_starts.programs import CHOICE


@pytest.mark.timeout(600)
def test_every_bench_measures_and_the_document_tells_all(tmp_path: Path) -> None:
    page = tmp_path / "bench.html"
    done = subprocess.run(
        [
            *(sys.executable, "-m", "services.operator", "bench", "--output", "json"),
            *("--facilities", "50"),
            *("--seconds", "0.1", "--turns", "1", "--seed", "5", "--referrals", "200", "--alerts", "60"),
            *("--boards", "20", "--provinces", "4", "--growth", "200,400", "--page", str(page)),
        ],
        capture_output=True,
        text=True,
        timeout=550,
        env={**os.environ, CHOICE: "warm"},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert [section["name"] for section in found["sections"]] == [
        "commands",
        "processes",
        "cost",
        "audited",
        "relay",
        "alerts",
        "memory",
        "audit",
        "availability",
        "reading",
        "growth",
        "holds",
        "escalation",
        "boards",
        "replay",
        "state",
        "province",
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
        "audited/unaudited",
        "province_ms_p99/echo_ms_p99",
    } <= (ratios.keys())
    assert all(ratio["ratio"] > 0 and ratio["baseline"]["median"] > 0 for ratio in ratios.values())
    assert {each["process"] for section in found["sections"] for each in section["memory"]} >= {
        *("kafka", "postgres", "referral", "cost", "growth-400")
    }
    curves = {curve["name"]: curve for section in found["sections"] for curve in section["curves"]}
    assert [point[0] for point in curves["commands"]["points"]] == [200, 400]
    assert [point[0] for point in curves["all_parts_ms"]["points"]] == [50, 75, 90, 95, 99, 99.9]
    province = next(section for section in found["sections"] if section["name"] == "province")
    readings = {reading["name"]: reading["value"] for reading in province["readings"]}
    assert readings["stored"] == readings["created"] > 0
    assert readings["pss"] > 0
    assert '"schema":"tierlink.bench/1"' in page.read_text("utf-8")
    assert found["machine"]["cores"] >= 1
    assert found["terms"]["seed"] == 5
