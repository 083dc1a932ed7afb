"""The cases that come with Tierlink beside J1, one after the other on one platform, each by its name."""

import json
import subprocess
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from services.operator.casefile.packaged import PACKAGED, case_path
from services.operator.casefile.reading import read_case
from tests.acceptance.processes import run, shell_beside_platform

pytestmark = pytest.mark.timeout(300)

#: J1 has a module of its own, test_demo.py.
OTHERS = tuple(name for name in PACKAGED if name != "j1")


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Of a shell beside a running platform."""
    folder = tmp_path_factory.mktemp("cases")
    with shell_beside_platform(folder) as found:
        yield found


@pytest.fixture(scope="module")
def played(environment: dict[str, str]) -> dict[str, subprocess.CompletedProcess[str]]:
    return {name: run("demo", "--case", name, "--output", "json", environment=environment) for name in OTHERS}


def _document(played: dict[str, subprocess.CompletedProcess[str]], name: str) -> Any:
    done = played[name]
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", OTHERS)
def test_everything_is_as_the_case_demands(
    played: dict[str, subprocess.CompletedProcess[str]], name: str
) -> None:
    document = _document(played, name)
    assert document["shortcomings"] == []
    assert document["case"]["id"] == name.upper()
    case = read_case(case_path(name))
    assert [step["line"] for step in document["steps"]] == [step.line for step in case.steps]
    assert document["audit"]["intact"] is True
    alerts = {(alert["rule"], alert["facility"], alert["subject"]) for alert in document["alerts"]}
    assert len(alerts) == len(document["alerts"]), "nobody is alerted twice of one thing"
    assert len(alerts) == len(case.alerts), "every alert is one that the case expects"


def test_h1_she_was_read_within_the_banners_promise_and_travelled_nowhere(
    played: dict[str, subprocess.CompletedProcess[str]],
) -> None:
    document = _document(played, "h1")
    outcome = document["outcome"]
    assert outcome["referrals"] == []
    assert outcome["consultations"] == [{"kind": "IMAGING", "state": "REPORTED", "version": 3}]
    assert outcome["episode"]["facilities"] == ["chaersen", "horqin-people"]
    moments = {
        step["rpc"]: datetime.fromisoformat(step["occurred_at"])
        for step in document["steps"]
        if step["rpc"] in ("RequestConsultation", "ReportConsultation")
    }
    assert moments["ReportConsultation"] - moments["RequestConsultation"] < timedelta(minutes=30)


def test_j2_the_pupil_went_by_the_green_channel_and_is_back(
    played: dict[str, subprocess.CompletedProcess[str]],
) -> None:
    document = _document(played, "j2")
    (up,) = document["outcome"]["referrals"]
    assert (up["direction"], up["state"], up["bed_region"]) == ("UP", "CLOSED", "NOT_NEEDED")
    assert (up["origin"], up["destination"]) == ("hutubi-school-2", "hutubi-general")
    types = [row["type"] for row in document["timeline"]]
    assert types.index("PatientDeparted") < types.index("PatientArrived") < types.index("TreatmentStarted")
    assert "ReferralApproved" not in types
    moments = {row["type"]: datetime.fromisoformat(row["occurred_at"]) for row in document["timeline"]}
    assert moments["ReferralAccepted"] - moments["ReferralRequested"] <= timedelta(minutes=1)


def test_h2_the_expert_came_and_the_patient_stayed(
    played: dict[str, subprocess.CompletedProcess[str]],
) -> None:
    outcome = _document(played, "h2")["outcome"]
    assert outcome["referrals"] == []
    assert outcome["consultations"] == [{"kind": "TELECONSULTATION", "state": "REPORTED", "version": 5}]
    assert outcome["episode"]["facilities"] == ["beijing-hospital", "jalaid-general"]
