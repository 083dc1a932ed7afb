"""`tierlink demo` from outside: one command, real Kafka and PostgreSQL, one document."""

import json
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from services.operator.casefile.packaged import DEFAULT_CASE
from services.operator.casefile.reading import read_case
from tests.acceptance.processes import clean_environment, run, running, wait_until_gone

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def finished() -> subprocess.CompletedProcess[str]:
    return run("demo", "--output", "json")


@pytest.fixture(scope="module")
def document(finished: subprocess.CompletedProcess[str]) -> Any:
    assert finished.returncode == 0, finished.stdout[-3000:] + finished.stderr[-3000:]
    return json.loads(finished.stdout)


def test_everything_is_as_it_must_be(document: Any) -> None:
    assert document["ok"] is True
    assert document["shortcomings"] == []
    assert document["case"]["id"] == "J1"


def test_every_step_of_the_case_was_taken(document: Any) -> None:
    case = read_case(DEFAULT_CASE)
    assert [step["line"] for step in document["steps"]] == [step.line for step in case.steps]
    assert all(step["ok"] and step["attempts"] >= 1 for step in document["steps"])


def test_the_timeline_goes_through_both_tiers_in_both_languages(document: Any) -> None:
    timeline = document["timeline"]
    types = [row["type"] for row in timeline]
    for expected in (
        "EpisodeOpened",
        "ConsultationReported",
        "ReferralRequested",
        "BedHeld",
        "PatientDeparted",
        "PatientArrived",
        "BedOccupied",
        "TreatmentCompleted",
        "PatientReferredBack",
        "FollowUpRecorded",
        "EpisodeClosed",
    ):
        assert expected in types
    assert {row["level"] for row in timeline if row["facility"]} == {"TOWNSHIP", "COUNTY"}
    assert all(row["text"]["zh"] and row["text"]["en"] and row["hash"] for row in timeline)
    assert timeline == sorted(timeline, key=lambda row: row["occurred_at"])


def test_both_referrals_are_closed_and_the_bed_is_free_again(document: Any) -> None:
    up, down = document["outcome"]["referrals"]
    assert (up["direction"], up["state"], up["origin"]) == ("UP", "CLOSED", "wucaiwan")
    assert (down["direction"], down["state"], down["bed_region"]) == ("DOWN", "CLOSED", "NOT_NEEDED")
    assert document["outcome"]["episode"]["state"] == "CLOSED"
    assert document["outcome"]["events"]["referral UP BedOccupied"] == 1


def test_clocks_have_targets_with_source_and_confidence(document: Any) -> None:
    clocks = {(clock["key"], clock["facility"]): clock for clock in document["clocks"]}
    needle = clocks["door-to-needle", "wucaiwan"]
    assert (needle["elapsed_s"], needle["target_s"], needle["status"]) == (2400, 3600, "MET")
    assert clocks["door-in-door-out", "wucaiwan"]["elapsed_s"] == 4500
    assert all(clock["source"]["en"] and clock["confidence"] in ("A", "B", "C") for clock in clocks.values())


def test_alerts_were_delivered_and_answered(document: Any) -> None:
    alerts = {(alert["rule"], alert["facility"]): alert for alert in document["alerts"]}
    offer = alerts["OFFER", "jimsar-general"]
    assert (offer["acknowledged_by"], offer["response_s"], offer["state"]) == ("jg-stroke", 60, "RESOLVED")
    assert offer["delivery_ms"] > 0
    assert len(alerts) == len(document["alerts"]), "nobody is alerted twice of one thing"


def test_the_audit_trail_is_intact_by_everybodys_account(document: Any) -> None:
    audit = document["audit"]
    assert audit["intact"] is True
    assert [each["verified_by"] for each in audit["services"]] == ["referral", "bed", "notification"]
    assert audit["local"]["aggregates_count"] == 4
    assert audit["local"]["events_count"] == len(document["timeline"])


def test_nothing_but_the_document_is_on_standard_output(
    finished: subprocess.CompletedProcess[str], document: Any
) -> None:
    assert finished.stdout.startswith("{")
    assert "J1" in finished.stderr


def test_a_demo_that_is_stopped_leaves_nothing_behind(tmp_path: Path) -> None:
    # In real time the case's second quarter of an hour is still to come when the signal does.
    arguments = ("demo", "--speed", "1", "--lang", "en")
    with running(*arguments, cwd=tmp_path, environment=clean_environment(TMPDIR=str(tmp_path))) as program:
        program.wait_for("Through the branch's door")
        left = program.descendants()
        assert len(left) >= 5
        program.process.send_signal(signal.SIGTERM)
        assert program.process.wait(60) == 130
    assert wait_until_gone(left) == []
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_case_is_refused_before_anything_starts(tmp_path: Path) -> None:
    case = tmp_path / "case.yaml"
    case.write_text("id: 1\nsteps: []\n", "utf-8")
    refused = run("demo", "--case", str(case), timeout_s=30)
    assert refused.returncode == 2
    assert f"{case}:1:1: id must be a text" in refused.stderr
    assert refused.stdout == ""
